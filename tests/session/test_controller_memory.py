"""A limit on memory that the threads of an xdist controller do not fit in is refused; nothing waits forever."""

from __future__ import annotations

import resource

import pytest

from harness.session import controller_memory
from harness.session.controller_memory import HEADROOM, require_judging_room, require_xdist_room

STACK, MAPPED = 8 << 20, 45 << 20
CONFTEST = """
import resource
from harness.core.resources import mapped_bytes

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.RLIM_INFINITY))
        limit = mapped_bytes() + (40 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
"""


@pytest.fixture
def limits(monkeypatch):
    """The limits that the process seems to have."""
    found = {resource.RLIMIT_AS: resource.RLIM_INFINITY, resource.RLIMIT_STACK: STACK}
    monkeypatch.setattr(controller_memory.resource, "getrlimit", lambda kind: (found[kind], resource.RLIM_INFINITY))
    monkeypatch.setattr(controller_memory, "mapped_bytes", lambda: MAPPED)
    return found


@pytest.mark.parametrize(
    ("check", "room"), [(require_xdist_room, 12 * STACK), (require_judging_room, 13 * STACK + HEADROOM)]
)
def test_room_is_needed_for_the_threads_of_each_worker(limits, pytester, check, room):
    config = pytester.parseconfig()
    require_xdist_room(config, 4)
    check(config, 4)
    limits[resource.RLIMIT_AS] = MAPPED + room
    check(config, 4)
    for fewer in (1, STACK):
        limits[resource.RLIMIT_AS] = MAPPED + room - fewer
        with pytest.raises(pytest.UsageError, match=r"too low for -n 4: the controller needs about \d+ MiB\n  fix: "):
            check(config, 4)
    check(config, 1)
    limits[resource.RLIMIT_STACK] = resource.RLIM_INFINITY  # the C library's own size is smaller
    check(config, 4)


def test_a_run_that_does_not_fit_ends_with_one_line(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_passes():\n    pass\n")
    result = pytester.runpytest_subprocess("-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the limit of * MiB on memory (`ulimit -v`) is too low for -n 2: *"])
    assert "Traceback" not in result.stderr.str()
