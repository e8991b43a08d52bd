"""The public face: every name is lazy, importable, and has its real type for a user's type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.core.errors import UsageError

PROGRAMS = {
    "harness": """
from pathlib import Path

import harness
from harness.core.errors import UsageError
from harness import Case, Evaluation, Ledger, Status, evaluate, hookimpl

found = evaluate("x.suite.yaml", epoch=3)
reveal_type(found)
reveal_type(found.status)
reveal_type(Ledger.open(Path("l.db")))


@hookimpl
def crucible_evaluated(evaluation: Evaluation) -> None:
    print(evaluation.case.name, evaluation.status is Status.OK)


wrong: int = found.case.name
""",
    "grammar": """
from pathlib import Path
from harness.grammar import InsertField, Patch, SpecStore, ToolHost, load_grammar, parse_binary

reveal_type(parse_binary(load_grammar(Path("g.yaml")), b"").records[0])
reveal_type(SpecStore().create_initial(""))
reveal_type(ToolHost.lint_grammar)
wrong: Patch = InsertField(("types", "T"), -1, {})
""",
    "dsl": """
from pathlib import Path
from harness.dsl import Outcome, Session, load_program, replay

session = Session.start(load_program(Path("a.spak")), Path("out"))
outcome: Outcome = session.run()
reveal_type(outcome.passed)
reveal_type(replay(session.program, session.log).events)
wrong: str = outcome.passed
""",
}
TYPES = {
    "harness": [
        "harness.core.evaluation.Evaluation",
        "harness.core.status.Status",
        "harness.ledger.store.Ledger",
    ],
    "grammar": [
        "harness.grammar.host.record.ParsedRecord",
        "harness.grammar.version.SpecVersion",
        "def (request: harness.grammar.host.messages.LintGrammarInput) -> ",
    ],
    "dsl": ["bool", "int"],
}


def test_user_programs_get_real_types_and_real_errors(tmp_path: Path) -> None:
    """One run of mypy for the three libraries, as it reads the harness first."""
    pytest.importorskip("mypy")
    for name, program in PROGRAMS.items():
        (tmp_path / f"{name}_program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "."],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(Path(harness.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    for name, types in TYPES.items():
        seen = [line for line in done.stdout.splitlines() if line.startswith(f"{name}_program.py")]
        revealed = [line.split('"')[1] for line in seen if "Revealed type" in line]
        assert len(revealed) == len(types), done.stdout + done.stderr
        assert all(map(str.startswith, revealed, types)), revealed
        errors = [line for line in seen if " error: " in line]
        assert len(errors) == 1, done.stdout
        assert "Incompatible types in assignment" in errors[0]


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, harness; print(*sorted(m for m in sys.modules if m.startswith('harness')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["harness"]


def test_a_run_without_suites_imports_the_plugin_and_what_guards_conftests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_what_is_loaded():
            ours = sorted(name for name in sys.modules if name.split(".")[0] == "harness")
            assert ours == [
                "harness", "harness.bytecode", "harness.core", "harness.core.number", "harness.plugin",
                "harness.session", "harness.session.untrusted", "harness.session.untrusted_area",
            ]
            assert not {"yaml", "pydantic", "lark", "jinja2", "httpx", "numpy"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:anyio")
    result.assert_outcomes(passed=1)


def test_evaluate_wants_a_suite(tmp_path):
    candidate = tmp_path / "x.py"
    candidate.write_text("def x(): pass\n")
    with pytest.raises(UsageError, match="this is not a suite") as caught:
        harness.evaluate(candidate)
    assert "crucible judge FILE --tool TOOL" in caught.value.fix
