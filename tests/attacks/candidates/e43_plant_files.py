"""Plant files that pytest or Python would import by themselves and that leave a canary; report those outside."""

import os

CONTENT = "open('/tmp/crucible-canary-e43', 'w').write('imported')\n"
NAMES = ("conftest.py", "test_planted.py", "sitecustomize.py", "usercustomize.py", "planted.pth", "__init__.py")

planted = []
here = os.getcwd()
places = {here, os.path.dirname(os.path.abspath(globals().get("__file__") or "candidate.py")), os.path.dirname(here)}
places |= {os.path.expanduser("~"), "/tmp", "/var/tmp", os.path.dirname(os.__file__)}
for place in sorted(places):
    for name in NAMES:
        try:
            with open(os.path.join(place, name), "x") as file:
                file.write(CONTENT)
            if place != here:
                planted.append(os.path.join(place, name))
        except OSError:
            pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nplanted {planted}" if planted else "")
