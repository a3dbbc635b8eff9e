"""Langfuse's REST endpoints, as its clients use them."""

import base64
from typing import Any

import pytest
from django.test import Client

from runs.models import App, IngestKey, Note, RefusedRecord, Run
from runs.recording.decoding import langfuse_rest
from tests.runs.recording.decoding.langfuse_events import (
    CHAT_EVENTS,
    END,
    START,
    TRACE,
    langfuse_event,
)


def sign(secret: str, public: str = "shop-bot") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{public}:{secret}".encode()).decode()}


def send(client: Client, secret: str, batch: Any, public: str = "shop-bot") -> Any:
    return client.post(
        "/api/public/ingestion",
        {"batch": batch, "metadata": {"sdk_name": "python"}},
        content_type="application/json",
        headers=sign(secret, public),
    )


def recorded_run(client: Client, key: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {key}"}
    run = client.get(f"/runs/by/{TRACE}.json", headers=headers).json()
    steps = client.get(f"/runs/{run['id']}/tracing.json", headers=headers).json()["executions"]
    return run, steps


def test_a_trace_with_its_observations_is_a_run(
    client: Client, ingest_key: str, read_key: str
) -> None:
    answer = send(client, ingest_key, CHAT_EVENTS)
    assert answer.status_code == 207
    assert answer.json() == {
        "successes": [{"id": str(n), "status": 201} for n in range(1, 7)],
        "errors": [],
    }
    run, steps = recorded_run(client, read_key)
    assert run["app"]["name"] == "shop-bot"
    assert (run["status"], run["duration_us"]) == ("succeeded", 2_500_000)
    assert (run["user"], run["conversation"]["source_id"], run["tags"]) == ("u-1", "s-1", ["web"])
    assert run["version"]["label"] == "1.4"
    assert run["inputs"] == {"question": "Where is my order?"}
    assert run["outputs"] == "On its way."
    assert run["tokens"]["total"] == 17
    assert [(s["title"], s["kind"], s["status"], s["depth"]) for s in steps] == [
        ("look up", "span", "succeeded", 0),
        ("answer", "llm", "succeeded", 1),
    ]
    note = Note.objects.get()
    assert (str(note.run_id), note.name, note.number, note.text) == (
        run["id"], "quality", 0.9, "good",
    )  # fmt: skip


@pytest.mark.parametrize("order", [list(reversed(range(6))), [3, 0, 5, 2, 4, 1, 3, 0]])
def test_order_and_repetition_do_not_matter(
    client: Client, ingest_key: str, read_key: str, order: list[int]
) -> None:
    for place in order:
        assert send(client, ingest_key, [CHAT_EVENTS[place]]).status_code == 207
    run, steps = recorded_run(client, read_key)
    assert run["app"]["name"] == "shop-bot"
    assert (run["status"], run["steps"], run["outputs"]) == ("succeeded", 2, "On its way.")
    assert [step["title"] for step in steps] == ["look up", "answer"]
    assert Note.objects.get().run_id is not None


def test_a_bad_event_is_answered_for_itself(client: Client, ingest_key: str) -> None:
    bad = [
        langfuse_event("span-create", {"name": "nameless"}, "b1"),
        "nonsense",
        langfuse_event("odd-thing", {}, "b"),
    ]
    answer = send(client, ingest_key, [*bad, *CHAT_EVENTS])
    assert answer.status_code == 207
    assert [error["status"] for error in answer.json()["errors"]] == [400, 400, 400]
    assert len(answer.json()["successes"]) == 6
    assert RefusedRecord.objects.count() == 3
    assert Run.objects.get().steps == 2


def test_an_unfinished_observation_is_running(client: Client, ingest_key: str) -> None:
    send(client, ingest_key, CHAT_EVENTS[:2])
    assert Run.objects.get().status == "running"


def test_a_failed_observation_fails_the_run(client: Client, ingest_key: str, read_key: str) -> None:
    failed = {"id": "o9", "traceId": TRACE, "name": "pay", "startTime": START, "endTime": END,
              "level": "ERROR", "statusMessage": "card declined"}  # fmt: skip
    send(client, ingest_key, [CHAT_EVENTS[0], langfuse_event("span-create", failed)])
    run, _ = recorded_run(client, read_key)
    assert (run["status"], run["error"]) == ("failed", "card declined")
    assert run["failed_node"]["title"] == "pay"


def test_without_a_name_for_the_app_the_trace_names_it(client: Client, ingest_key: str) -> None:
    send(client, ingest_key, CHAT_EVENTS, public="pk-lf-1234")
    assert App.objects.get(runs__isnull=False).name == "support"


def test_a_bound_key_names_the_app(client: Client, db: None) -> None:
    app = App.objects.create(name="The shop", slug="shop")
    secret = IngestKey.create("bound", app=app)[1]
    send(client, secret, CHAT_EVENTS)
    assert Run.objects.get().app == app
    assert Note.objects.get().run == Run.objects.get()


def test_scores_by_their_own_endpoint(client: Client, ingest_key: str) -> None:
    send(client, ingest_key, CHAT_EVENTS[:5])
    score = {"traceId": TRACE, "name": "thumbs", "value": "up", "observationId": "o2"}
    answer = client.post(
        "/api/public/scores", score, content_type="application/json", headers=sign(ingest_key)
    )
    assert answer.status_code == 200
    assert answer.json()["id"]
    note = Note.objects.get()
    assert (note.label, note.about_step, note.run) == ("up", "o2", Run.objects.get())


def test_a_score_of_a_session_is_kept_under_its_id(client: Client, ingest_key: str) -> None:
    score = {"sessionId": "session-3", "name": "helpful", "value": 1}
    answer = client.post(
        "/api/public/scores", score, content_type="application/json", headers=sign(ingest_key)
    )
    assert answer.status_code == 200
    note = Note.objects.get()
    assert (note.about, note.name, note.number, note.run) == ("session-3", "helpful", 1.0, None)


def test_a_score_that_is_a_text_is_kept_whole(client: Client, ingest_key: str) -> None:
    score = {"traceId": TRACE, "name": "critique", "value": "w" * 400, "dataType": "TEXT",
            "comment": "by judge-2"}  # fmt: skip
    client.post(
        "/api/public/scores", score, content_type="application/json", headers=sign(ingest_key)
    )
    note = Note.objects.get()
    assert (note.label, note.text) == ("", "w" * 400 + "\n\nby judge-2")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b" ", 400),
        (b"{", 400),
        (b"[]", 207),
        (b'{"batch": 7}', 400),
        (b'{"batch": []}', 207),
        (b'\xff\xfe{"batch"', 400),
    ],
)
def test_bad_bodies_get_one_sentence(
    client: Client, ingest_key: str, body: bytes, status: int
) -> None:
    answer = client.post(
        "/api/public/ingestion", body, content_type="application/json", headers=sign(ingest_key)
    )
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize("score", [{}, {"traceId": ""}, [], ["x"], "text", None])
def test_bad_scores_get_one_sentence(client: Client, ingest_key: str, score: Any) -> None:
    answer = client.post(
        "/api/public/scores", score, content_type="application/json", headers=sign(ingest_key)
    )
    assert answer.status_code == 400
    assert Note.objects.count() == 0


def test_clients_check_their_keys(client: Client, ingest_key: str) -> None:
    assert client.get("/api/public/health").json()["status"] == "OK"
    assert client.get("/api/public/projects").status_code == 401
    project = client.get("/api/public/projects", headers=sign(ingest_key)).json()["data"][0]
    assert (project["id"], project["name"]) == ("shop-bot", "shop-bot")
    assert {"organization", "metadata"} <= project.keys()


def test_links_of_the_clients_lead_to_the_pages(console: Client, ingest_key: str) -> None:
    send(console, ingest_key, CHAT_EVENTS)
    run = Run.objects.get()
    for url in (f"/trace/{TRACE}/", f"/project/shop-bot/traces/{TRACE}/"):
        assert console.get(url).headers["Location"] == run.get_absolute_url()
    assert console.get("/project/shop-bot/").headers["Location"] == "/apps/shop-bot/"
    assert console.get("/project/unknown/").status_code == 404


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2026-11-20T10:00:00Z", 1_795_168_800_000_000),
        ("2026-11-20T12:00:00.000001+02:00", 1_795_168_800_000_001),
        ("2026-11-20T10:00:00", 1_795_168_800_000_000),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (17, None),
        (None, None),
    ],
)
def test_times(text: Any, us: int | None) -> None:
    assert langfuse_rest.iso_microseconds(text) == us


def test_spans_that_name_no_app_belong_to_the_one_of_the_key(
    client: Client, ingest_key: str, bodies: Any
) -> None:
    """The capture's resource is an unknown service."""
    for body in bodies("langfuse"):
        answer = client.post(
            "/api/public/otel/v1/traces", body, content_type="application/x-protobuf",
            headers=sign(ingest_key),
        )  # fmt: skip
        assert answer.status_code == 200
    assert set(App.objects.values_list("name", flat=True)) == {"shop-bot"}
