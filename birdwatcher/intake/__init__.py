"""What does not come through the daemon: birds that people enter."""
