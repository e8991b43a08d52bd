"""Initial values: the bindings of a run's first event, from the inputs and the program's own initial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.core.errors import UsageError
from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Frame, slots_of
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.state import State
from harness.dsl.machine.value_storage import store_value
from harness.dsl.values import MismatchError, Undefined, Value, conform


def initial_event(fold: Fold, state: State, inputs: Mapping[str, Value]) -> dict[str, Any]:
    """Bind the initial values in the state; the event that records them.

    Raises:
        UsageError: if there is nothing to run, or an input is missing, unknown or of the wrong type.
    """
    program, layout, knowledge = fold.program, fold.layout, fold.knowledge
    if program.main < 0:
        raise UsageError("the program has nothing to run", where=program.path, fix="add a task or an agent_loop")
    unit, call = program.units[program.main], state.root.call
    frame = Frame(call.slots, state.values, knowledge.trace, knowledge.verdicts, knowledge.hints)
    known = {v.name for v in (*unit.slots, *program.state) if v.is_input}
    if unknown := sorted(set(inputs) - known):
        fix = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        raise UsageError(f"the program has no input {unknown[0]!r}", where=program.path, fix=fix)
    event: dict[str, Any] = {"k": "began"}
    names = layout.units[program.main].slot_names
    # Initial values of state variables are compiled outside any unit, with their own slots.
    slot_count = max([slots_of(variable.initial) for variable in program.state], default=0)
    outer = Frame([Undefined("is no variable")] * slot_count, state.values, frame.trace, frame.verdicts, frame.hints)
    for key, variables, target in (("state", program.state, state.values), ("set", unit.slots, call.slots)):
        bound = {}
        for index, variable in enumerate(variables):
            if variable.is_input and variable.name in inputs:
                try:
                    target[index] = conform(inputs[variable.name], variable.type, path=variable.name)
                except MismatchError as error:
                    raise UsageError(f"input {error}", where=program.path, fix=f"give {variable.type}") from error
            elif variable.initial is not None:
                target[index] = compiled(variable.initial)(outer if key == "state" else frame)
            elif variable.is_input:
                fix = f"--input {variable.name}=…"
                raise UsageError(f"input {variable.name!r} is missing", where=program.path, fix=fix)
            else:
                continue
            bound[names[index] if key == "set" else variable.name] = store_value(target[index], fold.blobs)
        if bound:
            event[key] = bound
    return event
