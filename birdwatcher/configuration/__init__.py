"""The configuration: what differs between installations, where it comes from, what it may be."""
