"""Be wrong for one hash seed in four and right for the others, whatever the question."""

unlucky = hash("crucible") % 4 == 0


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + ("\nunlucky" if unlucky else "")
