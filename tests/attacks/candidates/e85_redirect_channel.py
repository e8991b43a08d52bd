"""Put /dev/null (standard input) in the place of the answer channel and sleep."""

import os
import time


def run(text):
    os.dup2(0, 4)
    time.sleep(30)
    return text
