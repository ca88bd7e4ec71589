"""The pages of the web UI, a folder for each subject."""
