"""The endpoint for notes: scores, labels and texts that a program gives runs and steps."""

from django.http import HttpResponse, JsonResponse

from runs.models import Note
from runs.recording.decoding.note_payload import BadNote, read_notes
from runs.recording.receiving.endpoint import JSON, endpoint
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.storing import notes
from runs.recording.storing.ingest import IngestResult


@endpoint(JSON)
def create_notes(incoming: IncomingRequest) -> HttpResponse:
    """Answer `POST /api/notes`: one note, or a list of them, with {"notes": [{"id", "run"}…],
    "waiting"} in the order sent; `run` is null as long as the run has not arrived."""
    try:
        records = read_notes(incoming.json())
    except BadNote as problem:
        raise Refusal(400, str(problem)) from None
    scope = incoming.key.app_id or 0 if incoming.key else 0
    notes.save(records, scope)
    ids = [notes.note_id(record, scope) for record in records]
    runs = dict(Note.objects.filter(pk__in=ids).values_list("pk", "run_id"))
    incoming.result = IngestResult(
        records=len(records), runs=frozenset(filter(None, runs.values()))
    )
    answers = [{"id": str(id_), "run": _text_or_none(runs.get(id_))} for id_ in ids]
    waiting = sum(answer["run"] is None for answer in answers)
    return JsonResponse({"notes": answers, "waiting": waiting})


def _text_or_none(value: object) -> str | None:
    return str(value) if value else None
