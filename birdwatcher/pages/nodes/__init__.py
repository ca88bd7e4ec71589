"""The pages about nodes: their list, one node, and what operators do to them."""
