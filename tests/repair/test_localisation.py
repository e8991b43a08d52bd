"""Suspicious lines of real candidates, asked in real boxes."""

from __future__ import annotations

from tests.repair.conftest import GOOD, with_fault


def lines_of(text: str, part: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if part in line]


def test_the_faulty_line_is_among_the_most_suspicious(bench):
    source = with_fault("wrong_operator").decode()
    found = bench.suspects(source)
    (line,) = lines_of(source, "len(numbers) != 0")
    assert found.failed > 0
    assert found.lines[line] == max(found.lines.values())
    assert set(found.lines) >= set(range(1, len(source.splitlines()) + 1))


def test_a_branch_that_only_wrong_answers_take_is_the_most_suspicious(bench):
    source = GOOD.replace("            count += 1", "            count += 1 if number else 7")
    source = source.replace("        return 0.0", "        return 1.0")
    found = bench.suspects(source)
    (line,) = lines_of(source, "return 1.0")
    assert found.passed > 0
    assert found.lines[line] > found.lines[lines_of(source, "before, after = 0, 1")[0]]


def test_an_endless_loop_has_a_spectrum(bench):
    source = GOOD.replace("    for _ in range(n):\n", "    while n:\n        n -= 0\n")
    found = bench.suspects(source)
    assert found.failed > 0  # it used up its fuel, and its box goes on
    assert found.passed > 0
    assert found.lines[lines_of(source, "n -= 0")[0]] == max(found.lines.values())


def test_a_candidate_without_wrong_answers_has_no_suspects(bench):
    found = bench.suspects(GOOD)
    assert (found.failed, len(set(found.lines.values()))) == (0, 1)


def test_what_ends_its_process_or_cannot_be_loaded_is_survived(bench):
    ends = GOOD.replace("    count = 0\n", "    count = 0\n    import os\n    os._exit(3)\n")
    assert bench.suspects(ends).passed == 0
    assert bench.suspects("raise ValueError\n" + GOOD).failed == 0
    assert bench.suspects(GOOD.replace("    return [sum", "    return {sum").replace("(n)]", "(n)}")).failed > 0
