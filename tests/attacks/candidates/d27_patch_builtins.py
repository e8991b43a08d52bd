"""Replace len, str, print, isinstance and type by obliging versions, then answer wrongly."""

import builtins


class ObligingStr(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def run(text):
    builtins.str = ObligingStr
    builtins.len = lambda thing: 4
    builtins.print = lambda *args, **kwargs: None
    builtins.isinstance = lambda thing, kind: True
    return ObligingStr("obliging")
