"""/openapi.json: that it describes every address for machines, and that what they answer is so."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern
from jsonschema import Draft202012Validator

from nodes.models import NodeExecution
from runs import samples, urls
from runs.models import (
    App,
    Conversation,
    ErrorGroup,
    IngestKey,
    Note,
    ReceivedRequest,
    RefusedRecord,
    Rerun,
    Run,
    SavedView,
    ShareLink,
    Version,
)
from runs.pages.guide.addresses import MACHINE_SUFFIX, path_of
from runs.pages.guide.endpoints import ENDPOINTS
from tests.factories import make_execution, make_run

pytestmark = pytest.mark.django_db

SAMPLES = 4  # runs of each sample app
RUNS, STEPS = 12, 5  # that are asked for: of all apps, and steps of each run
TYPED = [
    pattern
    for pattern in urls.urlpatterns
    if isinstance(pattern, URLPattern) and path_of(pattern).endswith((".json", ".ndjson"))
]  # fmt: skip
# Their answers are files in formats that others declare.
FILES = {"runs-file", "run-file", "openapi-json"}


@pytest.fixture
def document(client: Client, read_key: str) -> Any:
    answer = client.get("/openapi.json", headers={"x-api-key": read_key})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return answer.json()


def test_it_needs_a_key_or_a_session(client: Client, console: Client, ingest_key: str) -> None:
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/openapi.json", headers={"x-api-key": ingest_key}).status_code == 403
    assert console.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_it_describes_every_address_for_machines(document: Any) -> None:
    patterns = [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]
    paths = {path_of(pattern) for pattern in patterns if MACHINE_SUFFIX.search(path_of(pattern))}
    assert {path.removeprefix("/") for path in document["paths"]} == paths
    for pattern in TYPED:
        endpoint = ENDPOINTS[pattern.name or ""]
        assert endpoint.summary and (endpoint.answer or pattern.name in FILES), pattern.name
    ids = [item["get"]["operationId"] for item in document["paths"].values()]
    assert len(ids) == len(set(ids))
    for path, item in document["paths"].items():
        placed = [
            parameter["name"]
            for parameter in item["get"]["parameters"]
            if parameter["in"] == "path"
        ]
        assert placed == re.findall(r"\{([\w-]+)\}", path), path


def test_its_schemas_are_valid_and_describe_inherited_fields(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert used <= set(schemas)
    stalled = schemas["RunDetail"]["properties"]["stalled"]
    assert stalled == schemas["Run"]["properties"]["stalled"] and stalled["description"]


def test_every_parameter_is_known_to_its_address(console: Client, admin: User) -> None:
    """An address that refuses unknown parameters takes all that the document names."""
    samples.load(limit=1)
    places = dict(_places(Run.objects.exclude(conversation=None)[0], admin))
    for pattern in TYPED:
        for parameter in ENDPOINTS[pattern.name or ""].parameters:
            value = parameter.choices[0] if parameter.choices else ""
            answer = console.get(_address(pattern, places), {parameter.name: value})
            assert answer.status_code in (200, 404), (pattern.name, parameter.name)


# -- every answer against its schema -------------------------------------------------------------


@pytest.fixture
def recorded(record: Any, admin: User) -> list[Run]:
    """Sample and recorded runs, and bare ones in each state, with all that belongs to them."""
    samples.load(limit=SAMPLES)
    for capture in ("langgraph-openinference", "dify-phoenix", "langfuse"):
        record(capture)
    for status in ("running", "paused", "failed", "stopped"):
        bare = make_run(status=status)
        make_execution(bare, kind="span", status="running", started_at=None, duration_us=None)
        make_execution(bare, orphan=True, parent_id=bare.id, parent_source_id="s0")
    by_app: dict[int, list[Run]] = {}
    for run in Run.objects.order_by("-started_at", "-id"):
        by_app.setdefault(run.app_id, []).append(run)
    runs = [
        run for group in zip(*map(_padded, by_app.values()), strict=True) for run in group if run
    ]
    for run in runs[:3]:
        Note.objects.create(run=run, name="comment", text="wrong", source="person", author="admin")
        Note.objects.create(run=run, name="score", number=0.5, label="good", source="api")
    SavedView.objects.create(owner=admin, name="mine", query="status:failed", shared=True)
    RefusedRecord.objects.create(
        request=ReceivedRequest.objects.first(), door="otlp", reason="no trace id", raw=b"{}"
    )
    return runs[:RUNS]


def _padded(runs: list[Run]) -> list[Run | None]:
    return [*runs[:SAMPLES], *[None] * (SAMPLES - len(runs))]


def _places(run: Run, admin: User) -> Iterator[tuple[str, Any]]:
    """Yield what stands in the places of addresses that lead to this run and its app."""
    yield "run_id", run.id
    yield "slug", run.app.slug
    yield "number", run.version.number if run.version else 0
    yield "conversation_id", run.conversation_id or uuid4()
    yield "group_id", run.error_group_id or uuid4()
    sources = run.producer_ids
    yield "source_id", sources[0].source_id if sources else run.id
    yield "rerun_id", Rerun.objects.create(original=run, run=run, requested_by=admin).pk
    masked = [] if run.status == "failed" else ["inputs", "errors", "costs", "notes"]
    yield "token", ShareLink.create(run, timedelta(days=1), masked, admin)[1]
    steps = NodeExecution.objects.in_run(run.id).visible()
    yield "execution_id", getattr(steps.first(), "id", uuid4())
    yield "node_id", getattr(steps.exclude(node_id="").first(), "node_id", "none")


def _address(pattern: URLPattern, places: dict[str, Any]) -> str:
    return "/" + re.sub(
        r"<(?:\w+:)?(\w+)>",
        lambda place: quote(str(places[place[1]]), safe=""),
        str(pattern.pattern),
    )


def _queries(pattern: URLPattern, places: dict[str, Any]) -> list[dict[str, str]]:
    """Return queries of the address: a plain one where it answers one, and some of each kind."""
    run = str(places["run_id"])
    if pattern.name == "run-compare-json":
        return [{"a": run, "b": str(other)} for other in (run, places["other_run"])]
    if pattern.name == "app-versions-compare-json":
        number = str(places["number"])
        return [{"a": number, "b": number}, {"a": number, "b": str(places["other_number"])}]
    if pattern.name == "run-lineage-json":
        return [{}, {"path": "/inputs"}, {"path": "/outputs"}]
    if pattern.name == "errors-json":
        return [{"state": "all"}]
    return (
        [{}, {"q": "refund"}] if pattern.name in ("runs-json", "facets-json", "sums-json") else [{}]
    )


def _strict(schema: Any) -> Any:
    """Return a schema that takes no other fields than it names: clients must bear new ones, the
    document must not miss any."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    return strict | ({"additionalProperties": False} if "properties" in schema else {})


@pytest.mark.any_database
def test_every_answer_is_as_described(
    console: Client, admin: User, document: Any, recorded: list[Run]
) -> None:
    components = {"components": _strict(document["components"])}
    answered: dict[str, int] = {}
    other = recorded[0]
    for run in recorded:
        places = dict(_places(run, admin))
        versions = run.app.versions.order_by("number")
        places["other_number"] = getattr(versions.first(), "number", 0)
        places["other_run"] = other.id
        steps = NodeExecution.objects.in_run(run.id).visible().order_by("kind", "index")
        for number, step in enumerate([None, *_of_each_kind(steps)]):
            here = places | ({"execution_id": step.id, "node_id": step.node_id} if step else {})
            for pattern in TYPED:
                name, of_step = pattern.name or "", {"execution_id", "node_id"}
                if name in FILES or (number and not of_step & pattern.pattern.converters.keys()):
                    continue
                if not here["node_id"] and "node_id" in pattern.pattern.converters:
                    continue
                validator = _validator(document, components, path_of(pattern))
                for query in _queries(pattern, here):
                    answer = console.get(_address(pattern, here), query)
                    if answer.status_code == 404:
                        continue
                    assert answer.status_code == 200, (pattern.name, answer.content)
                    for value in _values(answer):
                        wrong = next(validator.iter_errors(value), None)
                        assert wrong is None, (answer.request["PATH_INFO"], str(wrong)[:3000])
                    answered[name] = answered.get(name, 0) + 1
        other = run
    assert answered.keys() == {pattern.name for pattern in TYPED} - FILES
    assert ErrorGroup.objects.exists() and Conversation.objects.exists()
    assert Version.objects.exists() and App.objects.count() > 5


def _of_each_kind(steps: Any) -> list[NodeExecution]:
    kinds: dict[str, NodeExecution] = {}
    for step in steps:
        kinds.setdefault(step.kind, step)
    return list(kinds.values())[:STEPS]


def _validator(document: Any, components: Any, path: str) -> Draft202012Validator:
    [media] = document["paths"][f"/{path}"]["get"]["responses"]["200"]["content"].values()
    return Draft202012Validator({**(media.get("x-itemSchema") or media["schema"]), **components})


def _values(answer: Any) -> list[Any]:
    """Return what an answer holds: its JSON, or each line of it."""
    if answer.streaming:
        return [json.loads(line) for line in answer.getvalue().splitlines()]
    return [answer.json()]


def test_a_refusal_is_as_described(client: Client, document: Any) -> None:
    validator = Draft202012Validator(document["components"]["schemas"]["Error"])
    key = IngestKey.create("reader", can_read=True)[1]
    refused = [client.get("/runs.json"), client.get("/runs.json", headers={"x-api-key": "wrong"})]
    for address in ("/runs.json?nothing=1", f"/runs/{uuid4()}.json"):
        refused.append(client.get(address, headers={"x-api-key": key}))
    assert [answer.status_code for answer in refused] == [401, 401, 400, 404]
    for answer in refused:
        validator.validate(answer.json())
