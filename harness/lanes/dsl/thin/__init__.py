"""The first, small slice of the lane; it goes when the language and the machine have replaced it."""
