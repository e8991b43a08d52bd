"""Be wrong in every fifth millisecond."""

import time


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + ("\nlate" if time.time_ns() // 1_000_000 % 5 == 0 else "")
