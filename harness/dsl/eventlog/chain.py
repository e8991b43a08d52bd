"""Chain: each event's hash covers all events before it.

The chain finds damage, edits, losses and changed order. It does not detect a file in which
all events and hashes were rewritten: compare the head with one kept elsewhere; every report prints it.
"""

from __future__ import annotations

from hashlib import blake2b

from harness.dsl.eventlog.canonical import encode

SIZE = 16  # bytes of a hash (BLAKE2b-128)


def genesis_hash(genesis: object) -> bytes:
    """The hash that a run's chain starts from, over engine, program, entry, inputs and seed."""
    return blake2b(encode(genesis), digest_size=SIZE, person=b"crucible genesis").digest()


def next_hash(head: bytes, body: bytes) -> bytes:
    """The hash after one more event; `head` has a fixed size, so the concatenation is unambiguous."""
    return blake2b(head + body, digest_size=SIZE).digest()


def hash_heads(heads: list[bytes]) -> bytes:
    """One hash over the heads of several runs, in the given order."""
    return blake2b(b"".join(heads), digest_size=SIZE, person=b"crucible heads").digest()


def blob_address(data: bytes) -> bytes:
    """The content address of a blob."""
    return blake2b(data, digest_size=SIZE, person=b"crucible blob").digest()
