"""Birdwatcher's Django project: settings, one app a subject, the writer and the web."""
