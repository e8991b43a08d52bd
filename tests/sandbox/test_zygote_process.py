"""What boxes of one zygote share is read-only to them: no box learns anything of the one before it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.sandbox.codec import decode, encode
from harness.sandbox.limits import Limits, SyscallPolicy
from harness.sandbox.pool import BoxPool
from harness.sandbox.zygote_process import ZygoteProcess

LEFT_BEHIND = {
    "nothing": "pass",
    "file": "open('left', 'w').write('x' * 100000)",
    "file that is gone": "open('left', 'w').close(); os.unlink('left')",
    "file without a name": "os.close(os.open('.', os.O_TMPFILE | os.O_RDWR))",
    "directory": "os.makedirs('a/b/c'); open('a/b/c/d', 'w').close(); os.chmod('a', 0)",
    "deep directory": "for _ in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)",
    "strange name": "open(b'\\xff\\n..', 'w').close()",
    "symbolic link": "os.symlink('/etc', 'etc')",
    "times of the directory": "os.utime('.')",
    "mode of the directory": "os.chmod('.', 0o700)",
    "flags of its descriptors": "[fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND) for fd in range(3)]",
    "reading": "os.listdir('.'); os.scandir('.').close(); os.stat('.')",
    "all inodes": "for n in range(1000): open(str(n), 'w').close()",
    "all bytes": "open('full', 'w').write('x' * (7 << 20))",
}
TRACES = """
import fcntl, os
def run(deed):
    seen = os.stat(".")
    fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
    number = os.fstat(fd).st_ino
    os.close(fd)
    space = os.statvfs(".")
    times = [seen.st_atime_ns == seen.st_mtime_ns == seen.st_ctime_ns]
    found = [sorted(map(str, os.listdir(b"."))), number, seen.st_mode, seen.st_nlink, seen.st_size, *times]
    found += [space.f_bfree, space.f_ffree, os.getcwd()]
    found += [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in range(3)]
    try:
        exec(deed)
    except OSError:
        pass
    return found
"""


@pytest.fixture
def own() -> Iterator[BoxPool]:
    with BoxPool() as pool:
        if pool._zygote().shared:
            pytest.skip(f"here {pool._zygote().shared}")
        yield pool


def traces(pool: BoxPool, deed: str) -> object:
    with pool.open(TRACES.encode(), entry="run") as box:
        return decode(box.call({"deed": deed}).payload)


@pytest.mark.parametrize("kind", LEFT_BEHIND)
def test_a_box_finds_the_work_directory_as_if_there_had_been_no_box_before(own: BoxPool, kind: str) -> None:
    with BoxPool() as other:
        first = traces(other, "pass")
    assert traces(own, LEFT_BEHIND[kind]) == first
    assert traces(own, "pass") == first


def test_only_a_box_that_used_the_work_directory_costs_its_zygote(own: BoxPool) -> None:
    echo = b"import os\ndef run(deed):\n    exec(deed)\n"
    for deed, stays in (("pass", True), (LEFT_BEHIND["reading"], True), (LEFT_BEHIND["file"], False)):
        with own.open(echo, entry="run") as box:
            box.call({"deed": deed})
        box._process.zygote.settle(wait=True)
        assert box._process.zygote.is_free is stays, deed


def test_boxes_open_at_once_share_neither_files_nor_memory_limit(own: BoxPool) -> None:
    source = b"""
import os
def run(name):
    if name:
        open(name, "w").close()
    return [os.listdir("."), os.getpid(), len(bytes(b"x" * (40 << 20)))]
"""
    limits = Limits(memory_bytes=64 << 20)
    with own.open(source, entry="run", limits=limits) as one, own.open(source, entry="run", limits=limits) as two:
        assert one._process.zygote is not two._process.zygote
        assert one._process.zygote._parent is two._process.zygote._parent
        assert decode(one.call({"name": "a"}).payload) == [["a"], 1, 40 << 20]
        assert decode(two.call({"name": ""}).payload) == [[], 1, 40 << 20]


def test_numpy_style_subjects_get_a_zygote_without_the_strict_filter(own: BoxPool) -> None:
    with own.open(b"def run(): pass\n", entry="run", limits=Limits(policy=SyscallPolicy.COMPUTE)) as box:
        assert "several boxes" in box._process.zygote.shared
    with own.open(b"def run(): pass\n", entry="run") as box:
        assert box._process.zygote.shared == ""


@pytest.mark.parametrize("layer", ["namespaces", "pivot_root"])
def test_without_a_root_of_its_own_each_box_activates_all_layers(layer: str) -> None:
    with BoxPool(without=frozenset({layer})) as pool:
        assert "work directory" in pool._zygote().shared


STATUS = ("Seccomp", "Seccomp_filters", "NoNewPrivs", "Uid", "CapEff")


def status(pid: int) -> dict[str, str]:
    lines = (line.partition(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: rest for name, _colon, rest in lines if name in STATUS}


def test_the_kernel_confirms_the_layers_of_zygote_and_box(own: BoxPool) -> None:
    with own.open(b"def run(): pass\n", entry="run") as box:
        zygote, inside = status(box._process.zygote.pid), status(box.pid)
        assert zygote["Seccomp"] == inside["Seccomp"] == "2"
        assert int(inside["Seccomp_filters"]) == int(zygote["Seccomp_filters"]) + 1
        assert zygote["NoNewPrivs"] == inside["NoNewPrivs"] == "1"
        assert int(inside["CapEff"], 16) == 0
        if os.getuid() == 0:
            assert inside["Uid"].split()[0] != "0"


def test_a_zygote_that_cannot_start_says_why(own: BoxPool, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.core.errors import InfraError
    from harness.sandbox import root

    parent = own._zygote()._parent
    monkeypatch.setattr(root, "readable", lambda: ([], None))
    with pytest.raises(InfraError, match="TypeError"):
        ZygoteProcess(parent)
    monkeypatch.undo()
    ZygoteProcess(parent).close()


def test_the_root_zygote_survives_its_zygotes_and_leaves_none(own: BoxPool) -> None:
    boxes = [own.open(b"def run(): pass\n", entry="run") for _ in range(3)]
    parent = boxes[0]._process.zygote._parent
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    assert len(children.read_text().split()) == 3
    own.close()
    assert not Path(f"/proc/{parent.pid}").exists()
    for box in boxes:
        assert not Path(f"/proc/{box._process.zygote.pid}").exists()


def test_questions_pass_after_an_interpreter_was_cloned_without_its_own_hooks(own: BoxPool) -> None:
    """Threads, locks, signals and the garbage collector work in a process that Python did not fork itself."""
    source = b"""
import gc, random, signal, threading
def run(value):
    seen = []
    lock = threading.RLock()
    def work():
        with lock:
            seen.append(threading.get_ident() != main)
    main = threading.get_ident()
    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    signal.signal(signal.SIGALRM, lambda *_: seen.append("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    signal.pause()
    gc.collect()
    import decimal, json, fractions
    return [seen.count(True), seen[-1], threading.main_thread() is threading.current_thread(), value]
"""
    with own.open(source, entry="run") as box:
        assert box.ask(encode({"value": 3})).payload == b'[20,"alarm",true,3]'


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_descriptor_of_a_sibling_reaches_a_zygote(own: BoxPool) -> None:
    with own.open(b"def run(): pass\n", entry="run") as one, own.open(b"def run(): pass\n", entry="run") as two:
        for zygote in (one._process.zygote, two._process.zygote):
            links = [os.readlink(link) for link in Path(f"/proc/{zygote.pid}/fd").iterdir()]
            assert len([link for link in links if link.startswith("socket:")]) == 1, links
