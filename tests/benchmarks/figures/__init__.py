"""One file a figure, or several that are measured in one go.

Each has a function `measure(bench, vendor) -> Result`.
"""
