"""External events: files and sockets, valid and invalid lines, no source."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from harness.core.errors import InfraError, UsageError
from harness.dsl.machine.events import FileEvents, NoEvents, SocketEvents, event_source, parse_line
from harness.dsl.machine.session import Session

LOOP = """state total: int = 0
service_loop S { budget { events: 100 } on add(n: int) { total = total + n } success: total == 6 }"""


def test_a_file_is_read_from_where_the_log_ends(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"event": "a", "n": 1}\n{"event": "b"}\n')
    events = FileEvents(path)
    assert events.event(0) == ("a", {"n": 1})
    assert events.event(1) == ("b", {})
    assert events.event(2) is None
    assert FileEvents(path).event(1) == ("b", {})
    path.unlink()
    with pytest.raises(InfraError, match="cannot be read"):
        FileEvents(path).event(0)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[1]", b'{"event": 3}', b"[" * 9000, b'{"event": "x", "n": NaN}', b"x" * (2 << 20)]
)
def test_an_invalid_line_is_an_invalid_event(line: bytes) -> None:
    name, fields = parse_line(line)
    assert name == "invalid"
    assert fields["why"]


def test_a_run_listens_and_is_resumed_between_two_events(start, tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'events.sock'}"
    session = start(LOOP, settings={"events": address})
    handler = session.handler

    def talk(*lines: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address.partition(":")[2])
            client.sendall(b"".join(lines))

    handler._events = event_source(address)
    speaker = threading.Thread(target=talk, args=(b'{"event": "add", "n": 1}\n', b'{"event": "add", "n": 2}\n'))
    speaker.start()
    ask, seen = handler.event, []

    def dying(skip: int, seconds: float):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(skip)
        return ask(skip, seconds)

    handler.event = dying
    with pytest.raises(KeyboardInterrupt):
        session.run()
    speaker.join(10)
    session.close()
    assert not (tmp_path / "events.sock").exists(), "a closed run leaves no socket"
    rest = tmp_path / "rest.jsonl"
    rest.write_text('{"event": "old"}\n' * 2 + '{"event": "add", "n": 3}\n')
    with Session.resume(tmp_path / "run", change={"events": str(rest)}) as again:
        outcome = again.run()
        assert outcome.passed, outcome.why


def test_the_socket_of_a_killed_run_is_replaced_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    assert path.is_socket(), "a killed process leaves its socket"
    events = SocketEvents(f"unix:{path}")
    with pytest.raises(UsageError, match="cannot listen"):
        SocketEvents(f"unix:{path}")
    events.close()
    path.write_text("a file")
    with pytest.raises(UsageError, match="cannot listen"):
        SocketEvents(f"unix:{path}")
    assert path.read_text() == "a file"


def test_a_port_of_this_machine(tmp_path: Path) -> None:
    events = SocketEvents("tcp:127.0.0.1:0")

    def talk() -> None:
        with socket.create_connection(("127.0.0.1", events.port)) as client:
            client.sendall(b'{"event": "a"}\nnonsense\n')

    speaker = threading.Thread(target=talk)
    speaker.start()
    assert events.event(0) == ("a", {})
    assert events.event(1)[0] == "invalid"
    assert events.event(2) is None
    speaker.join(10)
    events.close()


@pytest.mark.parametrize("address", ["tcp:x", "unix:", "tcp:127.0.0.1:99999999", "unix:/no/such/folder/s"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        event_source(address)


def test_no_source_gives_no_event() -> None:
    assert isinstance(event_source(""), NoEvents)
    assert NoEvents().event(0) is None
    with pytest.raises(UsageError, match=r"nowhere\.jsonl does not exist"):
        event_source("nowhere.jsonl")


def test_a_posted_value_is_converted_to_the_unit_of_the_field(start) -> None:
    text = """state seen: float ms = 0ms
    service_loop Listen { budget { events: 9 } on tick(value: float ms) { seen = value } }
    task Main {
        emit tick { value: 2s }
        run Listen
        evaluation { check is_two: seen == 2s }
        success: passed("is_two")
    }"""
    outcome = start(text).run()
    assert outcome.passed, outcome.why


def test_a_record_is_assigned_as_it_is_bound(start) -> None:
    text = """type R matches { a: int, b: "x" | "y" }
    task T { let r: R = {a: 1, b: "x"} step s { r = {a: 2, b: "y"} } success: r.b == "y" }"""
    outcome = start(text).run()
    assert outcome.passed, outcome.why
