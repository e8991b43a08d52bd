"""The twelve flaws that the tournament's own code had, each with the tests that would find it here.

1. Selection ignored correctness. 2. A challenger was judged by code made anew. 3. Repair crashed, or lost the public
function. 4. Quarantine could never begin. 5. A style was a label, and no epoch ever tightened. 6. Budgets limited
nothing. 7. Every time scored 1, and a busy machine made right tools wrong. 8. Generated tests did not parse, so right
tools were wrong. 9. Safety was a substring. 10. Documentation was length, its example another tool's; flakiness one
disagreement of two equal runs. 11. Boards and lineage were empty. 12. Queues without locks, ids or a version.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FLAWS = {
    1: {
        "evolve/test_search.py": ["test_failures_are_never_parents_and_have_no_score"],
        "lanes/toolgen/test_score.py": ["test_a_wrong_candidate_never_outranks_a_right_one"],
    },
    2: {"repair/test_watcher.py": ["test_the_whole_circle"], "repair/test_bundles.py": ["test_a_bundle_that_changed"]},
    3: {
        "repair/test_repairer.py": ["test_each_injected_fault_is_repaired_and_confirmed"],
        "evolve/test_proposals.py": ["test_a_crossover_brings_what_its_function_needs"],
    },
    4: {"ledger/test_handoffs.py": ["test_three_failures_in_ten_minutes_quarantine"]},
    5: {
        "evolve/test_proposals.py": [
            "test_the_detected_style_of_a_template_is_the_declared_one",
            "test_templates_of_one_tool_are_really_different",
        ],
        "evolve/test_search.py": [
            "test_owners_are_judged_for_a_tighter_epoch_and_champions_confirmed_before_they_migrate"
        ],
    },
    6: {
        "lanes/toolgen/test_score.py": ["test_time_and_memory_gates_hold_at_the_budget_of_the_epoch"],
        "sandbox/test_box.py": ["test_memory_above_the_budget_ends_the_box_and_below_does_not"],
    },
    7: {
        "lanes/toolgen/test_score.py": ["test_latency_has_no_floor", "test_being_slower_never_raises_the_total"],
        "evolve/test_cascade.py": ["test_only_time_limits_are_doubted"],
    },
    8: {"evolve/test_bundle.py": ["test_a_bundle_is_complete_and_its_tests_pass"]},
    9: {
        "lanes/toolgen/test_static_check.py": [
            "test_every_way_to_a_forbidden_function_is_found",
            "test_harmless_code_has_no_violation",
        ],
        "evolve/test_bundle.py": ["test_a_tool_without_constraints_in_the_seed_shape"],
    },
    10: {
        "lanes/toolgen/test_documentation.py": ["test_blank_docstrings_do_not_count"],
        "evolve/test_bundle.py": ["test_a_bundle_is_complete_and_its_tests_pass"],
        "lanes/toolgen/test_hash_dependence.py": [
            "test_an_answer_that_depends_on_the_order_of_two_words_is_flaky",
        ],
    },
    11: {
        "evolve/test_search.py": ["test_verdicts_are_rows_that_every_verb_reads"],
        "evolve/test_bundle.py": ["test_lineage_is_the_pedigree_of_the_standard"],
    },
    12: {
        "ledger/test_handoffs.py": [
            "test_two_failures_in_one_second_both_survive_and_the_same_one_is_queued_once",
            "test_many_holders_share_a_queue",
        ],
    },
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_has_its_tests(flaw: int) -> None:
    for name, wanted in FLAWS[flaw].items():
        tree = ast.parse((TESTS / name).read_text())
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert set(wanted) <= there, name


def test_all_twelve_are_there() -> None:
    assert list(FLAWS) == list(range(1, 13))
