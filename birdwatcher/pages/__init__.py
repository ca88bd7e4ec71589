"""The pages on which people look at their network."""
