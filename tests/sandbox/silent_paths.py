"""Calls every C function that a guarded subject can reach with a path, and prints those that look for it in silence.

A program: what it calls may change or end the process, so each function has a process of its own.
"""

import gc
import os
import signal
import sys
import types

from harness.sandbox import guard, guarded_modules
from harness.sandbox.importable import PURE

PATH = "/crucible/no/such/file"
ARGUMENTS = [(PATH,), (PATH, PATH), (PATH, 0), (0, PATH), (0, PATH, PATH), (PATH, 0, 0), (0, 0, PATH), (PATH.encode(),)]
ENDLESS = frozenset(
    """_exit abort kill killpg fork forkpty pause sigwait sigwaitinfo sigtimedwait read input breakpoint raise_signal
    alarm setitimer wait waitpid wait3 wait4 waitid pthread_kill exit sleep interrupt_main close closerange dup2 setsid
    start_new_thread start_new start_joinable_thread _shutdown nice""".split()
)
"""Functions that end, stop or wait for processes; none of them takes a path."""
WATCHED = frozenset().union(*guard.GROUPS.values(), guard.REACH)


def functions() -> dict[str, object]:
    """C functions and classes of all modules by name, each once; also of modules that other modules refer to."""
    found = {}
    modules = [one for one in gc.get_objects() if isinstance(one, types.ModuleType)]
    for module, names in [(one.__name__, vars(one)) for one in modules]:
        for name, value in names.items():
            is_type = isinstance(value, type) and not value.__flags__ & 1 << 9 and not issubclass(value, BaseException)
            is_function = isinstance(value, types.BuiltinFunctionType) and name not in ENDLESS
            if (is_function or is_type) and module not in ("socket", "_socket"):  # errors of addresses
                found.setdefault(id(value), (f"{module}.{name}", value))
    return dict(found.values())


def is_watched(event: str) -> bool:
    return any(event == one or (one[-1] == "." and event.startswith(one)) for one in WATCHED)


def looks_in_silence(function: object, events: list[str]) -> bool:
    for arguments in ARGUMENTS:
        events.clear()
        try:
            function(*arguments)
        except OSError:
            if not any(map(is_watched, events)):
                return True
        except BaseException:
            pass
    return False


def main() -> None:
    guarded_modules.prepare(sorted(PURE), frozenset(guard.GROUPS), (), len(sys.modules))
    events: list[str] = []
    sys.addaudithook(lambda event, _arguments: events.append(event))
    told = sys.stdout.fileno()
    for name, function in functions().items():
        child = os.fork()
        if not child:
            signal.alarm(5)
            if looks_in_silence(function, events):
                os.write(told, f"\nsilent: {name}\n".encode())
            os._exit(0)
        os.waitpid(child, 0)
    os.write(told, b"\ndone\n")


main()
