"""OpenAPI: the description of the judge's HTTP service."""

from __future__ import annotations

from typing import Any

from harness.rewards.wire import MAX_SOURCES, VERSION, Health, JudgeRequest, JudgeResponse


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 description of the service."""
    models = (JudgeRequest, JudgeResponse, Health)
    schemas: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    schemas["Error"] = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    source = {
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {"base64": {"type": "string"}}, "required": ["base64"]},
        ]
    }
    schemas["JudgeRequest"]["properties"]["sources"] = {"type": "array", "items": source, "maxItems": MAX_SOURCES}

    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    faults = {
        "400": "not JSON",
        "401": "the bearer token is missing or wrong",
        "408": "the request is too slow",
        "413": "the request is too large",
        "422": "a field is wrong, or the tool does not exist",
        "429": "the queue is full: wait for the seconds of Retry-After",
        "503": "the judge fails",
    }
    refused = {code: {"description": why, "content": content("Error")} for code, why in faults.items()}

    def post(summary: str) -> dict[str, Any]:
        done = {"200": {"description": "verdicts in the order of the sources", "content": content("JudgeResponse")}}
        return {
            "post": {
                "summary": summary,
                "requestBody": {"required": True, "content": content("JudgeRequest")},
                "responses": done | refused,
            }
        }

    state = {"200": {"description": "the state", "content": content("Health")}, "401": refused["401"]}
    health = {"summary": "State of the service", "security": [{}, {"token": []}], "responses": state}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Crucible judge", "version": VERSION},
        "security": [{"token": []}],
        "paths": {
            "/v1/judge": post("Judge candidates"),
            "/v1/screen": post("Screen candidates: cheap verdicts, where ok means that nothing was found"),
            "/v1/health": {
                "get": {"summary": "State of the service", "security": [{}, {"token": []}], "responses": health}
            },
        },
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
