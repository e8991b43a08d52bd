"""Leave with exit code 0 while being loaded."""

import os

os._exit(0)
