"""The demonstration: web UI, simulated nodes and daemon, started together and ended together."""
