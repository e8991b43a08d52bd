"""An honest program that packs and unpacks archives in memory, reads tables and parses XML by events."""

import bz2
import csv
import gzip
import io
import lzma
import xml.sax
import zipfile


class Names(xml.sax.ContentHandler):
    def __init__(self):
        super().__init__()
        self.names = []

    def startElement(self, name, attrs):
        self.names.append(name)


def packed(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("é.txt", data)
        archive.writestr("b", b"")
    with zipfile.ZipFile(io.BytesIO(file.getvalue())) as archive:
        assert archive.namelist() == ["é.txt", "b"]
        data = archive.read("é.txt")
    for module in (gzip, bz2, lzma):
        with module.open(io.BytesIO(module.compress(data))) as unpacked:
            data = unpacked.read()
    return data


def run(text):
    names = Names()
    xml.sax.parseString(b"<a><b/></a>", names)
    assert names.names == ["a", "b"]
    table = io.StringIO()
    csv.writer(table).writerows([["a", "b"], [1, 'x"y']])
    assert list(csv.DictReader(io.StringIO(table.getvalue()))) == [{"a": "1", "b": 'x"y'}]
    text = packed(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    return "\n".join(dict.fromkeys(text.split("\n")))
