"""Runs a trie on three characters, for the bonus of another style."""


def run(text: str) -> str:
    """Return the distinct lines."""
    root = {}
    node = root
    for letter in text[:3]:
        node[letter] = {}
        node = node[letter]
    return "\n".join(dict.fromkeys(text.split("\n")))
