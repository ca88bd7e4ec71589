"""Species: read and edited."""
