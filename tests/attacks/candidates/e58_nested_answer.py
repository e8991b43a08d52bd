"""Answer with a list in a list, 100,000 deep, to break the encoder by recursion."""


def run(text):
    answer = []
    for _ in range(100_000):
        answer = [answer]
    return answer
