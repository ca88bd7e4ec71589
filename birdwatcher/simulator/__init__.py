"""Simulated nodes, for tests and demonstrations. They know nothing of the program."""
