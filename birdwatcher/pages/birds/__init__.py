"""The page of birds, and the files that it exports."""
