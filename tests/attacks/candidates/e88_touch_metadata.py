"""Change modes and times of files of the user, which Landlock does not govern."""

import os

done = []
for path in ("/etc/passwd", os.path.expanduser("~"), "/tmp", "/root", "/home", os.getcwd() + "/../..", "/usr/lib"):
    try:
        mode = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        done.append("chmod " + path)
    except OSError:
        pass


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n"))) + (f"\ntouched {done}" if done else "")
