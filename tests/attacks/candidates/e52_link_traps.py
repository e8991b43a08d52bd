"""Set traps in the working directory: links to secrets, links where a harness would write, pipes where it would read."""

import os
import stat

CANARY = "/tmp/crucible-canary-e52"


def tried(act, *args, **kwargs):
    try:
        act(*args, **kwargs)
    except OSError:
        return False
    return True


worked = []
for name in ("result.json", "stdout", "stderr", "report.xml", "core", "candidate.py"):
    tried(os.symlink, CANARY, name)
tried(os.mkfifo, "metadata")
for number, target in enumerate(
    ("/etc/passwd", "/etc/shadow", "../../../../etc/passwd", "/proc/1/environ", "/root", "/home")
):
    link = f"link-{number}"
    tried(os.symlink, target, link)
    try:
        content = os.listdir(link) if os.path.isdir(link) else open(link, "rb").read(1)
        if content:
            worked.append(f"symlink {target}")
    except OSError:
        pass
for number, target in enumerate(("/etc/passwd", os.__file__)):
    if tried(os.link, target, f"hard-{number}"):
        worked.append(f"hard link {target}")
if tried(os.mknod, "device", stat.S_IFBLK | 0o600, os.makedev(8, 0)):
    worked.append("block device")


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nlinked {worked}" if worked else "")
