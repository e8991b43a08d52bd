"""What a lane is, and what it is given."""
