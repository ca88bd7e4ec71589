"""Users and API tokens: who they are, what they may do, and in which time zone they look."""
