"""Look for descriptors left open besides 0 to 4, and for standard streams that lead anywhere but to /dev/null."""

import os

found = []
for fd in range(1024):
    try:
        status = os.fstat(fd)
    except OSError:
        continue
    if fd > 4 or (fd < 3 and (os.major(status.st_rdev), os.minor(status.st_rdev)) != (1, 3)):
        found.append(fd)


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\ndescriptors {found}" if found else "")
