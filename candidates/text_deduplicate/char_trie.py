# SPDX-License-Identifier: MIT
# /// candidate
# style = "trie"
# generator = "hand"
# license = "MIT"
# ///
"""Two tries: one of characters for exact mode, one of tokens for near mode.

The character trie is compressed (an edge carries a run of characters), so a line of 200,000 characters costs one node.
In the token trie a representative is the path of its tokens, frequent ones first; a query walks it by branch and bound:
below a node the similarity can be no better than if all remaining tokens of the query matched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter


class CharNode:
    """A node of the compressed character trie: the run that leads here, and whether a line ends here."""

    __slots__ = ("children", "ends", "label")

    def __init__(self, label: str, ends: bool) -> None:
        self.label = label
        self.ends = ends
        self.children: dict[str, CharNode] = {}


class CharTrie:
    """The set of lines seen."""

    def __init__(self) -> None:
        self.root = CharNode("", False)

    def insert(self, line: str) -> bool:
        """Add a line; True if it was not there."""
        node, at = self.root, 0
        while at < len(line):
            child = node.children.get(line[at])
            if child is None:
                node.children[line[at]] = CharNode(line[at:], True)
                return True
            if line.startswith(child.label, at):
                node, at = child, at + len(child.label)
                continue
            # The line leaves in the middle of this edge: split the edge there.
            cut = common_length(child.label, line, at)
            middle = CharNode(child.label[:cut], at + cut == len(line))
            node.children[line[at]] = middle
            child.label = child.label[cut:]
            middle.children[child.label[0]] = child
            if not middle.ends:
                middle.children[line[at + cut]] = CharNode(line[at + cut :], True)
            return True
        is_new = not node.ends
        node.ends = True
        return is_new


def common_length(label: str, line: str, at: int) -> int:
    """How many characters of `label` agree with `line` from `at` on, by halving."""
    low, high = 0, min(len(label), len(line) - at)
    while low < high:
        middle = (low + high + 1) // 2
        if line.startswith(label[low:middle], at + low):
            low = middle
        else:
            high = middle - 1
    return low


class TokenNode:
    """A node of the token trie; `place` is that of the representative whose tokens end here, or -1."""

    __slots__ = ("children", "place")

    def __init__(self) -> None:
        self.children: dict[int, TokenNode] = {}
        self.place = -1


class TokenTrie:
    """Representatives by their sorted token numbers. No two have the same tokens, or they would have merged."""

    def __init__(self) -> None:
        self.root = TokenNode()

    def insert(self, path: list[int], place: int) -> None:
        node = self.root
        for token in path:
            child = node.children.get(token)
            if child is None:
                child = node.children[token] = TokenNode()
            node = child
        node.place = place

    def remove(self, path: list[int]) -> None:
        """Take a representative out, with the nodes that only it needed."""
        trail = [self.root]
        for token in path:
            trail.append(trail[-1].children[token])
        trail[-1].place = -1
        for depth in range(len(path), 0, -1):
            if trail[depth].children or trail[depth].place >= 0:
                break
            del trail[depth - 1].children[path[depth - 1]]

    def nearest(self, query: list[int], threshold: float) -> int:
        """The place of the most similar representative, the earliest of several, or -1 below the threshold."""
        size = len(query)
        position = {token: index for index, token in enumerate(query)}
        best, floor = -1, threshold
        # (node, tokens of the query met on the way, other tokens met, index of the query's next token)
        stack = [(self.root, 0, 0, 0)]
        while stack:
            node, met, missed, start = stack.pop()
            if (met + size - start) / (size + missed) < floor:
                continue  # the floor rose since this was pushed
            if node.place >= 0:
                similarity = met / (size + missed)
                if similarity > floor or (similarity == floor and (best < 0 or node.place < best)):
                    best, floor = node.place, similarity
            children = node.children
            if (met + size - start) / (size + missed + 1) < floor:
                # Not one more foreign token is affordable: follow the query's own tokens only.
                for index in range(size - 1, start - 1, -1):
                    child = children.get(query[index])
                    if child is not None:
                        stack.append((child, met + 1, missed, index + 1))
                continue
            for token, child in children.items():
                index = position.get(token, -1)
                if index >= 0:
                    stack.append((child, met + 1, missed, index + 1))
                else:
                    after = bisect_right(query, token, start)
                    if (met + size - after) / (size + missed + 1) >= floor:
                        stack.append((child, met, missed + 1, after))
        return best


def words_in(line: str) -> set[str]:
    """The alphanumeric runs of the lower-cased line."""
    return set("".join(mark if mark.isalnum() else " " for mark in line.lower()).split())


def deduplicate_lines(lines: list[str], threshold: float = 1.0) -> list[str]:
    """Return the distinct lines, the most informative of each group, in order of first appearance.

    >>> deduplicate_lines(["tea", "team", "tea ", "te"])
    ['tea', 'team', 'te']
    >>> deduplicate_lines(["green tea", "Green tea, hot", "black coffee"], 0.6)
    ['Green tea, hot', 'black coffee']
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [text for text in (line.strip() for line in lines) if text]
    seen = CharTrie()
    if threshold >= 0.9999:
        return [line for line in stripped if seen.insert(line)]
    word_sets = [words_in(line) for line in stripped]
    if threshold == 0.0:  # every line merges into the first place
        best = max(range(len(stripped)), key=lambda at: (len(word_sets[at]), len(stripped[at]), -at), default=-1)
        return [] if best < 0 else [stripped[best]]
    frequency = Counter(word for words in word_sets for word in words)
    # Frequent tokens get small numbers, so they come first in a path and representatives share their beginnings.
    number = {word: at for at, (word, _) in enumerate(sorted(frequency.items(), key=lambda item: (-item[1], item[0])))}
    kept: list[str] = []
    paths: list[list[int]] = []
    trie = TokenTrie()
    for line, words in zip(stripped, word_sets, strict=True):
        if not words:  # such lines match only an equal one
            if seen.insert(line):
                kept.append(line)
                paths.append([])
            continue
        path = sorted(number[word] for word in words)
        place = trie.nearest(path, threshold)
        if place < 0:
            trie.insert(path, len(kept))
            kept.append(line)
            paths.append(path)
        elif (len(path), len(line)) > (len(paths[place]), len(kept[place])):
            trie.remove(paths[place])
            trie.insert(path, place)
            kept[place] = line
            paths[place] = path
    return kept
