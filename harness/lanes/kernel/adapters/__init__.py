"""Adapters: convert problems of other benchmarks into suites; what cannot be converted is named."""
