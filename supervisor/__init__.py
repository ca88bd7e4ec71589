"""The supervisor: forks, watches, relays and stops. It never blocks and knows no database."""

VERSION = "0.1.0"  # as in pyproject.toml
