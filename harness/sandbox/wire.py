"""Wire: the message formats between parent, zygote and box. Standard library only.

A frame of the channel, both ways: tag (1 byte), length of the rest (u32, little endian), nonce (8 bytes), body.
Questions are `S` (source) and `Q` (keyword arguments); answers are `Y` (all layers are active; sent before the box
reads untrusted bytes), `X` (a layer failed), `L` (loaded), `R` (result), `E` (an exception was raised), `U` (the result
cannot be encoded), `A` (an argument is not as it was asked), `M` (out of memory), `F` (the guard ended the box: line of
the subject, event, detail; with a nonce of zeros, since it answers no question).

A source frame holds the length of the entry (u32), the entry and the source. The entry is the name of a function, or
`name:rule,rule`: the forms that `codec.encode_plainly` makes of its answers, `arguments` if each call must leave its
arguments unchanged, `lines` if each call is answered by the number of times that each line of the subject was executed,
`clock` if its clocks move between calls (see `clock`), `compiled` if the source is a marshalled code object, and for a
guarded box (see `guard`) its `no-...` rules, `import=NAME` and `listed=NAME`.

The body of `L` is the first line of the entry's function in the source, as decimal digits; empty if it has none.

Requests to a root zygote or a zygote, and their replies, have fixed sizes:

* `O` fork: a root zygote forks a zygote, with its control socket attached; a zygote forks a box, with the two channel
  descriptors attached. Answered by `o` pid with a pidfd attached, or `e` errno.
* `K` kill a child (on systems without pidfd); not answered.
* `N` next: as `R` for the child that ended, then as `O`. One reply: that of `O` with the values of `R`, or `l`.
* `R` wait for a child that ended and reap it; answered by `r` pid, wait status, CPU microseconds, peak resident KiB. A
  zygote whose work directory the box has used answers `l` instead of `r`, and ends: that box was its last.
"""

from __future__ import annotations

import struct

QUESTIONS, ANSWERS = 3, 4
"""File descriptors of the channel inside a box."""
HEADER = struct.Struct("<cI")
NONCE = 8
BODY = HEADER.size + NONCE
CHUNK = 1 << 16
"""Capacity of a pipe in bytes; a larger read size would map and unmap memory for every read."""

REQUEST = struct.Struct("<c?qqq")
"""Operation, strict policy flag, address space in bytes, CPU seconds, pid."""
REPLY = struct.Struct("<cqqqq")
"""Operation and four integers, see the module's docstring."""

KEEP_ARGUMENTS = "arguments"
"""The rule that each call must leave its arguments unchanged."""

MOVE_CLOCK = "clock"
"""The rule that the clocks of the box move by chance between two calls (see `clock`)."""

COMPILED = "compiled"
"""The rule that the source is a marshalled code object, made by the parent's interpreter, which is the same."""
COUNT_LINES = "lines"
"""The rule that each call is answered by the executions of the subject's lines."""
SOURCE = struct.Struct("<I")
"""Length of the entry in a source frame."""

GUARD_ENDED = 82
"""Exit status of a box that its guard ended, for a subject that closed the channel before."""
SUBJECT_EXITED = 81
"""Exit status of a box whose subject raised SystemExit or KeyboardInterrupt; internal, never reported."""
