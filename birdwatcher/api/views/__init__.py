"""What answers at the addresses of the API."""
