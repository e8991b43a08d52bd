"""The queue of hand-offs: content ids, leases, quarantine, expiry, and many holders."""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.ledger.handoffs import FIXED, TTL, Handoff, Handoffs
from harness.ledger.store import Ledger

START = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def entry(digest: str = "a", tool_digest: str = "t", **more) -> Handoff:
    payload = {"spec_path": "specs/double", "metrics": {"correctness": 0.5, "fitness": 0.3}}
    return Handoff(lane="toolgen", tool="double", tool_digest=tool_digest, digest=digest, reason="wrong",
                   payload=payload, **more)  # fmt: skip


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger.open(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def queue(ledger, clock):
    return Handoffs(ledger, clock=clock)


def states(ledger) -> dict[str, str]:
    return {row["digest"]: row["state"] for row in ledger.rows("SELECT digest, state FROM handoffs")}


def test_two_failures_in_one_second_both_survive_and_the_same_one_is_queued_once(queue, ledger):
    assert queue.add([entry("a"), entry("b"), entry("a", "other tool"), entry("a")]) == 3
    assert queue.add([entry("a"), entry("b")]) == 0
    assert len(ledger.rows("SELECT 1 FROM handoffs")) == 3


def test_a_copy_in_another_place_does_not_replace_what_is_queued_with_it(queue):
    first, copy = entry(run_id="first"), entry(run_id="copy")
    assert first.handoff_id == copy.handoff_id
    queue.add([first, copy])
    assert queue.take("w", seconds=1).run_id == "first"


def test_a_known_failure_writes_nothing(queue, ledger):
    queue.add([entry()])
    before = ledger._connection.total_changes
    queue.add([entry()])
    assert ledger._connection.total_changes == before


def test_an_entry_is_taken_once_and_oldest_first(queue, clock):
    queue.add([entry("a")])
    clock.pass_seconds(1)
    queue.add([entry("b")])
    first, second = queue.take("one", seconds=60), queue.take("two", seconds=60)
    assert (first.digest, second.digest) == ("a", "b")
    assert first.payload["metrics"] == {"correctness": 0.5, "fitness": 0.3}
    assert first.handoff_id == entry("a").handoff_id
    assert queue.take("three", seconds=60) is None


def test_the_lease_of_a_dead_holder_ends(queue, clock):
    queue.add([entry()])
    lost = queue.take("dead", seconds=60)
    clock.pass_seconds(59)
    assert queue.take("other", seconds=60) is None
    clock.pass_seconds(2)
    again = queue.take("other", seconds=60)
    assert again.attempts == 2
    # Whoever was thought dead and comes back changes nothing any more.
    assert queue.fail(lost, "dead", "late") == ""
    assert not queue.finish(lost, "dead", "repaired", {}, child="c")
    assert queue.finish(again, "other", "exhausted", {})


def test_a_clock_that_is_set_back_keeps_no_entry_from_other_holders(queue, clock):
    queue.add([entry()])
    queue.take("dead", seconds=60)
    clock.pass_seconds(-50)  # clocks of two machines may differ
    assert queue.take("other", seconds=60) is None
    clock.pass_seconds(-86400)
    again = queue.take("other", seconds=60)
    assert again.attempts == 2
    assert queue.take("third", seconds=60) is None
    clock.pass_seconds(61)
    assert queue.take("third", seconds=60).attempts == 3


def test_three_failures_in_ten_minutes_quarantine(queue, ledger, clock):
    queue.add([entry()])
    seen = []
    for _ in range(3):
        taken = queue.take("me", seconds=60)
        clock.pass_seconds(100)
        seen.append(queue.fail(taken, "me", "the judge did not start"))
    assert seen == ["queued", "queued", "quarantined"]
    assert queue.take("me", seconds=60) is None
    assert queue.add([entry()]) == 0
    assert queue.results()[0]["result"] == {"why": "the judge did not start"}


def test_three_holders_that_die_quarantine_too(queue, ledger, clock):
    queue.add([entry()])
    for _ in range(3):
        assert queue.take("me", seconds=60)
        clock.pass_seconds(61)
    assert queue.take("me", seconds=60) is None
    assert states(ledger) == {"a": "quarantined"}


def test_failures_over_a_long_time_do_not_quarantine(queue, clock):
    queue.add([entry()])
    for _ in range(5):
        taken = queue.take("me", seconds=60)
        assert queue.fail(taken, "me", "no box") == "queued"
        clock.pass_seconds(400)


def test_an_entry_that_fails_does_not_block_the_others(queue):
    queue.add([entry("a"), entry("b")])
    queue.fail(queue.take("me", seconds=60), "me", "no box")
    assert {queue.take("me", seconds=60).attempts, queue.take("me", seconds=60).attempts} == {1, 2}


def test_an_old_entry_expires_and_may_be_queued_again(queue, ledger, clock):
    queue.add([entry()])
    clock.pass_seconds(TTL.total_seconds())
    assert queue.take("me", seconds=60) is None
    assert states(ledger) == {"a": "expired"}
    assert queue.add([entry()]) == 1
    assert queue.take("me", seconds=60).digest == "a"


def test_what_is_given_back_counts_no_attempt(queue):
    queue.add([entry()])
    queue.release(queue.take("me", seconds=60), "me")
    assert queue.take("me", seconds=60).attempts == 1


def test_a_repair_is_a_child_of_its_parent(queue, ledger):
    queue.add([entry()])
    assert queue.finish(queue.take("me", seconds=60), "me", "repaired", {"strategy": "single"}, child="c")
    assert ledger.rows("SELECT child, parent, relation FROM lineage") == [
        {"child": "c", "parent": "a", "relation": FIXED}
    ]
    assert queue.repairs() == [{"strategy": "single"}]
    queue.keep(entry("b"), "exhausted", {"why": "nothing helped"})
    assert {(row["digest"], row["state"]) for row in queue.results()} == {("a", "repaired"), ("b", "exhausted")}


def test_no_number_that_json_lacks_is_stored(queue):
    with pytest.raises(ValueError, match="JSON"):
        queue.add([Handoff("toolgen", "t", "t", "a", "wrong", {"metrics": {"fitness": float("nan")}})])


@pytest.mark.parametrize("text", ["", "null", "[1]", "{", "[" * 5000, '"text"'])
def test_rows_that_something_else_wrote_are_survived(queue, ledger, text):
    queue.add([entry()])
    with ledger.writing() as connection:
        connection.execute("UPDATE handoffs SET payload = ?, result = ?", (text, text))
    assert queue.waiting()[0].payload == {}
    assert queue.results()[0]["result"] == {}
    taken = queue.take("me", seconds=60)
    assert taken.payload == {}
    assert queue.finish(taken, "me", "invalid", {"why": "its payload cannot be read"})


def test_many_holders_share_a_queue(tmp_path, ledger):
    Handoffs(ledger).add([entry(f"{number}") for number in range(40)])
    taken: list[str] = []

    def work(name: str) -> None:
        with Ledger.open(tmp_path / "ledger.db") as mine:
            queue = Handoffs(mine)
            while (one := queue.take(name, seconds=600)) is not None:
                taken.append(one.digest)
                assert queue.finish(one, name, "exhausted", {})

    threads = [threading.Thread(target=work, args=(f"holder {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [f"{number}" for number in range(40)]
    assert set(states(ledger).values()) == {"exhausted"}


def test_a_queue_is_readable_by_any_sqlite_tool(queue, tmp_path):
    queue.add([entry()])
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        (payload,) = connection.execute("SELECT payload FROM handoffs").fetchone()
    assert json.loads(payload)["spec_path"] == "specs/double"
