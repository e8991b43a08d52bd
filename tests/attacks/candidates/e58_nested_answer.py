"""Answer with a list in a list, 20,000 deep, to break the encoder by recursion."""


def run(text):
    answer = []
    for _ in range(20_000):
        answer = [answer]
    return answer
