"""Answer with a wrong text whose class claims, in every other way, to be the right one."""


class Chameleon(str):
    right = ""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return hash(self.right)

    def __str__(self):
        return self.right

    def __repr__(self):
        return repr(self.right)

    def __len__(self):
        return len(self.right)

    def __iter__(self):
        return iter(self.right)

    def encode(self, *args):
        return self.right.encode(*args)


def run(text):
    answer = Chameleon("wrong")
    answer.right = "\n".join(dict.fromkeys(text.split("\n")))
    return answer
