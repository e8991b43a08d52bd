"""Every attack, on every tier this machine can offer, ends as the table says, and leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness.lane.context import Context
from harness.sandbox.limits import SyscallPolicy
from tests.attacks import corpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="layers need Linux")
KINDS = {
    "all-layers": (),
    "no-cgroup": ("cgroup",),
    "no-namespaces": ("namespaces", "cgroup"),
}
NAMES = [attack.name for attack in corpus.table()]


@pytest.fixture(scope="module", params=KINDS)
def boxes(request: pytest.FixtureRequest) -> Iterator[Context]:
    with corpus.context(*KINDS[request.param]) as made:
        yield made


def allowed(attack: corpus.Attack, layers: dict[str, str]) -> frozenset[str]:
    return attack.expect if layers["namespaces"] == "" else attack.weaker


@pytest.mark.parametrize("attack", corpus.table(), ids=NAMES)
def test_an_attack_ends_as_the_table_says(attack: corpus.Attack, boxes: Context) -> None:
    found = corpus.run(attack, boxes)
    assert found["status"] in allowed(attack, boxes.boxes.layers), found
    assert corpus.canaries() == []
    # The next candidate is judged as if nothing had happened.
    good = corpus.run(next(a for a in corpus.table() if a.name == "d24_good_control"), boxes)
    assert good["status"] == "ok", good


def test_nothing_survives_the_corpus(boxes: Context) -> None:
    for attack in corpus.table():
        if attack.name in ("d07_forkbomb50", "d31_bytearray_mutate_later", "d18_threads50"):
            corpus.run(attack, boxes)
    for family in boxes.boxes._families.values():
        for zygote in family._zygotes[SyscallPolicy.STRICT]:
            if zygote.is_free:
                children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
                assert len(children) <= 1, "a zygote has only the box that waits for a source"


@pytest.fixture
def readable_project() -> Iterator[Path]:
    """A copy of what the corpus needs, where any user may read it: the clone may lie in a private home."""
    folder = Path(tempfile.mkdtemp(prefix="crucible-readable-"))
    for part in ("harness", "specs/tools", "tests/attacks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(corpus.ROOT / part, folder / part, ignore=ignored, copy_function=shutil.copyfile)
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
    script.append(
        f"exec setpriv --reuid 65534 --regid 65534 --clear-groups '{sys.executable}' -B "
        f"'{readable_project / 'tests/attacks/corpus.py'}' {flags} {closing}"
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
    head, *rows, tail = map(json.loads, done.stdout.splitlines())
    wrong = [
        row
        for row, attack in zip(rows, corpus.table(), strict=True)
        if row["status"] not in allowed(attack, head["layers"])
    ]
    assert wrong == []
    assert tail["canaries"] == []
    assert head["tier"] == ("C" if without or head["layers"]["namespaces"] else "B"), head


def closed_ancestor(path: Path) -> Path | None:
    """The topmost directory on the way to `path` that other users cannot enter."""
    for directory in [*reversed(path.parents), path]:
        if not directory.stat().st_mode & 0o001:
            return directory
    return None
