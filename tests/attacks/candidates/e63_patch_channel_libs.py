"""Replace json, codecs and os.write under the feet of the shim so that everything is sent twice, and answer wrongly."""

import codecs
import json
import os

write = os.write


def write_twice(fd, data):
    write(fd, data)
    return write(fd, data)


def run(text):
    os.write = write_twice
    json.dumps = lambda *args, **kwargs: '"forged"'
    json.JSONEncoder.encode = lambda self, value: '"forged"'
    codecs.encode = lambda *args, **kwargs: b'"forged"'
    return "patched"
