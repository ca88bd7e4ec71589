"""The REST API: what the pages show, as JSON, CSV and JSON lines under `/api/v1/`."""
