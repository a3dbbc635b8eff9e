"""Rows made by hand, for tests of pages that only read. What a producer's bytes become is tested
through the doors."""

import time
import uuid
from datetime import timedelta
from typing import Any

import orjson
from django.utils import timezone

from nodes.digests import content_digest
from nodes.models import NodeExecution, Payload
from runs.models import App, Conversation, Run, RunSource, SearchDue, Version
from runs.recording.records.payload_values import payload_location


def make_app(name: str = "support-desk", **fields: Any) -> App:
    """The app called `name`; made on first use. The slug is the name."""
    fields.setdefault("slug", name)
    return App.objects.get_or_create(name=name, defaults=fields)[0]


def make_version(app: App, number: int = 1, **fields: Any) -> Version:
    fields.setdefault("label", f"v{number}")
    return Version.objects.get_or_create(app=app, number=number, defaults=fields)[0]


def make_conversation(app: App, source_id: str = "conversation-1", **fields: Any) -> Conversation:
    fields.setdefault("last_run_at", timezone.now())
    return Conversation.objects.create(app=app, source_id=source_id, **fields)


def make_payload(app: App, value: Any) -> Payload:
    """A payload as the store would keep it: text for a string, else canonical JSON."""
    text = isinstance(value, str)
    body = value.encode() if text else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    encoding, now_us = "text" if text else "json", time.time_ns() // 1000
    return Payload.objects.get_or_create(
        id=uuid.UUID(payload_location(app.pk, now_us, "").prefix + content_digest(encoding, body)),
        defaults={
            "app": app,
            "day": timezone.now().date(),
            "encoding": encoding,
            "size": len(body),
            "body": body,
        },
    )[0]


def make_run(app: App | str = "support-desk", **fields: Any) -> Run:
    """Create a run of `app`; by default it succeeded five minutes ago after 1.5 s. `inputs` and
    `outputs` may be plain values; `source_ids` is {kind: id}."""
    app = make_app(app) if isinstance(app, str) else app
    source_ids = fields.pop("source_ids", {})
    for name in ("inputs", "outputs"):
        if name in fields and not isinstance(fields[name], Payload):
            fields[name] = make_payload(app, fields[name])
    fields.setdefault("mode", app.mode)
    fields.setdefault("status", "succeeded")
    fields.setdefault("started_at", timezone.now() - timedelta(minutes=5))
    if fields["status"] not in ("running", "paused"):
        fields.setdefault("duration_us", 1_500_000)
        if fields["duration_us"] is not None:
            lasted = timedelta(microseconds=fields["duration_us"])
            fields.setdefault("ended_at", fields["started_at"] + lasted)
    run = Run.objects.create(app=app, **fields)
    SearchDue.objects.create(run=run, started_at=run.started_at, ready_at=timezone.now())
    for kind, source_id in source_ids.items():
        RunSource.objects.create(run=run, kind=kind, source_id=source_id)
    return run


def make_execution(run: Run, title: str = "Answer", **fields: Any) -> NodeExecution:
    """Create the next execution of `run`; by default it succeeded."""
    for name in ("inputs", "outputs", "process_data", "resource"):
        if name in fields and not isinstance(fields[name], Payload):
            fields[name] = make_payload(run.app, fields[name])
    if "received" in fields:
        fields["received_body"] = orjson.dumps(fields.pop("received"))
    fields.setdefault("id", uuid.uuid4())
    fields.setdefault("source_id", fields["id"].hex[:16])
    fields.setdefault("service", run.app.name)
    fields.setdefault("kind", "llm")
    fields.setdefault("node_id", title.lower().replace(" ", "-"))
    fields.setdefault("status", "succeeded")
    fields.setdefault("started_at", run.started_at)
    fields.setdefault("duration_us", 500_000)
    fields.setdefault("index", NodeExecution.objects.filter(run=run).count())
    return NodeExecution.objects.create(run=run, app=run.app, title=title, **fields)
