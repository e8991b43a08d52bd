"""Snapshot: a state as bytes, so that loading a long log does not fold all its events."""

from __future__ import annotations

from typing import Any

from harness.dsl.eventlog.canonical import decode, encode
from harness.dsl.eventlog.fault import LogError
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.state import Call, Fiber, Intent, Judgement, State, Used
from harness.dsl.machine.value_storage import BlobStore, restore_value, store_value
from harness.dsl.plain import contents

FORMAT = 2  # a snapshot of another format is ignored: the events are folded instead
_PLAIN = tuple("received occurrences asked entered left broken sent granted chunks status ended".split())


def dump(state: State, blobs: BlobStore) -> bytes:
    """Encode a state; the trace since the last snapshot moves into a new blob, so no item is written twice."""
    if state.fresh:
        state.chunks.append(blobs.put(encode(state.fresh)).hex())
        state.fresh = []
    return encode(
        {"format": FORMAT}
        | {name: getattr(state, name) for name in _PLAIN}
        | {
            "root": _fiber(state.root, blobs),
            "values": [store_value(value, blobs) for value in state.values],
            "queue": [
                [name, {key: store_value(v, blobs) for key, v in fields.items()}] for name, fields in state.queue
            ],
            "judged": [contents(judgement) for judgement in state.judged.values()],
            "used": contents(state.used),
        }
    )


def fits(data: bytes) -> bool:
    """Whether a snapshot has the format of this version."""
    return data.startswith(b'{"') and decode(data).get("format") == FORMAT


def load(data: bytes, fold: Fold) -> State:
    """Decode a state; its trace is added to the fold's knowledge.

    Raises:
        LogError: if the snapshot does not fit the program.
    """
    blobs = fold.blobs
    try:
        fields = decode(data)
        state = State(_restored_fiber(fields["root"], blobs, None), [restore_value(v, blobs) for v in fields["values"]])
        for chunk in fields["chunks"]:
            for seq, item in decode(blobs.get(bytes.fromhex(chunk))):
                fold.trace(state, item, seq)
        for name in _PLAIN:
            setattr(state, name, fields[name])
        state.fresh = []
        state.queue = [
            (n, {key: restore_value(v, blobs) for key, v in values.items()}) for n, values in fields["queue"]
        ]
        state.judged = {entry["label"]: Judgement(**entry) for entry in fields["judged"]}
        state.used = Used(**fields["used"])
    except (KeyError, TypeError, ValueError) as error:
        fix = "`crucible dsl verify`"
        raise LogError(f"the snapshot does not fit the program ({type(error).__name__}: {error})", fix=fix) from error
    return state


def _fiber(fiber: Fiber, blobs: BlobStore) -> dict[str, Any]:
    shared = fiber.end >= 0  # a branch's first call shares the slots of its parent fiber
    return contents(fiber) | {
        "calls": [
            contents(call)
            | {"slots": None if shared and index == 0 else [store_value(value, blobs) for value in call.slots]}
            for index, call in enumerate(fiber.calls)
        ],
        "branches": [_fiber(branch, blobs) for branch in fiber.branches],
        "intent": None if fiber.intent is None else _intent(fiber.intent, blobs),
    }


def _intent(intent: Intent, blobs: BlobStore) -> dict[str, Any]:
    return contents(intent) | {
        "arguments": {name: store_value(value, blobs) for name, value in intent.arguments.items()}
    }


def _restored_fiber(data: dict[str, Any], blobs: BlobStore, parent: Fiber | None) -> Fiber:
    calls = []
    for entry in data["calls"]:
        if entry["slots"] is None and parent is not None:
            slots = parent.call.slots
        else:
            slots = [restore_value(value, blobs) for value in entry["slots"]]
        calls.append(Call(**{**entry, "slots": slots}))
    fiber = Fiber(data["name"], calls, data["end"], done=data["done"], tries=data["tries"])
    fiber.deadlines, fiber.failure = [(d[0], d[1], d[2]) for d in data["deadlines"]], data["failure"]
    if data["intent"] is not None:
        intent = dict(data["intent"])
        intent["arguments"] = {name: restore_value(value, blobs) for name, value in intent["arguments"].items()}
        fiber.intent = Intent(**intent)
    fiber.branches = [_restored_fiber(branch, blobs, fiber) for branch in data["branches"]]
    return fiber
