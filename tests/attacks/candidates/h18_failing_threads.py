"""An honest program whose threads and timers raise, which ends only them."""

import threading


def fail():
    raise ValueError("only this thread")


def run(text):
    for thread in (threading.Thread(target=fail), threading.Timer(0, fail)):
        thread.start()
        thread.join()
    done = threading.Lock()
    done.acquire()

    def fail_last():
        try:
            fail()
        finally:
            done.release()

    threading._start_new_thread(fail_last, ())
    done.acquire()
    return "\n".join(dict.fromkeys(text.split("\n")))
