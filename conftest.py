"""Makes a bare `pytest` work from a clone; where the package is installed, this is a no-op."""

pytest_plugins = ["harness.plugin"]
