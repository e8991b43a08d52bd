"""The outer loop: revised programs from a provider, accepted only where a measurement says that they are better."""
