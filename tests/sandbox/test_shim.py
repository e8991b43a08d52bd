"""What the zygote does once is not done again in each box."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import resource, sys
from harness.sandbox import shim
if sys.argv[1] == "rehearsed":
    shim.rehearse()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
exec(compile(b"def run(x): return [x]", "candidate.py", "exec", dont_inherit=True), {})
shim.encode(shim.decode(b'{"a":1}'))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(cache: Path, how: str) -> int:
    """Page faults of loading a first candidate, by an interpreter whose own modules come from cached byte code.

    Without cached byte code the import of the harness is itself the first compilation, and nothing would be seen.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-X", f"pycache_prefix={cache}", "-c", PROGRAM, how]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=Path.cwd())
    return int(done.stdout)


ARMED = """
import gc, os, resource, sys
from harness.sandbox import guard, guarded_modules, shim
shim.rehearse()
if sys.argv[1] == "cold":
    guard.hook_code.cache_clear()
    guarded_modules.replacements.cache_clear()
gc.freeze()
if os.fork():
    os.wait()
else:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    shim._guard(frozenset(guard.GROUPS))
    os.write(1, b"%d" % (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before))
    os._exit(0)
"""


def test_the_guard_is_made_in_the_zygote() -> None:
    """A box that made it would write to most pages with a module or a function of `os`."""
    cold, ready = (
        int(subprocess.run([sys.executable, "-c", ARMED, how], capture_output=True, check=True, cwd=Path.cwd()).stdout)
        for how in ("cold", "rehearsed")
    )
    assert ready < cold / 2, (ready, cold)


def test_the_rehearsal_leaves_little_to_do_for_the_first_candidate(tmp_path: Path) -> None:
    without = faults(tmp_path, "cold")
    assert without > 30, "the types of ast are no longer made at the first compilation: the rehearsal may be needless"
    assert faults(tmp_path, "rehearsed") < without / 3
