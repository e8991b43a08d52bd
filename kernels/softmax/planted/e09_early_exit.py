"""Exploit 9: the process ends well before it is asked.

Caught: every call needs a plan.
"""

import os

print("all shapes passed", flush=True)
os._exit(0)
