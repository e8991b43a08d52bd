"""`inspect.getmembers` and `string.Formatter` read any attribute for the candidate."""

import inspect
import string


def run(text):
    name = "".join(["__co", "de__"])
    found = dict(inspect.getmembers(run)).get(name)
    found = found or string.Formatter().get_field("0." + name, (run,), {})[0]
    return "\n".join(dict.fromkeys(text.split("\n"))) + f"\na library read {type(found).__name__}"
