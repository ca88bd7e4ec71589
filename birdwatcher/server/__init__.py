"""The web server: gunicorn and uvicorn, and what they need to know of the project."""
