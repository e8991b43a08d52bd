"""Fill the working directory with up to 20,000 empty files; report when more than 4,096 fitted."""

created = 0
try:
    for number in range(20_000):
        with open(f"empty-{number}", "x"):
            created += 1
except OSError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\ncreated {created} files" if created > 4096 else "")
