"""Wire: the formats between parent, zygote and box, in one place for all three. Standard library only.

A frame of the channel, both ways: tag (1 byte), length of the rest (u32, little endian), nonce (8 bytes), body.
Questions are `S` (source) and `Q` (keyword arguments); answers are `Y` (layers are on, before any foreign byte is
read), `X` (they are not), `L` (loaded), `R` (result), `E` (an exception was raised), `U` (the result cannot cross),
`M` (out of memory).

Requests to a zygote and its replies have fixed sizes:

* `O` open a box, the two channel descriptors attached; answered by `o` pid with a pidfd attached, or `e` errno.
* `K` kill a box (where there is no pidfd); not answered.
* `R` wait for a dead box and reap it; answered by `r` pid, wait status, CPU microseconds, peak resident KiB.
"""

from __future__ import annotations

import struct

QUESTIONS, ANSWERS = 3, 4
"""A box's descriptors."""
HEADER = struct.Struct("<cI")
NONCE = 8
BODY = HEADER.size + NONCE
CHUNK = 1 << 16
"""What a pipe holds; asking for more would make every read map and unmap memory."""

REQUEST = struct.Struct("<c?qqq")
"""op, strict policy?, address space, CPU seconds, pid."""
REPLY = struct.Struct("<cqqqq")
"""op and four numbers, see above."""

LEFT = 81
"""Exit status of a box whose subject ended it by SystemExit or the like: ours, and nothing that people should see."""
