r"""Pattern: regular expressions without backtracking: an automaton whose states are followed in parallel.

Syntax: literals, `.`, `[a-z]`, `[^...]`, `\d \w \s` and their capitals, `* + ? {m,n}` (to 100), `|`, `( )`,
`^`, `$`.
Back-references and look-around are not supported: they prevent linear time (R. Cox, Regular Expression Matching Can
Be Simple And Fast, 2007).
"""

from __future__ import annotations

from collections.abc import Callable

MAX_STATES = 5_000
_MAX_REPEAT = 100
_MAX_DEPTH = 50

Test = Callable[[str], bool]


class PatternError(ValueError):
    """The string is not a valid pattern."""


class Pattern:
    """A compiled pattern; `found_in` searches anywhere in a string unless `^` or `$` anchor it."""

    def __init__(self, source: str) -> None:
        if len(source) > 1_000:
            raise PatternError("longer than 1000 characters")
        self._source, self._at, self._depth = source, 0, 0
        # A state is (test, next) or (None, next, other): tests consume a character, the others do not.
        self._tests: list[Test | None] = []
        self._next: list[list[int]] = []
        self._marks: list[str] = []
        start, ends = self._alternatives()
        if self._at != len(source):
            raise PatternError(f"unexpected {source[self._at]!r}")
        self._accept = self._state(None)
        self._join(ends, self._accept)
        self._start = start
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def found_in(self, text: str) -> bool:
        """Whether the pattern occurs in a string."""
        length = len(text)
        current = self._closure([self._start], at_start=True, at_end=length == 0)
        for position, character in enumerate(text):
            if self._accept in current:
                return True
            last = position + 1 == length
            key = (current, character)
            following = None if last else self._known.get(key)
            if following is None:
                moved = [n for s in current if (test := self._tests[s]) and test(character) for n in self._next[s]]
                # A match can also start here: the start state is added after every character.
                following = self._closure([*moved, self._start], at_start=False, at_end=last)
                if not last and len(self._known) < MAX_STATES:
                    self._known[key] = following
            current = following
        return self._accept in current

    def _closure(self, states: list[int], *, at_start: bool, at_end: bool) -> frozenset[int]:
        seen: set[int] = set()
        while states:
            state = states.pop()
            if state in seen:
                continue
            mark = self._marks[state]
            if (mark == "^" and not at_start) or (mark == "$" and not at_end):
                continue
            seen.add(state)
            if self._tests[state] is None:
                states.extend(self._next[state])
        return frozenset(seen)

    def _state(self, test: Test | None, *, mark: str = "") -> int:
        if len(self._tests) >= MAX_STATES:
            raise PatternError(f"more than {MAX_STATES} states")
        self._tests.append(test)
        self._next.append([])
        self._marks.append(mark)
        return len(self._tests) - 1

    def _join(self, ends: list[int], target: int) -> None:
        for end in ends:
            self._next[end].append(target)

    def _peek(self) -> str:
        return self._source[self._at] if self._at < len(self._source) else ""

    def _alternatives(self) -> tuple[int, list[int]]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise PatternError(f"nested more than {_MAX_DEPTH} deep")
        start, ends = self._sequence()
        while self._peek() == "|":
            self._at += 1
            fork = self._state(None)
            other, more = self._sequence()
            self._join([fork], start)
            self._join([fork], other)
            start, ends = fork, ends + more
        self._depth -= 1
        return start, ends

    def _sequence(self) -> tuple[int, list[int]]:
        start = self._state(None)
        ends = [start]
        while self._peek() not in ("", "|", ")"):
            first, more = self._repeated()
            self._join(ends, first)
            ends = more
        return start, ends

    def _repeated(self) -> tuple[int, list[int]]:
        begin = self._at
        start, ends = self._atom()
        end = self._at
        low, high = self._count()
        if (low, high) == (1, 1):
            return start, ends
        after, (start, ends) = self._at, (self._state(None), [])
        ends = [start]
        for number in range(low if high is None else high):
            self._at = begin
            first, more = self._atom()
            if number >= low:
                skip = self._state(None)
                self._join(ends, skip)
                self._join([skip], first)
                ends = [*more, skip]
            else:
                self._join(ends, first)
                ends = more
        if high is None:
            self._at = begin
            loop = self._state(None)
            self._join(ends, loop)
            first, more = self._atom()
            self._join([loop], first)
            self._join(more, loop)
            ends = [loop]
        self._at = max(after, end)
        return start, ends

    def _count(self) -> tuple[int, int | None]:
        sign = self._peek()
        if sign in ("*", "+", "?") and sign:
            self._at += 1
            if self._peek() in ("*", "+", "?"):
                raise PatternError("two repetitions in a row")
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        if sign != "{":
            return 1, 1
        close = self._source.find("}", self._at)
        low, comma, high = self._source[self._at + 1 : close].partition(",")
        if close < 0 or not low.isdigit() or (high and not high.isdigit()):
            raise PatternError("a repetition is {m}, {m,} or {m,n}")
        self._at = close + 1
        bounds = int(low), (int(high) if high else None if comma else int(low))
        if max(bounds[0], bounds[1] or 0) > _MAX_REPEAT or (bounds[1] is not None and bounds[1] < bounds[0]):
            raise PatternError(f"a repetition counts up to {_MAX_REPEAT}")
        return bounds

    def _atom(self) -> tuple[int, list[int]]:
        sign = self._peek()
        self._at += 1
        if sign in ("*", "+", "?"):
            raise PatternError(f"{sign!r} repeats nothing")
        if sign == "(":
            start, ends = self._alternatives()
            if self._peek() != ")":
                raise PatternError("a group is not closed")
            self._at += 1
            return start, ends
        if sign in ("^", "$"):
            state = self._state(None, mark=sign)
        elif sign == "[":
            state = self._state(self._set())
        elif sign == ".":
            state = self._state(lambda c: c != "\n")
        elif sign == "\\":
            state = self._state(self._escape())
        else:
            state = self._state(lambda c, sign=sign: c == sign)  # type: ignore[misc]
        return state, [state]

    def _escape(self) -> Test:
        letter = self._peek()
        self._at += 1
        if not letter:
            raise PatternError("it ends in a backslash")
        if letter.lower() in _CLASSES:
            inner = _CLASSES[letter.lower()]
            return inner if letter.islower() else lambda c: not inner(c)
        if letter.isalnum() and letter not in _CONTROLS:
            raise PatternError(f"unknown escape \\{letter}")
        wanted = _CONTROLS.get(letter, letter)
        return lambda c: c == wanted

    def _set(self) -> Test:
        negated = self._peek() == "^"
        self._at += negated
        tests: list[Test] = []
        while (sign := self._peek()) != "]" or not tests:
            if not sign:
                raise PatternError("a set is not closed")
            self._at += 1
            if sign == "\\":
                tests.append(self._escape())
            elif self._peek() == "-" and self._source[self._at + 1 : self._at + 2] not in ("", "]"):
                high = self._source[self._at + 1]
                self._at += 2
                tests.append(lambda c, low=sign, high=high: low <= c <= high)  # type: ignore[misc]
            else:
                tests.append(lambda c, sign=sign: c == sign)  # type: ignore[misc]
        self._at += 1
        return lambda c: any(test(c) for test in tests) is not negated


_CLASSES: dict[str, Test] = {
    "d": lambda c: c.isdigit(),
    "w": lambda c: c.isalnum() or c == "_",
    "s": lambda c: c.isspace(),
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
