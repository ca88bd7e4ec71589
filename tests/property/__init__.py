"""What holds for any input: properties, and models that any sequence of calls is held against."""
