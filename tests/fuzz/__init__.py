"""The packets nobody thought of: generated, mutated, and found by coverage-guided search.

What must hold of any bytes stands in `oracle`. It is asked by the corpus (`test_corpus`), by a
seeded generator (`generator`, `million`), by the coverage-guided search (`target`), and by the
properties in `tests/property`.
"""
