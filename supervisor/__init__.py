"""The supervisor: forks, watches, relays and stops. It never blocks and knows no database."""
