"""Programs of a small language, run by a deterministic machine that can stop and go on."""
