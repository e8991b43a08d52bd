"""The lowest layer: values and pure functions. Its modules read no clock and import no other layer."""
