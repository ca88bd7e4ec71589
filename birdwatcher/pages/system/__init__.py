"""The page of the daemon, its processes and the database; and `/healthz`."""
