"""What a search costs beyond judging, and the rates of its parts.

    python benchmarks/evolve.py [--rounds 3] [--population 64] [--part search|stages|archive|screen|resume|kills]

search: a search against the bare `JudgePool` on the same sources, in alternating rounds: wall and CPU time of all
processes. The other parts have no peer: stages that run nothing, insertions into archive and front, wrong mutants
screened of both seed tools, and the time to continue 5,000 trials. kills (only if named): examples/dream.yaml,
shortened, once whole and once with a SIGKILL at 20 random moments; whether both end with the same champions.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

from harness import JudgePool
from harness.core.trial import Trial
from harness.evolve.archive import Archive, Front, Member
from harness.evolve.config import Experiment
from harness.evolve.measures import Steps
from harness.evolve.search import Search, pool_options, secret_of
from harness.judge.verdict import Verdict
from harness.lanes.toolgen.proposals.cheap_checks import check
from harness.lanes.toolgen.proposals.operators import edits
from harness.lanes.toolgen.proposals.templates import styles_of, template
from harness.lanes.toolgen.tool_spec import read_tool
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("text_deduplicate", "json_flatten")


def cpu() -> float:
    """CPU seconds of this process and of all that have ended below it."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in both)


def search_killed(kills: int = 20, seed: int = 1) -> None:
    """Search with measured times, once whole and once killed at random moments."""
    text = (ROOT / "examples" / "dream.yaml").read_text()
    for before, after in (("0_5", "0_2"), ("6_10", "3_4"), ("11_plus", "5_plus")):
        text = text.replace(f"epoch_{before}", f"epoch_{after}")
    tools = ", ".join(f"{tool}: {ROOT / 'specs' / 'tools' / tool}" for tool in TOOLS)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dream.yaml"
        file.write_text(f"{text}\n  population: 12\n  generations: 7\n  tools: {{{tools}}}\n")

        def searched(name: str, kills: int) -> dict[int, Trial]:
            words = [sys.executable, "-m", "harness", "evolve", file, "--json", "--ledger", Path(folder) / name]
            began, sent, usual = time.perf_counter(), 0, 6.0
            while True:
                process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                try:
                    limit = rng.uniform(0, 2 * usual) if sent < kills else None
                    found = json.loads(process.communicate(timeout=limit)[0])
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    sent += 1
                    continue
                print(f"{name}: {time.perf_counter() - began:.0f} s, killed {sent} times")
                with Ledger.read(Path(folder) / name) as ledger:
                    (one,) = found
                    rows = Trials(ledger, one["experiment"]).rows
                for champion in one["champions"]:
                    print(f"  {champion}")
                return rows

        whole, cut = searched("whole.db", 0), searched("killed.db", kills)
    both = [(whole[number], cut[number]) for number in sorted(whole) if number in cut]
    same = next((at for at, (one, other) in enumerate(both) if one.digest != other.digest), len(both))
    print(f"{same} of {len(whole)} proposals are the same before the first other one")
    for pair in both[:same]:
        if pair[0].stage != pair[1].stage:
            print(
                *(f"{one.number} ended at {one.stage}, {one.verdict.get('final', one.status)}" for one in pair),
                sep="; ",
            )


def compare_search(rounds: int, population: int) -> None:
    """Candidates per second of a search / of a pool that judges the same sources in the same two stages."""
    experiment = Experiment(
        name="bench",
        curriculum={"epoch_0_plus": "json_flatten"},
        population=population,
        generations=3,
        finalists=0,
        timing="none",
    )
    walls, cpus = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            began, used = time.perf_counter(), cpu()
            with Ledger.open(Path(folder) / "ledger.db") as ledger:
                search = Search(experiment.replace(seed=number), ROOT / "examples" / "dream.yaml", ledger)
                search.run()
                searched, searched_cpu = time.perf_counter() - began, cpu() - used
                rows = [one for one in search.trials.rows.values() if one.stage in ("screen", "judged", "again")]
                sources = [(search.trials.source(one.digest), one.epoch, not one.parents) for one in rows]
            began, used = time.perf_counter(), cpu()
            options = pool_options(experiment, None)
            seed = secret_of(experiment.replace(seed=number))
            with JudgePool(ROOT / "specs" / "tools" / "json_flatten", secret_seed=seed, **options) as pool:
                judge_bare(pool, sources)
            bare, bare_cpu = time.perf_counter() - began, cpu() - used
        walls.append(bare / searched)
        cpus.append(bare_cpu / searched_cpu)
        print(
            f"round {number}: {len(rows)} candidates, search {searched:.1f} s ({searched_cpu:.1f} s CPU), "
            f"pool {bare:.1f} s ({bare_cpu:.1f} s CPU): {walls[-1]:.2f}x wall, {cpus[-1]:.2f}x CPU"
        )
    print(f"search / pool: {statistics.median(walls):.2f}x by wall time, {statistics.median(cpus):.2f}x by CPU time")


def judge_bare(pool: JudgePool, sources: list[tuple[str, int, bool]]) -> None:
    """Screen all as a search does, and judge those that pass.

    Args:
        sources: Texts, epochs, and whether a slow one passes the screening.
    """
    screened: list[tuple[str, int, Future[Verdict]]] = [
        (source, epoch, pool.submit(source, screen=True, allow_slow=allow_slow, epoch=epoch))
        for source, epoch, allow_slow in sources
    ]
    judged = [pool.submit(source, epoch=epoch) for source, epoch, one in screened if one.result().status == "ok"]
    for one in judged:
        one.result()


def rate_stages() -> None:
    """Parse, gate and normal form of the candidates of this repository, on one core; then known bytes."""
    for tool_id in TOOLS:
        tool = read_tool(ROOT / "specs" / "tools" / tool_id)
        sources = [path.read_text() for path in sorted((ROOT / "candidates" / tool_id).glob("*.py"))]
        used, count = time.process_time(), 0
        while time.process_time() - used < 2:
            for source in sources:
                check(f"{source}# {count}\n", tool)
                count += 1
        rate = count / (time.process_time() - used)
        size = statistics.mean(map(len, sources))
        print(
            f"parse, gate and normal form of {tool_id} ({size:.0f} characters): {rate:.0f}/s, "
            f"{rate * size / 3000:.0f}/s of 3 kB"
        )
    with JudgePool(ROOT / "specs" / "tools" / "json_flatten", workers=1, timing="none") as pool:
        source = template("json_flatten", "stack")
        pool.judge(source)
        used = time.process_time()
        for _ in range(20_000):
            pool.judge(source)
        print(f"bytes that the pool knows: {20_000 / (time.process_time() - used):.0f}/s")
    with tempfile.TemporaryDirectory() as folder:
        many = [f"{source}# {number}\n" for number in range(400)]
        rates = []
        for _ in range(4):
            with JudgePool(
                ROOT / "specs" / "tools" / "json_flatten", timing="none", attempts=1, ledger=Path(folder) / "ledger.db"
            ) as pool:
                used = time.process_time()
                pool.judge_all(many)
                rates.append(len(many) / (time.process_time() - used))
        print(f"bytes that the ledger knows: {statistics.median(rates[1:]):.0f}/s")


def rate_archive() -> None:
    """The mean of the last 1,000 of 10,000 insertions."""
    rng = random.Random(1)

    def member(number: int) -> Member:
        values = [rng.randrange(30) for _ in range(5)]
        return Member(f"{number:05d}", number, f"cell{number}", Steps(*values, 1.0))

    archive, front = Archive(), Front()
    for number in range(10_000):
        if number == 9_000:
            began = time.perf_counter()
        one = member(number)
        archive.add(one)
        front.add(one)
    mean = time.perf_counter() - began
    print(f"archive ({len(archive.owners)} cells) and front ({len(front.members)}): {mean:.3f} ms an insertion")


def rate_screening() -> None:
    """Wrong mutants of one template of each seed tool, with the limit of a full verdict and with the short one."""
    for tool_id in TOOLS:
        source = template(tool_id, styles_of(tool_id)[0])
        mutants = [edit.apply(source) for edit in edits(source)]
        random.Random(1).shuffle(mutants)
        with JudgePool(ROOT / "specs" / "tools" / tool_id) as pool:
            verdicts = pool.screen_all(mutants[:250])
            failed = [text for text, one in zip(mutants[:250], verdicts, strict=True) if one.status != "ok"]
            counts = Counter(str(one.status) for one in verdicts)
            rates = []
            for allow_slow in (True, False):
                again = [f"{text}\n# {allow_slow}\n" for text in failed]
                began = time.perf_counter()
                pool.screen_all(again, allow_slow=allow_slow)
                rates.append(len(again) / (time.perf_counter() - began))
        print(
            f"screening of {tool_id}: {rates[0]:.0f} mutants that fail per second, {rates[1]:.0f} where slow ones do "
            f"not pass ({dict(counts)})"
        )


def rate_resume() -> None:
    """Seconds until 5,000 judged trials are read and a search may continue."""
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger.db") as ledger:
        trials = Trials.begin(ledger, "bench", lane="toolgen", config={})
        rows = [
            Trial(number=n, generation=n // 50, epoch=0, suite="t", digest=f"{n:064d}", verdict={"why": "x" * 200})
            for n in range(5_000)
        ]
        trials.propose(rows, {row.digest: f"x = {row.number}\n" * 200 for row in rows})
        began = time.perf_counter()
        Trials.begin(ledger, "bench", lane="toolgen", config={})
        print(f"5,000 trials are read in {time.perf_counter() - began:.2f} s")


PARTS = {
    "stages": rate_stages,
    "archive": rate_archive,
    "screen": rate_screening,
    "resume": rate_resume,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--part", choices=["search", "kills", *PARTS])
    given = parser.parse_args()
    for name, part in PARTS.items():
        if given.part in (None, name):
            part()
    if given.part == "kills":
        search_killed()
    if given.part in (None, "search"):
        compare_search(given.rounds, given.population)
