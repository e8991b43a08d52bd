"""Parsers in the style of Kaitai Struct's compiler for the formats of `spec_throughput.py`, on Kaitai's runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kaitaistruct import BytesIO, KaitaiStream, KaitaiStruct


class Pcap(KaitaiStruct):
    """The type Pcap of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self) -> None:
        self.magic = self._io.read_u4le()
        self.major = self._io.read_u2le()
        self.minor = self._io.read_u2le()
        self.zone = self._io.read_s4le()
        self.accuracy = self._io.read_u4le()
        self.longest = self._io.read_u4le()
        self.link = self._io.read_u4le()
        self.packets = []
        i = 0
        while not self._io.is_eof():
            self.packets.append(Packet(self._io, self, self._root))
            i += 1


class Packet(KaitaiStruct):
    """The type Packet of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.seconds = self._io.read_u4le()
        self.micros = self._io.read_u4le()
        self.captured = self._io.read_u4le()
        self.original = self._io.read_u4le()
        self.data = self._io.read_bytes(self.captured)


class Tlv(KaitaiStruct):
    """The type Tlv of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self) -> None:
        self.records = []
        i = 0
        while not self._io.is_eof():
            self.records.append(Record(self._io, self, self._root))
            i += 1


class Record(KaitaiStruct):
    """The type Record of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.tag = self._io.read_u1()
        self.size = self._io.read_u2le()
        _on = self.tag
        if _on == 1:
            self._raw_body = self._io.read_bytes(self.size)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Sample(_io__raw_body, self, self._root)
        elif _on == 2:
            self._raw_body = self._io.read_bytes(self.size)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Series(_io__raw_body, self, self._root)
        elif _on == 3:
            self._raw_body = self._io.read_bytes(self.size)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Message(_io__raw_body, self, self._root)
        else:
            self.body = self._io.read_bytes(self.size)


class Sample(KaitaiStruct):
    """The type Sample of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.id = self._io.read_u4le()
        self.time = self._io.read_u4le()
        self.value = self._io.read_u4le()


class Series(KaitaiStruct):
    """The type Series of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.id = self._io.read_u4le()
        self.values = []
        i = 0
        while not self._io.is_eof():
            self.values.append(self._io.read_u4le())
            i += 1


class Message(KaitaiStruct):
    """The type Message of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.text = self._io.read_bytes_full().decode("UTF-8")


class Fixed(KaitaiStruct):
    """The type Fixed of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self) -> None:
        self.points = []
        i = 0
        while not self._io.is_eof():
            self.points.append(Point(self._io, self, self._root))
            i += 1


class Point(KaitaiStruct):
    """The type Point of the grammar."""

    def __init__(self, _io: Any, _parent: Any = None, _root: Any = None) -> None:
        super().__init__(_io)
        self._parent = _parent
        self._root = _root
        self._read()

    def _read(self) -> None:
        self.id = self._io.read_u4le()
        self.time = self._io.read_u4le()
        self.kind = self._io.read_u2le()
        self.flags = self._io.read_u2le()
        self.x = self._io.read_f4le()
        self.y = self._io.read_f4le()


def read(name: str, path: Path) -> int:
    """Read a file as Kaitai's `from_file` does; return the number of records."""
    kind = {"pcap": Pcap, "tlv": Tlv, "fixed": Fixed}[name]
    found = kind.from_file(str(path))
    with found._io:
        return len(getattr(found, {"pcap": "packets", "tlv": "records", "fixed": "points"}[name]))
