"""Fault: imports what is not there."""

import a_package_that_nobody_wrote  # noqa: F401
