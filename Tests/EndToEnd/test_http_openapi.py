"""The description of the API that is served: each of its paths is asked, and each answer is what it says."""

import json
import re
import time

import jsonschema
import pytest
from conftest import MODEL, ROOT
from crims_client import Client, Dealer
from http_client import Web

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def served(start_daemon, connect, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    daemon = start_daemon("--http", "127.0.0.1:*", "--http-token-file", str(token), "--http-rate", "0")
    client = connect(Client, daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="r", participants=[{"name": "a"}, {"name": "b"}])
    client.open(model=MODEL, start="2020-01-06", run="s")
    client.step(run="s", seq=0, count=30, format="none", adjust=[{"factor": 0.5, "areas": ["E02001347"]}])
    web = Web(daemon)
    yield web, daemon
    web.end()


# What stands in for a parameter, and the answers that it has to have.
VALUES = {"model": MODEL, "run": "s", "adjustment": "a1", "from": "2020-01-06", "to": "2020-01-07",
          "by": "area,category,hour", "seq": "2", "count": "3", "areas": "E02001347", "categories": "burglary",
          "after": "27", "force": "merseyside", "month": "2", "year": "2021", "seed": "5"}  # fmt: skip


FORMATS = {"steps": ["json", "csv", "columns", "counts", "none"], "data": ["json", "csv"]}


def schema_of(document, schema):
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def resolve(document, part):
    while "$ref" in part:
        place = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        part = place
    return part


def check(document, operation, answer):
    """An answer against what is said of its status and its type."""
    responses = operation["responses"]
    assert str(answer.status) in responses, (operation["operationId"], answer.status, answer.body[:200])
    response = resolve(document, responses[str(answer.status)])
    if "content" not in response:
        assert answer.body == b""
        return
    type_ = answer.headers["Content-Type"]
    assert type_ in response["content"], (operation["operationId"], type_)
    if type_ == "application/json":
        said = json.loads(answer.body)
        if "data" in said:
            # A year of incidents takes a minute to be checked.
            said["data"] = said["data"][:100] + said["data"][-100:]
        schema_of(document, response["content"][type_]["schema"]).validate(said)


def requests(document):
    """Each operation with all of its parameters, and again with those alone that it needs; `steps` in each format."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parameters = [resolve(document, part) for part in operation.get("parameters", [])]
            required = [part for part in parameters if part.get("required")]
            for chosen in (required, parameters):
                address, query = path, []
                for part in chosen:
                    name = part["name"]
                    if part["in"] == "path":
                        address = address.replace("{" + name + "}", VALUES[name])
                    elif part["in"] == "query" and name != "format":
                        query.append(f"{name}={VALUES[name]}")
                formats = FORMATS.get(operation["operationId"], [None])
                for format_ in formats:
                    words = query + ([f"format={format_}"] if format_ else [])
                    yield method.upper(), address + ("?" + "&".join(words) if words else ""), operation


def test_all_that_is_described_is_so(served):
    web, _ = served
    document = web.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1.")
    seen = set()
    for method, address, operation in requests(document):
        if operation["operationId"] == "events":
            continue
        headers = {}
        body = None
        if method in ("POST", "DELETE"):
            check(document, operation, web.send(method, address))
            headers = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
            body = json.dumps({"factor": 0.5, "categories": ["burglary"], "key": "k"}) if method == "POST" else None
            if body:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                schema_of(document, schema).validate(json.loads(body))
        answer = web.send(method, address, body, **headers)
        assert answer.status in (200, 201), (address, answer.body)
        check(document, operation, answer)
        wrong = web.send(method, address + ("&" if "?" in address else "?") + "nonsense=1", body, **headers)
        assert wrong.status == 400
        check(document, operation, wrong)
        seen.add(operation["operationId"])
    assert len(seen) == len(list(document["paths"])), "one path has two operations, and events are elsewhere"


def test_what_is_refused_is_described_as_well(served):
    web, _ = served
    document = web.get("/api/v1/openapi.json").json
    for path, address in {
        "/data": "/data?force=x&month=7", "/map": "/map?force=merseyside&month=13",
        "/api/v1/models/{model}": "/api/v1/models/x", "/api/v1/runs/{run}": "/api/v1/runs/x",
        "/api/v1/runs/{run}/steps": "/api/v1/runs/s/steps?seq=99",
        "/api/v1/runs/{run}/events": "/api/v1/runs/s/events?after=99",
        "/api/v1/runs/{run}/rates": "/api/v1/runs/s/rates?from=x&to=y",
    }.items():  # fmt: skip
        answer = web.get(address)
        assert answer.status >= 400
        check(document, document["paths"][path]["get"], answer)
    answer = web.send("GET", "/api/v1/status", Host="evil.example")
    assert answer.status == 421
    check(document, document["paths"]["/api/v1/status"]["get"], answer)


def test_a_run_that_waits_is_as_described(served, connect):
    web, daemon = served
    dealer = connect(Dealer, daemon.control)
    dealer.send("step", run="r", seq=0, participant="a")
    while not web.get("/api/v1/runs/r").json["waiting_for"]:
        time.sleep(0.01)
    document = web.get("/api/v1/openapi.json").json
    check(document, document["paths"]["/api/v1/runs/{run}"]["get"], web.get("/api/v1/runs/r"))


def test_the_description_is_of_what_the_server_knows(served):
    """Every path that the manual's table has is described, and the other way round."""
    manual = (ROOT / "docs" / "http.md").read_text()
    table = manual.split("## Paths")[1].split("\n## ")[0]
    told = set(re.findall(r"`(?:GET |POST |DELETE )?(/(?:api|healthz|readyz|metrics|data|map)[^`?]*)[`?]", table))
    document = served[0].get("/api/v1/openapi.json").json
    names = {"{model}": "MODEL", "{run}": "RUN", "{adjustment}": "ID"}
    described = set()
    for path in document["paths"]:
        for name, word in names.items():
            path = path.replace(name, word)
        described.add(path)
    assert told == described
