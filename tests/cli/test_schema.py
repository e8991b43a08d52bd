"""JSON Schemas."""

from __future__ import annotations

import json

import pytest
from pydantic import Field

from harness.cli import main, schema
from harness.core.frozen import Frozen
from harness.hooks import Registry


def references(value):
    """All $refs of a schema."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document, reference):
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        document = document[part]
    return document


@pytest.mark.parametrize("name", ["suite", "tool", "kernel", "ledger"])
def test_schemas_are_complete(capsys, name):
    assert main(["schema", name]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["$schema"] == schema.DRAFT
    for reference in references(found):
        assert resolve(found, reference)


def test_every_lane_has_a_suite_schema_of_its_own():
    whole = schema.build_schema("suite")
    assert set(whole["$defs"]) == set(Registry().lanes)
    for lane in Registry().lanes:
        one = schema.build_schema("suite", lane=lane)
        assert one["properties"]["lane"]["const"] == lane
        assert one["additionalProperties"] is False
        for reference in references(one):
            assert resolve(one, reference)


def test_formats_that_do_not_exist_are_not_offered(monkeypatch, capsys):
    monkeypatch.setitem(schema.FORMATS, "poem", ("harness.lanes.poetry.schema", "POEM"))
    assert main(["schema", "poem"]) == 4
    assert "invalid choice" in capsys.readouterr().err


class Documented(Frozen):
    """A model whose fields are described in three ways."""

    plain: int
    below: int
    """Described below,
    in two lines."""
    named: int = Field(description="Described by name.")
    """Not this one."""


class Inherited(Documented):
    """A model that describes a field of its own."""

    below: str
    """Described again."""


def test_a_property_has_the_docstring_below_its_field():
    found = Inherited.model_json_schema(schema_generator=schema.DocumentedSchema)["properties"]
    assert {name: entry.get("description") for name, entry in found.items()} == {
        "plain": None,
        "below": "Described again.",
        "named": "Described by name.",
    }


def test_the_schema_of_a_suite_describes_its_keys():
    for lane in Registry().lanes:
        assert "description" in schema.build_schema("suite", lane=lane)["properties"]["budget"], lane


def test_json_is_accepted_as_in_other_verbs(capsys):
    printed = []
    for more in ([], ["--json"]):
        assert main(["schema", "tool", *more]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
