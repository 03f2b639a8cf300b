"""tests/sandbox/openapi.json against a sandbox that runs. The routes are compared in Rust."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from parallel_account_sandbox import AccountSandbox

DOCUMENT = json.loads((Path(__file__).parents[1] / "sandbox/openapi.json").read_text())
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
# What a verdict is on is free, as it comes from runners in every language.
BODIES = {
    name: operation["requestBody"]["content"]["application/json"]["schema"]
    for name, (_, _, operation) in OPERATIONS.items()
    if "requestBody" in operation and name != "verdict"
}


def send(sandbox: AccountSandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(sandbox.control_url + path, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def check(schema: dict[str, Any], value: Any) -> None:
    """Against a schema of the document, whose references are into the document."""
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_a_validator_accepts_it() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_a_sandbox_answers_it(parallel_sandbox: AccountSandbox) -> None:
    assert parallel_sandbox.control("GET", "/openapi.json") == DOCUMENT


def names_in(problem: str) -> set[str]:
    """``unknown field `_`, expected one of `a`, `b` ``."""
    unknown, _, expected = problem.partition("expected")
    assert "unknown field" in unknown, problem
    return set(re.findall("`(.*?)`", expected))


@pytest.mark.parametrize("name", BODIES)
def test_fields_of_bodies(parallel_sandbox: AccountSandbox, name: str) -> None:
    method, path, _ = OPERATIONS[name]
    schema = resolved(BODIES[name])
    status, answer = send(parallel_sandbox, method, path, {"_": 0})
    assert status == 400
    # A port cannot be changed.
    assert names_in(answer["error"]) - {"port"} == set(schema["properties"])
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", BODIES)
def test_required_fields_of_bodies(parallel_sandbox: AccountSandbox, name: str) -> None:
    method, path, _ = OPERATIONS[name]
    status, answer = send(parallel_sandbox, method, path, {})
    missing = re.findall("missing field `(.*?)`", str(answer.get("error")))
    required = resolved(BODIES[name]).get("required", [])
    assert missing == required[:1], answer
    assert status == 400 or not required


@pytest.mark.parametrize("name", BODIES)
def test_types_of_fields(parallel_sandbox: AccountSandbox, name: str) -> None:
    method, path, _ = OPERATIONS[name]
    schema = resolved(BODIES[name])
    # What scenarios are made of is told by their runners.
    fields = {} if name == "startScenario" else schema["properties"]
    example = {"route": "*", "app_name": "x"}
    whole = {field: example[field] for field in schema.get("required", []) if field in example}
    for field, kind in fields.items():
        if not kind.keys() & {"type", "enum"}:
            continue
        wrong = {**whole, field: 7 if kind.get("type") in ("string", "boolean") else "seven"}
        status, answer = send(parallel_sandbox, method, path, wrong)
        assert (status, field) == (400, field), answer
        assert re.search("invalid type|unknown variant", answer["error"]), answer
        with pytest.raises(Exception, match=r"7|seven"):
            check(schema, wrong)


def test_parameters(parallel_sandbox: AccountSandbox) -> None:
    for method, path, operation in OPERATIONS.values():
        parameters = operation.get("parameters", [])
        assert all(f"{{{it['name']}}}" in path for it in parameters if it["in"] == "path")
        query = {it["name"] for it in parameters if it["in"] == "query"}
        if query:
            status, answer = send(parallel_sandbox, method, f"{path}?_=0")
            assert status == 400
            assert names_in(answer["error"]) == query


def test_answers(parallel_sandbox: AccountSandbox) -> None:
    """Every operation with a world in which nothing is empty; its answer is as described."""
    sandbox, asked = parallel_sandbox, set()

    def ask(name: str, body: Any = None, **path: Any) -> Any:
        method, template, operation = OPERATIONS[name]
        status, answer = send(sandbox, method, template.format(**path), body)
        assert status == 200, answer
        content = operation["responses"]["200"]["content"]
        check(content["application/json"]["schema"], answer)
        asked.add(name)
        return answer

    with sandbox.logged_in_client() as client:
        client.keys.create(sandbox.create_app("app"), "key")
        client.balance.add(100)
        for decide in ("approve", "deny", "expireDeviceCode"):
            login = client.start_login()
            ask(decide, {"user_code": login.user_code})
        for name in ("health", "openapi", "deviceCodes", "organizations", "keys", "counts"):
            ask(name)
        received = ask("requests")["requests"]
        assert any(it["form"] for it in received)
        assert any(it["json"] for it in received)
    ask("fault", {"route": "page"})
    ask(
        "fault", {"route": "page", "status": 500, "headers": {"a": "b"}, "body": [1], "reset": None}
    )
    assert len(ask("faults")["faults"]) == 2
    ask("clearFaults")
    ask("setOrganization", {"org_id": "org_sandbox", "org_name": "New"})
    ask("createApp", {"app_name": "other"})
    ask("deleteKeys", {})
    ask("deleteApp", {"app_name": "other"})
    ask("setOptions", {"interval": 2, "approve_after": None})
    ask("expireAccessTokens", {})
    ask("revoke", {})
    scenario = {"name": "x", "why": "y", "server": [], "client": [{"call": "status"}]}
    number = ask("startScenario", scenario)["id"]
    ask("verdict", {"results": [], "stored": None}, id=number)
    ask("reset")
    assert asked == set(OPERATIONS)


def test_refusals(parallel_sandbox: AccountSandbox) -> None:
    for path, body, status in (
        ("/approve", {"user_code": "nobody"}, 404),
        ("/delete-app", {}, 400),
        ("/faults", {"route": "*", "status": 99}, 400),
        ("/options", {"port": 1}, 400),
    ):
        found, answer = send(parallel_sandbox, "POST", path, body)
        operation = DOCUMENT["paths"][path]["post"]
        described = resolved(operation["responses"][str(status)])["content"]
        assert found == status
        check(described["application/json"]["schema"], answer)
