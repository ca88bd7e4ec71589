"""The people: who they are, what each may do, and in which time zone they live."""
