"""Adapters: problems of other benchmarks as suites of ours; what cannot be carried over is named, never dropped."""
