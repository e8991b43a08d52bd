"""Answer with sixty thousand keys, one of them twice, and a tag that is none."""

import sys


def run(text):
    answer = b"{" + b",".join(b'"$$%d":1' % (n // 2) for n in range(60_000)) + b',"$int":"zz"}'
    sys._getframe(1).f_globals["encode"] = lambda value: answer
    return text
