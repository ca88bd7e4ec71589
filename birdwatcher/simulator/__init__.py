"""Simulated nodes: `./manage.py runnodes`. They know nothing of the program that they test."""
