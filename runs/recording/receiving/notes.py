"""The door for notes: scores, labels and texts that a program gives runs and steps."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from runs.models import Note
from runs.recording.decoding.note_payload import BadNote, read_notes
from runs.recording.receiving.endpoint import JSON, endpoint
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.records import request_body
from runs.recording.records.json_text import NotJson, parse_json
from runs.recording.storing import notes
from runs.recording.storing.ingest import IngestResult


@endpoint(JSON)
def create_notes(incoming: IncomingRequest) -> HttpResponse:
    """`POST /api/notes`: one note, or a list of them. Answers {"notes": [{"id", "run"}…],
    "waiting"}, in the order sent; `run` is null as long as the run has not arrived."""
    try:
        found = read_notes(_json(incoming))
    except BadNote as problem:
        raise Refusal(400, str(problem)) from None
    scope = incoming.key.app_id or 0 if incoming.key else 0
    notes.save(found, scope)
    ids = [notes.note_id(record, scope) for record in found]
    runs = dict(Note.objects.filter(pk__in=ids).values_list("pk", "run_id"))
    incoming.result = IngestResult(records=len(found), runs=frozenset(filter(None, runs.values())))
    told = [{"id": str(id_), "run": _text(runs.get(id_))} for id_ in ids]
    return JsonResponse({"notes": told, "waiting": sum(one["run"] is None for one in told)})


def _text(value: object) -> str | None:
    return str(value) if value else None


def _json(incoming: IncomingRequest) -> Any:
    try:
        return parse_json(incoming.body)
    except NotJson as problem:
        raise request_body.UnreadableBody(f"The body is not JSON: {problem}.") from None
