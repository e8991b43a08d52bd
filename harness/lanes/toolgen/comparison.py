"""Comparison: when two answers of a tool are the same; pure, and the only place that decides it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from harness.core.frozen import Frozen
from harness.core.nearest import nearest
from harness.sandbox.codec import CodecError, decode, encode, encode_plainly
from harness.sandbox.frame_reader import FREE_BYTES, GROWTH


class Numbers(Frozen):
    """How floating-point numbers in answers are compared; integers and booleans are always compared exactly."""

    rel: Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Relative tolerance: |a - b| <= rel x max(|a|, |b|) is the same."""
    abs: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] = 0.0
    """Absolute tolerance: |a - b| <= abs is the same."""
    int_for_float: StrictBool = False
    """Whether an integer may stand where a float is expected; its value is compared, without rounding."""

    @property
    def are_exact(self) -> bool:
        """Whether numbers of one type are the same only if they are identical."""
        return not self.rel and not self.abs

    def match(self, expected: Any, observed: Any) -> bool:
        """Whether two decoded values are the same but for differences of numbers that this tolerates."""
        waiting = [(expected, observed)]
        while waiting:
            one, other = waiting.pop()
            kind = type(one)
            if kind is float:
                if not self._match_float(one, other):
                    return False
            elif type(other) is not kind:
                return False
            elif kind is dict:
                values, others = _by_key(one), _by_key(other)
                if values.keys() != others.keys():
                    return False
                waiting += [(value, others[key]) for key, value in values.items()]
            elif kind is set or kind is frozenset:
                first, second = _numbers_of(one), _numbers_of(other)
                if len(first) != len(second) or encode(one - set(first)) != encode(other - set(second)):
                    return False
                waiting += zip(first, second, strict=True)
            elif kind is list or kind is tuple:
                if len(one) != len(other):
                    return False
                waiting += zip(one, other, strict=True)
            elif one != other:
                return False
        return True

    def _match_float(self, expected: float, observed: Any) -> bool:
        if type(observed) is int and self.int_for_float:
            return self._match_integer(expected, observed)
        if type(observed) is not float:
            return False
        if math.isnan(expected) or math.isnan(observed):
            return math.isnan(expected) and math.isnan(observed)
        if self.are_exact:
            return expected == observed and math.copysign(1, expected) == math.copysign(1, observed)
        return math.isclose(expected, observed, rel_tol=self.rel, abs_tol=self.abs)

    def _match_integer(self, expected: float, observed: int) -> bool:
        if not math.isfinite(expected):
            return False
        if self.are_exact:
            return expected == observed and (expected != 0 or math.copysign(1, expected) > 0)
        from fractions import Fraction

        exact = Fraction(expected)
        larger = max(abs(exact), Fraction(abs(observed)))
        return abs(exact - observed) <= max(Fraction(self.rel) * larger, Fraction(self.abs))


def _by_key(value: dict[Any, Any]) -> dict[Any, Any]:
    """The values by keys that are equal only if they are identical, as `1` and `1.0` are not."""
    return value if all(type(key) is str for key in value) else {encode(key): item for key, item in value.items()}


def _numbers_of(members: set[Any] | frozenset[Any]) -> list[int | float]:
    """The integers and floats of a set in order, but NaN, which has none."""
    return sorted(one for one in members if type(one) is int or (type(one) is float and not math.isnan(one)))


class Comparison(Frozen):
    """When an answer is the same as the expected one. Without keys: types and values are identical."""

    numbers: Numbers = Numbers()
    """Tolerances of floating-point numbers."""
    sequences: Literal["exact", "any"] = "exact"
    """any: every sequence but strings and bytes (a tuple, a deque, a range) counts as a list."""
    mappings: Literal["exact", "any"] = "exact"
    """any: every mapping (a Counter, a defaultdict, a mapping proxy) counts as a dictionary."""
    iterators: Literal["exact", "list"] = "exact"
    """list: an iterator, or a view of a mapping, counts as the list of its items; it is drained in the box."""

    @property
    def forms(self) -> frozenset[str]:
        """The forms that `codec.encode_plainly` makes, of candidates' and expected answers alike."""
        asked = {"sequences": self.sequences, "mappings": self.mappings, "iterators": self.iterators}
        return frozenset(name for name, value in asked.items() if value != "exact")

    @property
    def is_tolerant(self) -> bool:
        """Whether answers with different encodings may be the same."""
        return self.numbers.int_for_float or not self.numbers.are_exact

    def encode(self, value: Any) -> bytes:
        """Encode an answer in its plain forms; raises CodecError as `codec.encode_plainly`."""
        return encode_plainly(value, self.forms)

    def same(self, expected: bytes, observed: bytes) -> bool:
        """Whether an encoded answer is the same as the expected one; both were encoded by `encode`.

        An untrusted answer that cannot be decoded is not the same. Symmetric, except that `int_for_float` lets only
        the observed integer stand for an expected float.
        """
        if expected == observed:
            return True
        # Floats that are the same have 3 to 24 characters each, so a much longer answer is not even decoded.
        if not self.is_tolerant or len(observed) > FREE_BYTES + GROWTH * len(expected):
            return False
        try:
            return self.numbers.match(decode(expected), decode(observed))
        except CodecError:
            return False


def _read(value: Any) -> Any:
    """`exact` is a comparison without keys."""
    if value == "exact":
        return {}
    if isinstance(value, dict | Comparison):
        return value
    keys = ("exact", *Comparison.model_fields)
    msg = f"it is `exact`, or a mapping of {', '.join(keys[1:])}"
    raise ValueError(msg + (nearest(value, keys, max_choices=0) if isinstance(value, str) else ""))


Compare = Annotated[Comparison, BeforeValidator(_read, json_schema_input_type=Literal["exact"] | Comparison)]
"""The key `compare` of a tool."""

EXACT = Comparison()
