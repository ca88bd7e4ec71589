"""The pages about species: their list, and one species."""
