"""Simulated nodes (`runnodes`) and the demonstration built on them (`demo`). No models."""
