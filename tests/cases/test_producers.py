"""Real producers, recorded with settings alone: what their programs did is what the console says.

`tests/captures/producers/` has the bodies that unmodified producers sent, in order of sending, with
method, path and content type, and `expected.json` with what happened. Facts that do not hold are
listed in `open-producers.json`, by capture, trace and fact, with the reason.
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from runs.models import IngestKey
from tests.cases.producers import MODEL_KINDS, RunReading, false_facts
from tests.conftest import CAPTURES

FOLDER = CAPTURES / "producers"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
# Capture → trace → fact → reason.
OPEN: dict[str, dict[str, dict[str, str]]] = json.loads(
    (Path(__file__).parent / "open-producers.json").read_text()
)
KEYS = [
    pytest.param(name, key, id=f"{name}-{key['trace_id'][:8]}")
    for name, capture in EXPECTED.items()
    for key in capture["runs"]
]

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(scope="module")
def readings(django_db_setup: None, django_db_blocker: Any) -> dict[str, dict[str, RunReading]]:
    """Return what has been read of each capture, by trace. Every capture is posted once."""
    with django_db_blocker.unblock():
        return {name: _recorded(name) for name in EXPECTED}


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_the_run_is_what_the_program_did(
    readings: dict[str, dict[str, RunReading]], name: str, key: dict[str, Any]
) -> None:
    false = false_facts(key, readings[name].get(key["trace_id"]))
    known = OPEN.get(name, {}).get(key["trace_id"], {})
    assert {fact: shown for fact, shown in false.items() if fact not in known} == {}
    assert not known.keys() - false.keys(), "facts that hold now are still listed as open"


def _recorded(name: str) -> dict[str, RunReading]:
    """Post a capture, read what came of it, and take it back."""
    with transaction.atomic():
        ingest = IngestKey.create("ingest", can_ingest=True, can_read=False)[1]
        read = IngestKey.create("read", can_ingest=False, can_read=True)[1]
        for body in sorted(FOLDER.glob(f"{name}-[0-9][0-9].bin")):
            _post(body, ingest, EXPECTED[name]["app_candidates"][0])
        readings = _read_runs(EXPECTED[name], read)
        transaction.set_rollback(True)
    return readings


def _post(body: Path, key: str, app: str) -> None:
    sent = json.loads(body.with_suffix(".headers.json").read_text())
    credentials = b64encode(f"{app}:{key}".encode()).decode()
    Client().generic(
        sent["method"],
        sent["path"],
        body.read_bytes(),
        content_type=sent["headers"]["content-type"],
        headers={"authorization": f"Basic {credentials}"},
    )


def _read_runs(capture: dict[str, Any], key: str) -> dict[str, RunReading]:
    client = Client(headers={"x-api-key": key})
    listed = {run["id"] for run in client.get("/runs.json").json()["runs"]}
    own = {it["trace_id"] for it in capture["runs"] if not it.get("not_a_run")}
    readings: dict[str, RunReading] = {}
    for trace in (it["trace_id"] for it in capture["runs"]):
        answer = client.get(f"/runs/by/{trace}.json", follow=True)
        if answer.status_code == 404:
            continue
        run = answer.json()
        steps = client.get(f"/runs/{run['id']}/tracing.json").json()["executions"]
        calls = [
            client.get(f"/runs/{run['id']}/tracing/{step['id']}.json").json()
            for step in steps
            if step["kind"] in MODEL_KINDS
        ]
        readings[trace] = RunReading(run, steps, calls, capture, True, readings.get)
    shown = {readings[trace].run["id"] for trace in own if trace in readings}
    for trace, reading in readings.items():
        id_ = reading.run["id"]
        reading.listed = id_ in listed and (trace in own or id_ not in shown)
    return readings
