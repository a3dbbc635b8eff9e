"""The door for Dify's event streams: `POST /api/dify/events?app=NAME`."""

from django.http import HttpResponse, JsonResponse

from runs.recording.decoding.dify_stream.api_calls import BlockingReply
from runs.recording.decoding.dify_stream.stream_event import RunRequest
from runs.recording.decoding.dify_stream.stream_reader import StreamReader
from runs.recording.receiving.endpoint import JSON, endpoint
from runs.recording.receiving.live_stream import StreamRecorder
from runs.recording.receiving.request import IncomingRequest, Refusal
from runs.recording.records.payload_values import clean
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest

KIND = "events"


@endpoint(stream=True)
def events(incoming: IncomingRequest) -> HttpResponse:
    """A streaming response of Dify's, SSE or NDJSON, while it is produced or afterwards: each event
    is stored as it arrives. Sent again, from the start or from where it broke off, it gives the
    same run. As application/json also a blocking reply."""
    reader = StreamReader(RunRequest(_service(incoming)))

    def keep(found: Decoded) -> ingest.IngestResult:
        return ingest.store_decoded(found, incoming.sender, KIND)

    is_json = incoming.content_type == JSON
    recording = StreamRecorder(BlockingReply(reader) if is_json else reader, keep)
    try:
        for part in incoming.parts():
            recording.put(part)
    finally:
        recording.close()
        incoming.result = recording.result()
    taken = incoming.result
    if not reader.events:
        raise Refusal(400, taken.reason or "The body holds no event.")
    return JsonResponse(
        {
            "runs": sorted(map(str, taken.runs)),
            "events": reader.events,
            "refused": [refused.reason for refused in taken.refused],
        }
    )


def _service(incoming: IncomingRequest) -> str:
    """The app: that of the key, else as the sender names it."""
    if bound := incoming.sender.app:
        return bound.name
    name = clean(incoming.request.GET.get("app", "").strip(), 200)
    if not name:
        raise Refusal(400, "Name the app: /api/dify/events?app=NAME.")
    return name
