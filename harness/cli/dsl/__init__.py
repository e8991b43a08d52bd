"""Check, run, resume, replay and improve programs.

Example:
  crucible dsl check program.spak
  crucible dsl run program.spak --live --input name=World
  crucible dsl resume reports/dsl/program-1
"""

from __future__ import annotations

VERBS = tuple("""
check run answer send cancel resume resolve trace replay verify fork upgrade sweep improve lift runs
graph view report step
""".split())  # fmt: skip
