"""How the web UI is served: gunicorn in the project's own manner, and the static files."""
