"""A node that listens on TCP and sends length-prefixed JSON packets."""
