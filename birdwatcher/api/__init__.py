"""The network for programs: what the pages show, as JSON, CSV and JSON lines under `/api/v1/`."""
