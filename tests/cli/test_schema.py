"""JSON Schemas."""

from __future__ import annotations

import json

import pytest

from harness.cli import main, schema
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
