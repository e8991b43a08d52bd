"""Load a program, run it, answer its question, resume it, replay it and verify its log.

Run: python examples/dsl_library.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.dsl import ProgramError, RunSettings, Session, load_source, open_log, replay, stored_program, verify

PROGRAM = """
input name: string

task Greeting {
    step ask: llm.query { prompt: "Greet {{name}} in one sentence." output_var: greeting }
    step keep: tool.write { path: "greeting.txt" content: "{{greeting}}" }

    evaluation { check greets: tool.read { path: "greeting.txt" contains: "{{name}}" } }
    success: passed("greets")
}
"""


def main(folder: Path) -> None:
    """Run the program in a folder and print what each part of the library reports."""
    try:
        load_source("task Greeting { step ask llm.query { } }", path="draft.spak")
    except ProgramError as error:
        print(error, end="\n\n")

    program = load_source(PROGRAM, path="greeting.spak")
    with Session.start(program, folder, inputs={"name": "Ada"}, settings=RunSettings(live=True)) as session:
        outcome = session.run()
        print(outcome.status, outcome.questions[0].id, outcome.questions[0].prompt)

    # Another process may do this, days later: the run is in the folder, and the log holds the program's text.
    with Session.resume(folder) as session:
        session.answer(outcome.questions[0].id, "Good morning, Ada.")
        outcome = session.run()
        print(outcome.status, outcome.passed, [f"{step.kind} {step.name}: {step.status}" for step in outcome.steps])

    with open_log(folder) as file:
        log = file.open_run()
        replayed = replay(stored_program(file, log), log)
        print("replay:", replayed.events, "events,", replayed.divergence or "all equal")
        verified = verify(file)
        print("verify:", verified.events, "events,", len(verified.problems), "problems")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary) / "run")
    sys.exit(0)
