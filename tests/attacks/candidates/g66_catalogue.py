"""Has the C library look for files, by a catalogue of messages and a locale whose names it makes up."""

import locale


def run(text):
    try:
        locale.setlocale(locale.LC_ALL, "crucible_mark")
    except locale.Error:
        pass
    locale.bindtextdomain("mark", "/etc")
    locale.dgettext("mark", "a")
    return "\n".join(dict.fromkeys(text.split("\n")))
