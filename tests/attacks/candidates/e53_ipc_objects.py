"""Create System V and POSIX shared memory, semaphores and message queues; remove and report what was created."""

import os

IPC_PRIVATE, IPC_CREAT, IPC_RMID = 0, 0o1000, 0
NAME = b"/crucible-canary-e53"

created = []
try:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for kind, get, remove in (
        (
            "shm",
            lambda: libc.shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0o600),
            lambda key: libc.shmctl(key, IPC_RMID, None),
        ),
        ("sem", lambda: libc.semget(IPC_PRIVATE, 1, IPC_CREAT | 0o600), lambda key: libc.semctl(key, 0, IPC_RMID, 0)),
        ("msg", lambda: libc.msgget(IPC_PRIVATE, IPC_CREAT | 0o600), lambda key: libc.msgctl(key, IPC_RMID, None)),
        ("mq", lambda: libc.mq_open(NAME, os.O_CREAT | os.O_RDWR, 0o600, None), lambda key: libc.mq_unlink(NAME)),
        ("shm_open", lambda: libc.shm_open(NAME, os.O_CREAT | os.O_RDWR, 0o600), lambda key: libc.shm_unlink(NAME)),
    ):
        try:
            key = get()
            if key >= 0:
                created.append(kind)
                remove(key)
        except AttributeError:
            pass  # this libc keeps it elsewhere
except Exception:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\ncreated {created}" if created else "")
