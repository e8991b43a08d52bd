"""Sleep for thirty seconds while being loaded."""

import time

time.sleep(30)


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
