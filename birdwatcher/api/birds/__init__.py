"""Birds: pages and files of them, single ones, and birds from elsewhere."""
