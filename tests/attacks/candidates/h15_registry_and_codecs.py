"""An honest program that looks its classes up, tries many encodings in turn, and serialises XML in the default one."""

import xml.etree.ElementTree as ElementTree


class Rule:
    order = 0


class First(Rule):
    order = 1

    def apply(self, lines):
        return dict.fromkeys(lines)


def decoded(data):
    for name in ("utf-8", "idna", "shift_jis", "gb18030", "big5", "euc_kr", "koi8-r", "cp1252", "mac-roman"):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise ValueError(data)


def run(text):
    assert decoded("é".encode("cp1252")) and ElementTree.tostring(ElementTree.Element("line")) == b"<line />"
    "é".encode("cp1252").decode("mac-roman").encode("utf-7")
    (rule,) = Rule.__subclasses__()
    return "\n".join(rule().apply(text.split("\n")))
