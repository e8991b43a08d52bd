"""Answer with what a page, a spreadsheet or a terminal might take for more than text."""

import sys


def run(text):
    answer = b'"<script>alert(1)</script><img src=x onerror=alert(1)>=HYPERLINK(1)|cmd\x1b]0;x\x07"'
    sys._getframe(1).f_globals["encode"] = lambda value: answer
    return text
