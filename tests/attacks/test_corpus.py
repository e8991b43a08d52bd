"""Every attack, on every tier this machine can offer, ends as the table says, and leaves nothing."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attacks import corpus
from tests.judge.conftest import processes_with
from tests.shared_run import shared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")
KINDS = corpus.KINDS
SAME_IN_EACH_BOX = {"attempts", "bound code", "clock", "guard", "pipe verdict", "protocol", "reader", "static check"}
"""Layers that are not of the box. What only they stop is judged in one kind of box here, in each by `make attack`,
but for what ends its process: how that is noticed depends on the box."""
OF_THE_BOX = [
    attack
    for attack in corpus.table()
    if not attack.most and ("crash" in attack.expect or not SAME_IN_EACH_BOX.issuperset(attack.layer))
]
ROWS = [(kind, attack) for kind in KINDS for attack in (corpus.table() if kind == "all-layers" else OF_THE_BOX)]
Rows = dict[str, Any]


def read_rows(output: str) -> Rows:
    """What corpus.py printed: the boxes as `head`, and a row for each attack."""
    head, *rows = map(json.loads, output.splitlines())
    return {"head": head} | {row["name"]: row for row in rows}


@pytest.fixture(scope="module", params=KINDS)
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The corpus judged once for all tests of a kind that were selected, in all pytest workers."""
    wanted = [
        item.callspec.params.get("attack")
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec") and item.callspec.params.get("rows") == request.param
    ]
    names = [attack.name for attack in wanted if attack is not None]
    layers = [word for layer in KINDS[request.param] for word in ("--without", layer)]

    def judge(folder: Path) -> None:
        command = [sys.executable, corpus.__file__, *layers, "--scratch", str(folder.parent / "questions"), *names]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        (folder / "rows").write_text(done.stdout)
        assert done.returncode == 0, done.stderr[-2000:]

    return read_rows((shared(tmp_path_factory, f"corpus-{request.param}", judge) / "rows").read_text())


def check_row(attack: corpus.Attack, rows: Rows) -> None:
    found = rows[attack.name]
    assert corpus.faults(attack, found, rows["head"]["layers"]) == "", found


@pytest.mark.parametrize(("rows", "attack"), ROWS, indirect=["rows"], ids=[f"{k}-{one.name}" for k, one in ROWS])
def test_an_attack_ends_as_the_table_says(attack: corpus.Attack, rows: Rows) -> None:
    check_row(attack, rows)


def test_nothing_survives_the_corpus(rows: Rows) -> None:
    assert rows["head"]["survivors"] == []


def test_a_run_of_the_corpus_ends_with_what_started_it(tmp_path: Path) -> None:
    """Killed before it could tell its children, as by the end of an interrupted test run."""
    mark = secrets.token_hex(8)
    command = [sys.executable, corpus.__file__, "--scratch", str(tmp_path / "scratch")]
    start = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(600)"
    started = subprocess.Popen([sys.executable, "-c", start], env=os.environ | {"CRUCIBLE_TEST_MARK": mark})
    try:
        wait_until(lambda: len(processes_with(mark)) > 3)  # the corpus, its job and a zygote
    finally:
        started.kill()
        started.wait()
    wait_until(lambda: not processes_with(mark))


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def readable_project() -> Iterator[Path]:
    """A copy of what the corpus needs, where any user may read it: the clone may lie in a private home."""
    folder = Path(tempfile.mkdtemp(prefix="crucible-readable-"))
    for part in ("harness", "specs/tools", "tests/attacks"):  # with byte code and the times that make it valid
        shutil.copytree(corpus.ROOT / part, folder / part, copy_function=shutil.copy2)
    shutil.copyfile(corpus.ROOT / "tests/__init__.py", folder / "tests/__init__.py")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("without", [(), ("namespaces",)], ids=["namespaces", "no-namespaces"])
def test_the_corpus_as_an_ordinary_user(without: tuple[str, ...], readable_project: Path) -> None:
    """As uid 65534, in a mount namespace where the interpreter can be reached."""
    missing = [tool for tool in ("unshare", "setpriv", "mount") if shutil.which(tool) is None]
    if os.getuid() != 0 or missing:
        pytest.skip(f"only root can become another user, with unshare, setpriv and mount (missing: {missing})")
    if not os.stat(yaml.__file__).st_mode & 0o004:
        pytest.skip(f"other users may not read the installed packages: {Path(yaml.__file__).parent} (umask 077?)")
    opened = [Path(sys.base_prefix), Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve()]
    script = ["set -e", "umask 022"]
    for index, path in enumerate(opened):
        script.append(f"exec {index + 5}< '{path}'")
    for closed in sorted({top for path in opened if (top := closed_ancestor(path)) is not None}):
        script.append(f"mount -t tmpfs -o mode=755 tmpfs '{closed}'")
    for index, path in enumerate(opened):
        script.append(
            f"[ -e '{path}/.' ] && [ -n \"$(ls -A '{path}')\" ] || {{ mkdir -p '{path}'; "
            f"mount --no-canonicalize --bind /proc/self/fd/{index + 5} '{path}'; }}"
        )
    closing = " ".join(f"{index + 5}<&-" for index in range(len(opened)))
    flags = " ".join(f"--without {layer}" for layer in without)
    names = " ".join(attack.name for attack in OF_THE_BOX)
    script.append(
        f"exec setpriv --reuid 65534 --regid 65534 --clear-groups '{sys.executable}' -B "
        f"'{readable_project / 'tests/attacks/corpus.py'}' {flags} {names} {closing}"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = read_rows(done.stdout)
    for attack in OF_THE_BOX:
        check_row(attack, rows)
    assert rows["head"]["survivors"] == []
    assert rows["head"]["tier"] == ("C" if without or rows["head"]["layers"]["namespaces"] else "B"), rows["head"]


def closed_ancestor(path: Path) -> Path | None:
    """The topmost directory on the way to `path` that other users cannot enter."""
    for directory in [*reversed(path.parents), path]:
        if not directory.stat().st_mode & 0o001:
            return directory
    return None
