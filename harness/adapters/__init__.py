"""Programs that other systems start."""
