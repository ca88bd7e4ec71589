"""The WebSockets on which pages and programs follow the birds; `feed` reads for them."""
