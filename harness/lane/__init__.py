"""The Lane protocol, its registry, and the resources that a lane gets."""
