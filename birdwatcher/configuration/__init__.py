"""The configuration: what differs between installations, and where its values come from."""
