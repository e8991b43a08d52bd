"""A ledger that has everything the page shows: four lanes, failures, controls, lineage, exhibits, hostile text."""

from __future__ import annotations

from pathlib import Path

from harness.core.digest import digest_bytes
from harness.core.evidence import Counterexample
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Bars, Heat, Line, Roofline, Series, Table, Timeline
from harness.core.gate import GateResult
from harness.grammar.language.lint import lint_text
from harness.lanes.spec.exhibits import patch_exhibits
from harness.ledger import sources
from harness.ledger.handoffs import Handoff, Handoffs
from harness.ledger.run_gates import write_run_gates
from harness.ledger.store import Ledger
from harness.report.html import write_report
from tests.ledger.factory import fill, make_evaluation, make_run

ROOT = Path(__file__).parents[3]
HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"</script></noscript><script>alert(2)</script>"
CODE = "'`x`', see `crucible doctor`"
SUITES = {name: f"{name}.suite.yaml" for name in ("tool", "patch", "program", "kernel")}
PROGRAM = "task T {\n  step a: tool.read {}\n  step b: llm.query {}\n}\n"
SAMPLE = ROOT / "specs/samples/png/checker.png"
GRAMMAR = (ROOT / "specs/grammars/png.yaml").read_text("utf-8")
MEASURED = {"explained": 0.5, "fields": [["Png.signature", 8.0, 0.5, ""]]}
SCORES = {"samples": {"before": MEASURED, "after": MEASURED}}
COMMON = {"attempts": 14, "gate": 0.2}


def series():
    line = Line(
        name="candidate", x=(100, 200, 400, 800), y=(1.0, 2.1, 4.3, 9.0), low=(0.9, 2, 4, 8), high=(1.1, 3, 5, 10)
    )
    reference = Line(name="reference", x=(100, 200, 400, 800), y=(1.0, 2.0, 4.0, 8.0), role="reference")
    axes = {"x": Axis(label="size", log=True), "y": Axis(label="time", unit="ms", log=True)}
    return Series(title="Time against size", sentence="it grows as n^1.06", lines=(line, reference), **axes)


def exhibits(lane):
    found = {
        "tool": [series(), Bars(title="Budget used", value=Axis(label="share", unit="%"), labels=("time", "memory"),
                                values=(14.0, 118.0), limits=(100.0, 100.0), absent="GPU time was not measured")],
        "program": [Timeline(title="Effects", lanes=("a", "b"), lane=(0, 1), start=(0.0, 0.5), end=(0.4, 0.9),
                             labels=("effect read", "question"), states=("ok", "open"), lines=(2, 3)),
                    Table(title="Facts", columns=("fact", "is"), rows=(("quick", "true"), (HOSTILE, "undefined")))],
        "kernel": [Roofline(title="Roofline", peak=900.0, bandwidth=4000.0, labels=("n=4096",), intensity=(100.0,),
                            rate=(300.0,)),
                   Heat(title="Sweep", x=Axis(label="BLOCK"), y=Axis(label="warps"), value=Axis(label="ms"),
                        columns=("64", "128"), rows=("4", "8"), values=((2.0, 1.0), (None, 3.0)))],
    }  # fmt: skip
    if lane == "patch":
        grammar = lint_text(GRAMMAR).grammar
        return patch_exhibits(grammar, grammar, {"checker.png": SAMPLE.read_bytes()}, SCORES)
    return tuple(pack(f"{lane}-{number}", value) for number, value in enumerate(found[lane]))


def suite(lane, name, **more):
    made = make_evaluation(name, lane=lane, suite=SUITES[lane], exhibits=exhibits(lane), **{**COMMON, **more})
    subject = made.case.subject.model_copy(update={"path": f"{name}.py"})
    return made.model_copy(update={"case": made.case.model_copy(update={"subject": subject})})


def tools(scores):
    made = []
    for number, score in enumerate(scores):
        style, parents = ("set", "loop")[number % 2], (f"t{number - 1:02}",) if number else ("never judged",)
        more = {"median_ms": 20.0 - number, "peak_mb": 1.0 + number, "style": style, "parents": parents}
        made.append(grown(suite("tool", f"t{number:02}", score=score, **more), 1.0 + number % 3 / 2))
    return made


def runs():
    yield tools([0.6, 0.7])
    part = suite("program", "hello", content="part", parents=(digest_bytes(PROGRAM.encode()),))
    other = [suite("patch", "ancillary", score=0.5), suite("kernel", "fused", score=0.7), part]
    yield tools([0.5 + number / 40 for number in range(12)]) + other + [suite("tool", "gone")]
    wrong = Counterexample(question='{"x": 1}', expected="2", observed=HOSTILE)
    bad = suite("tool", "bad", status="wrong", score=0.1, why=f"f(1) gave {CODE} {HOSTILE}", counterexample=wrong)
    hostile = suite("tool", HOSTILE[:40], case="hostile-" + HOSTILE, status="crash", score=0.0, why=HOSTILE)
    edited = suite("tool", "t03", score=0.3, content="edited", gate=0.5)
    planted = suite("tool", "planted", status="wrong", score=0.0, expect="wrong")
    skipped = suite("kernel", "fused-gpu", status="skipped", score=None, why="no CUDA device here")
    now = tools([0.5 + number / 40 for number in range(12)])
    yield [*now[:3], edited, *now[4:], *other, bad, hostile, planted, skipped]


def grown(made, exponent):
    facts = {"profile": {"rows": [], "growth": exponent}}
    return made.model_copy(update={"evidence": made.evidence.model_copy(update={"facts": facts})})


def hand_off(ledger: Ledger) -> None:
    queue = Handoffs(ledger)
    queue.add(Handoff("toolgen", "tool", "t", name, HOSTILE) for name in ("one", "two", "three"))
    queue.finish(queue.take("me", seconds=600), "me", "repaired", {})
    queue.take("me", seconds=600)


def moved(score, *, near=0.05, **more):
    made = make_evaluation(score=score, **{"gate": 0.2, **more})
    return made.model_copy(update={"score": made.score.model_copy(update={"spread": (score - near, score + near)})})


def write_moved(folder: Path) -> None:
    """Write moved.html: of two runs, scores that moved within noise and beyond it, and that of a control."""
    runs = (0.5, 0.55), (0.7, 0.3), (0.4, 0.6)
    batches = [
        [
            moved(runs[0][number], name="near"),
            moved(0.5, name="same", near=0.05 + number / 100),
            moved(runs[0][number], name="edited", content=f"text {number}"),
            moved(runs[1][number], name="worse"),
            moved(runs[2][number], name="better"),
            moved(runs[2][number], name="planted", status="wrong", expect="wrong", near=0.0),
            moved(0.9, name="gated", gate=(0.2, 0.95)[number]),
        ]
        for number in (0, 1)
    ]
    fill(folder / "moved.db", *batches)
    with Ledger.read(folder / "moved.db") as ledger:
        write_report(ledger, None, folder / "moved.html")


def write_page(folder: Path) -> None:
    """Write l.db, page.html, and small.html, which has no details but those of failing cases."""
    with Ledger.open(folder / "l.db") as ledger:
        for number, evaluations in enumerate(runs()):
            run = make_run(
                number,
                epoch=0 if number else 5,
                machine=HOSTILE,
                command=HOSTILE,
                versions={"python": "3.11", HOSTILE: HOSTILE},
            )
            ledger.begin(run)
            for evaluation in evaluations:
                ledger.record(evaluation, run_id=run.run_id)
            ledger.finish(run.run_id)
        gates = [
            GateResult(
                name="tool.mean(score) >= 0.9", observed=0.6, threshold=0.9, passed=False, why="the mean is 0.6"
            ),
            GateResult(name="failed <= 9", observed=3.0, threshold=9.0, passed=True, why="3 fail"),
        ]
        write_run_gates(ledger, run.run_id, gates)
        hand_off(ledger)
        with ledger.writing() as connection:
            for name in ("t03", "edited", "bad"):
                text = f"def f(x):\n    return {name!r}  # <script>alert(3)</script>\n"
                sources.keep(connection, digest_bytes(name.encode()), text)
            sources.keep(connection, digest_bytes(PROGRAM.encode()), PROGRAM)
        write_report(ledger, None, folder / "page.html")
        write_report(ledger, None, folder / "small.html", size=0)
