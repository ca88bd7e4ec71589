"""What the tests are built from: databases, processes, nodes in the field, a browser."""
