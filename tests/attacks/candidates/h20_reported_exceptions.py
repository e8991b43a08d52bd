"""An honest program that reports what it caught as the interpreter would, and leaves a coroutine unfinished."""

import logging
import sys
import threading
import traceback
import warnings
from types import SimpleNamespace


async def unused():
    return 1


def run(text):
    try:
        raise ValueError("caught")
    except ValueError as error:
        for report in (sys.excepthook, sys.__excepthook__):
            report(*sys.exc_info())
        for report in (threading.excepthook, threading.__excepthook__):
            report(threading.ExceptHookArgs((*sys.exc_info(), None)))
        for report in (sys.unraisablehook, sys.__unraisablehook__):
            report(SimpleNamespace(exc_type=ValueError, exc_value=error, exc_traceback=None, err_msg=None, object=None))
        traceback.print_exc()
        logging.exception("caught")
    warnings.warn("unusual")
    unused()
    return "\n".join(dict.fromkeys(text.split("\n")))
