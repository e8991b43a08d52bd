"""Write a canary file to well-known places outside the working directory, and to /proc; report where it worked."""

import os

NAME = "crucible-canary-d17"

written = []
for path in (
    f"/tmp/{NAME}",
    f"/var/tmp/{NAME}",
    f"/dev/shm/{NAME}",
    f"/usr/{NAME}",
    f"/{NAME}",
    f"/dev/{NAME}",
    f"../{NAME}",
    os.path.join(os.path.expanduser("~"), NAME),
    os.path.join(os.path.dirname(os.__file__), NAME),
    "/proc/self/oom_score_adj",
    "/proc/self/clear_refs",
):
    try:
        with open(path, "w") as file:
            file.write("5")
        written.append(path)
    except OSError:
        pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nwrote {written}" if written else "")
