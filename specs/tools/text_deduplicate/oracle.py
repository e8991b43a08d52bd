# SPDX-License-Identifier: MIT
"""What the right answer to text_deduplicate is: a slow, obvious reference, inputs to ask about, and laws it obeys.

Trusted: this file is loaded by the judge only and never enters a candidate's process.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import strategies as st

Kwargs = dict[str, Any]
Call = Callable[..., Any]
Law = Callable[[Call, Kwargs, random.Random], str | None]

EXACT_FROM = 0.9999
"""From this threshold on lines are compared as they are."""


# --- the reference ---------------------------------------------------------------------------------------------------


def reference(lines: list[str], threshold: float = 1.0) -> list[str]:
    """The answer by the book: every line against every representative."""
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be within 0.0 and 1.0, not {threshold!r}")
    stripped = [line.strip() for line in lines]
    wanted = [line for line in stripped if line]
    if threshold >= EXACT_FROM:
        return list(dict.fromkeys(wanted))
    kept: list[tuple[str, set[str]]] = []
    for line in wanted:
        words = tokens(line)
        best, best_similarity = -1, -1.0
        for place, (other, other_words) in enumerate(kept):
            similarity = jaccard(line, words, other, other_words)
            if similarity > best_similarity:  # strictly, so the earliest of several equals stays
                best, best_similarity = place, similarity
        if best < 0 or best_similarity < threshold:
            kept.append((line, words))
        else:
            there, there_words = kept[best]
            if (len(words), len(line)) > (len(there_words), len(there)):
                kept[best] = (line, words)
    return [line for line, _ in kept]


def tokens(line: str) -> set[str]:
    """The set of maximal alphanumeric runs in the lower-cased line."""
    found: set[str] = set()
    word = ""
    for character in line.lower():
        if character.isalnum():
            word += character
        elif word:
            found.add(word)
            word = ""
    if word:
        found.add(word)
    return found


def jaccard(line: str, words: set[str], other: str, other_words: set[str]) -> float:
    """The similarity of two lines, 0.0 to 1.0."""
    if not words and not other_words:
        return 1.0 if line == other else 0.0
    return len(words & other_words) / len(words | other_words)


# --- inputs ----------------------------------------------------------------------------------------------------------

_WORDS = [
    "alpha", "beta", "gamma", "delta", "Alpha", "BETA", "a", "b", "c", "x1", "x2", "42", "caf\u00e9", "stra\u00dfe",
    "\u0130stanbul", "\u039f\u0394\u039f\u03a3", "\u6771\u4eac", "\u0663\u0664", "snake_case", "\U0001d518\U0001d52b",
]  # fmt: skip
_JOINS = [" ", "  ", ", ", "-", "_", "\t", "/", "\u00a0", "\u200b", "...", "\x00"]
_PADS = ["", "", "", " ", "\t", "\r", "\r\n", "  ", "\u3000", "\x1f", "\u2028"]
_THRESHOLDS = [1.0, 1.0, 1.0, 0.9999, 0.99985, 0.95, 0.9, 0.8, 0.75, 2 / 3, 0.6, 0.55, 0.5, 1 / 3, 0.25, 0.1, 0.0]


@st.composite
def _made_lines(draw: st.DrawFn) -> str:
    """A line of known words, so that equal and near-equal lines are common."""
    words = draw(st.lists(st.sampled_from(_WORDS), max_size=6))
    text = draw(st.sampled_from(_JOINS)).join(words)
    change = draw(st.sampled_from(["as is", "as is", "upper", "title", "nfd", "nfc", "ends with a mark"]))
    if change == "upper":
        text = text.upper()
    elif change == "title":
        text = text.title()
    elif change == "nfd":
        text = unicodedata.normalize("NFD", text)
    elif change == "nfc":
        text = unicodedata.normalize("NFC", text)
    elif change == "ends with a mark":
        text += draw(st.sampled_from(["!", ".", "?", "\u0301", "\ufeff"]))
    return draw(st.sampled_from(_PADS)) + text + draw(st.sampled_from(_PADS))


@st.composite
def _questions(draw: st.DrawFn) -> Kwargs:
    pool = draw(st.lists(st.one_of(_made_lines(), _made_lines(), st.text(max_size=12)), min_size=1, max_size=10))
    lines = draw(st.lists(st.one_of(st.sampled_from(pool), _made_lines()), max_size=25))
    threshold = draw(st.one_of(st.sampled_from(_THRESHOLDS), st.floats(0.0, 1.0, allow_subnormal=False)))
    return {"lines": lines, "threshold": threshold}


def inputs() -> st.SearchStrategy[Kwargs]:
    """Small to medium questions: repeated lines, near-duplicates, case, Unicode forms, padding of every kind."""
    return _questions()


def workload(size: int, rng: random.Random) -> Kwargs:
    """`size` lines for timing, in near mode: that is where the work is (edges() press the exact mode by sheer number).

    Shaped against shortcuts: nearly every line stays a representative, all lines share frequent words (long posting
    lists), and a fifth are near-copies that merge, half of them replacing their representative.
    """
    frequent = [_made_word(rng) for _ in range(4)]
    lines: list[list[str]] = []
    for _ in range(size):
        if lines and rng.random() < 0.2:
            words = list(rng.choice(lines))
            if rng.random() < 0.5:
                words.append(_made_word(rng))
            else:
                words.pop(rng.randrange(len(words)))
        else:
            words = rng.sample(frequent, 3) + [_made_word(rng) for _ in range(6)]
        rng.shuffle(words)
        lines.append(words)
    return {"lines": [" ".join(words) for words in lines], "threshold": 0.7}


def _made_word(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(4, 8)))


def edges() -> list[Kwargs]:
    """Hostile and extreme questions; on some the reference raises ValueError, and so must a candidate."""
    numbered = [f"line {number:05d}" for number in range(20_000)]
    many_words = [f"w{number}" for number in range(20_000)]
    twenty = [f"t{number:02d}" for number in range(20)]
    huge = "x" * 200_000
    return [
        # Thresholds at and beyond the ends.
        {"lines": [], "threshold": 1.0},
        {"lines": [], "threshold": 0.5},
        {"lines": ["a"], "threshold": -0.1},
        {"lines": ["a"], "threshold": 1.5},
        {"lines": [], "threshold": 1.0000001},
        {"lines": [], "threshold": -1e-9},
        {"lines": ["a b", "c d", "---", "a b c"], "threshold": 0.0},
        {"lines": ["---", "***", "+++ +++", "a"], "threshold": 0.0},
        {"lines": ["A b", "a B", "a b c", "A b"], "threshold": 0.9999},
        {"lines": ["A b", "a B", "a b c", "A b"], "threshold": 0.9998999},
        {"lines": ["A b", "a B", "a b c", "A b"], "threshold": 1},
        # Nothing, or hardly anything.
        {"lines": ["", " ", "\t", "\r\n", "\x0b\x0c", "\u3000"], "threshold": 1.0},
        {"lines": ["", " ", "\t", "\r\n", "\u2028", "\u2029", "\x85", "\xa0"], "threshold": 0.5},
        {"lines": ["one"], "threshold": 0.3},
        # Sheer size.
        {"lines": ["the same line"] * 5_000, "threshold": 1.0},
        {"lines": ["the same line"] * 5_000, "threshold": 0.8},
        {"lines": numbered, "threshold": 1.0},
        {"lines": numbered[:3_000] + numbered[2_999::-1], "threshold": 1.0},
        {"lines": numbered[:257], "threshold": 1.0},
        {"lines": numbered[:513], "threshold": 1.0},
        {"lines": numbered[:65], "threshold": 0.9},
        {"lines": [huge], "threshold": 1.0},
        {"lines": [huge, huge + "y", huge, "y" + huge], "threshold": 1.0},
        {"lines": [huge, huge + "y", huge.upper() + "!"], "threshold": 0.9},
        {"lines": [" ".join(many_words), " ".join(many_words[1:]), " ".join(many_words[:50])], "threshold": 0.9},
        {"lines": ["a" * length for length in range(1, 301)] * 2, "threshold": 1.0},
        {"lines": ["ab" * length for length in range(120, 0, -1)] * 2, "threshold": 0.5},
        # White space, separators, control characters.
        {"lines": ["a", "a\r", "a\r\n", "\ta", "a\x1f", "\x1ca", "a\u2028", "a\x00", "\x00a"], "threshold": 1.0},
        {"lines": ["a\x00b", "a\x01b", "a b", "a\x7fb", "ab"], "threshold": 1.0},
        {"lines": ["a\x00b", "a\x01b", "a b", "a\x7fb", "ab"], "threshold": 0.9},
        {"lines": ["\ufeffa", "a", "a\u200b", "\u200ba", "a\u2060"], "threshold": 1.0},
        {"lines": ["\ufeffa", "a", "a\u200b", "\u200ba", "a\u2060"], "threshold": 0.99},
        {"lines": ["a\nb", "a\rb", "a\n", "b", "a"], "threshold": 1.0},
        # Unicode.
        {"lines": ["caf\u00e9", "cafe\u0301", "CAF\u00c9", "cafe"], "threshold": 1.0},
        {"lines": ["caf\u00e9 x", "cafe\u0301 x", "CAF\u00c9 X", "cafe x"], "threshold": 0.5},
        {"lines": ["\U0001f600", "\U0001f601", "\U0001f600", "\U0001d400 x", "\U0001d400 y"], "threshold": 0.3},
        {"lines": ["\u0130z", "i\u0307z", "\u0131z", "iz", "I\u0307Z"], "threshold": 0.6},
        {"lines": ["\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2", "\u03bf\u03b4\u03bf\u03c3"],
         "threshold": 0.9},
        {"lines": ["\u03a3.\u0391", "\u0391\u03a3.\u0391", "\u03b1\u03c3 \u03b1", "\u03b1\u03c2 \u03b1"],
         "threshold": 0.5},
        {"lines": ["stra\u00dfe", "STRASSE", "strasse", "STRA\u1e9eE"], "threshold": 0.9},
        {"lines": ["x\u00b2", "x2", "\u0664", "4", "\u2163", "iv", "\u00bd"], "threshold": 0.9},
        {"lines": ["a_b", "a b", "ab", "__", "_", "a_"], "threshold": 0.9},
        # Lines without tokens.
        {"lines": ["---", "***", "---", "- - -", "***", "x"], "threshold": 0.01},
        {"lines": ["---", "--- ---", "!?", "!?"], "threshold": 0.9998},
        # Ties: the earlier representative takes the line, whatever order a set happens to have.
        {"lines": ["k l", "m n", "k l m n"], "threshold": 0.5},
        {"lines": ["kiwi", "lime", "plum", "kiwi lime plum"], "threshold": 0.3},
        {"lines": ["u1 u2", "v1 v2", "w1 w2", "z1 z2", "u1 v1 w1 z1 long"], "threshold": 0.1},
        {"lines": ["north", "east", "south", "west", "west south east north"], "threshold": 0.25},
        {"lines": ["5 6", "7 8", "9 0", "9 0 7 8 5 6"], "threshold": 0.3},
        {"lines": ["red 1", "blue 2", "red 1 blue 2"], "threshold": 0.5},
        {"lines": ["ham", "egg", "ham egg"], "threshold": 0.5},
        {"lines": ["oak elm", "ash fir", "elm fir tall"], "threshold": 0.2},
        {"lines": ["io eu", "ra ut", "ut re eu", "re io"], "threshold": 0.2},
        {"lines": ["sun moon", "star sky", "sky star moon sun", "star sun"], "threshold": 0.4},
        # Which line is kept, and what it is compared by afterwards.
        {"lines": ["alpha", "alpha beta", "alpha beta gamma", "alpha beta gamma delta", "alpha"], "threshold": 0.5},
        {"lines": ["a b c d", "a b c e", "a b e f", "a e f g", "e f g h"], "threshold": 0.6},
        {"lines": ["a b c d", "a b c e", "d e a"], "threshold": 0.6},
        {"lines": ["a b c", "b c d e", "a b x", "c d e y", "a x"], "threshold": 0.4},
        {"lines": ["b a", "a  b", "a, b", "b; a", "a a a b"], "threshold": 0.9},
        {"lines": ["a a a a", "a b", "A A A A A"], "threshold": 0.5},
        {"lines": ["a b", "a b c", "c d", "a b c d", "b c", "d"], "threshold": 1 / 3},
        # Similarities that lie exactly on the threshold, where 0.55 * 20 > 11 in floats.
        {"lines": [" ".join(twenty), " ".join(twenty[:11])], "threshold": 0.55},
        {"lines": [" ".join(twenty[9:]), " ".join(twenty)], "threshold": 0.55},
        {"lines": [" ".join(twenty[:10]), " ".join(twenty[:7])], "threshold": 0.7},
        {"lines": ["a b c", "a b d", "a c d"], "threshold": 0.5},
        {"lines": ["a b c", "a b d", "a c d"], "threshold": 0.5000000000000001},
        # Two famous words with the same CRC-32, and text that looks like something else.
        {"lines": ["plumless", "buckeroo", "plumless"], "threshold": 1.0},
        {"lines": ["plumless", "buckeroo", "plumless"], "threshold": 0.5},
        {"lines": ["12 passed in 0.03s", "{\"ok\": true}", "__import__('os')", "$(true)", "%s%n", "null", "None"],
         "threshold": 1.0},
    ]  # fmt: skip


# --- laws ------------------------------------------------------------------------------------------------------------


def _in_domain(kwargs: Kwargs) -> bool:
    return bool(0.0 <= kwargs.get("threshold", 1.0) <= 1.0)


def _is_exact(kwargs: Kwargs) -> bool:
    return bool(kwargs.get("threshold", 1.0) >= EXACT_FROM)


def _short(value: object, limit: int = 160) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def _differs(law: str, expected: object, got: object) -> str | None:
    return None if expected == got else f"{law}: expected {_short(expected)}, got {_short(got)}"


class _MalformedError(Exception):
    """An answer that no law can be tried on."""


def _law(check: Law) -> Law:
    """A law about inputs in the domain; an answer of the wrong shape violates it instead of breaking the check."""

    @wraps(check)
    def tried(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
        def ask(**asked: Any) -> Any:
            answer = call(**asked)
            if not (isinstance(answer, list) and all(isinstance(line, str) for line in answer)):
                raise _MalformedError(f"the answer is not a list of strings: {_short(answer)}")
            return answer

        try:
            return check(ask, kwargs, rng) if _in_domain(kwargs) else None
        except _MalformedError as malformed:
            return str(malformed)

    return tried


@_law
def lines_come_from_the_input(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Every line of the answer is a stripped line of the input, and none occurs twice."""
    answer = call(**kwargs)
    strange = set(answer) - {line.strip() for line in kwargs["lines"]}
    if strange:
        return f"not lines of the input: {_short(sorted(strange))}"
    if "" in answer:
        return f"a blank line is in the answer {_short(answer)}"
    if len(set(answer)) < len(answer):
        return f"a line occurs twice in the answer {_short(answer)}"
    if not answer and any(line.strip() for line in kwargs["lines"]):
        return f"nothing is left of {_short(kwargs['lines'])}"
    return None


@_law
def exact_mode_is_idempotent(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """What was de-duplicated once has no duplicates (near mode makes no such promise)."""
    if not _is_exact(kwargs):
        return None
    once = call(**kwargs)
    return _differs("a second pass changes nothing", once, call(**{**kwargs, "lines": list(once)}))


@_law
def padding_does_not_matter(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """White space around lines and blank lines between them change nothing."""
    padded: list[str] = []
    for line in kwargs["lines"]:
        if rng.random() < 0.3:
            padded.append(rng.choice(["", " ", "\t\r", "\u2028"]))
        padded.append(rng.choice(["", " ", "\t"]) + line + rng.choice(["", "\r", "\r\n", " ", "\x1f"]))
    return _differs("padding changes nothing", call(**kwargs), call(**{**kwargs, "lines": padded}))


@_law
def saying_it_twice_changes_nothing(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Each line twice in a row: the second merges with wherever the first went."""
    doubled = [line for line in kwargs["lines"] for _ in range(2)]
    return _differs("each line twice in a row changes nothing", call(**kwargs), call(**{**kwargs, "lines": doubled}))


@_law
def a_common_ending_commutes(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """The same punctuation after every line changes no token and no order of lengths, at any threshold."""
    ending = rng.choice(["!", "?!", " ...)"])
    stripped = [line.strip() for line in kwargs["lines"]]
    marked = [line + ending for line in stripped if line]
    expected = [line + ending for line in call(**kwargs)]
    return _differs(f"{ending!r} after every line commutes", expected, call(**{**kwargs, "lines": marked}))


@_law
def relabelling_commutes_in_exact_mode(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Only equality counts in exact mode: writing every line backwards gives the same answer, backwards."""
    if not _is_exact(kwargs):
        return None
    backwards = [line.strip()[::-1] for line in kwargs["lines"]]
    expected = [line[::-1] for line in call(**kwargs)]
    return _differs("lines written backwards commute", expected, call(**{**kwargs, "lines": backwards}))


@_law
def a_prefix_of_the_input_is_consistent(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """Later lines cannot change how many representatives the earlier ones made, nor, in exact mode, which."""
    cut = rng.randint(0, len(kwargs["lines"]))
    whole = call(**kwargs)
    part = call(**{**kwargs, "lines": kwargs["lines"][:cut]})
    if _is_exact(kwargs):
        return _differs(f"the answer to the first {cut} lines begins the whole answer", part, whole[: len(part)])
    if len(part) > len(whole):
        return f"the first {cut} lines alone leave {len(part)} lines, all of them {len(whole)}"
    return None


@_law
def an_unrelated_line_is_appended(call: Call, kwargs: Kwargs, rng: random.Random) -> str | None:
    """A line of one word that occurs nowhere else comes last in the answer (unless everything merges)."""
    if kwargs.get("threshold", 1.0) == 0.0:
        return None
    fresh = "fresh" + "".join(rng.choice("bcdfghjklm") for _ in range(20))
    if any(fresh in line.lower() for line in kwargs["lines"]):
        return None
    expected = [*call(**kwargs), fresh]
    return _differs("an unrelated line comes last", expected, call(**{**kwargs, "lines": [*kwargs["lines"], fresh]}))


PROPERTIES = (
    lines_come_from_the_input,
    exact_mode_is_idempotent,
    padding_does_not_matter,
    saying_it_twice_changes_nothing,
    a_common_ending_commutes,
    relabelling_commutes_in_exact_mode,
    a_prefix_of_the_input_is_consistent,
    an_unrelated_line_is_appended,
)
"""Each is called with (call, kwargs, rng) and returns None or a sentence saying what is violated."""
