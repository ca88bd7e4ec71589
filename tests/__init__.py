"""The tests, by kind: unit, integration, acceptance, and later chaos and systemd."""
