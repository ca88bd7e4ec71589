"""Birdwatcher as its operator has it: installed, and run by systemd.

A test has a machine of its own, whose process 1 is systemd (see `machine`). The nodes and the tests
stay outside: they look into the machine through /proc, and talk with it over its own loopback.
"""
