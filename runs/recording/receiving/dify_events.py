"""The endpoint for Dify's event streams: `POST /api/dify/events?app=NAME`."""

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
    """Record a streaming response of Dify's, SSE or NDJSON, while it is produced or afterwards:
    each event is stored as it arrives. Sent again, from the start or from where it broke off, it
    gives the same run. Sent as application/json, it may also be a blocking reply."""
    reader = StreamReader(RunRequest(_app_name(incoming)))

    def store(decoded: Decoded) -> ingest.IngestResult:
        return ingest.store_decoded(decoded, incoming.sender, KIND)

    is_json = incoming.content_type == JSON
    recorder = StreamRecorder(BlockingReply(reader) if is_json else reader, store)
    try:
        for part in incoming.parts():
            recorder.put(part)
    finally:
        recorder.close()
        incoming.result = recorder.result()
    result = incoming.result
    if not reader.events:
        raise Refusal(400, result.reason or "The body has no events.")
    return JsonResponse(
        {
            "runs": sorted(map(str, result.runs)),
            "events": reader.events,
            "refused": [refused.reason for refused in result.refused],
        }
    )


def _app_name(incoming: IncomingRequest) -> str:
    """Return the name of the app: that of the key, else as the sender names it."""
    if bound := incoming.sender.app:
        return bound.name
    name = clean(incoming.request.GET.get("app", "").strip(), 200)
    if not name:
        raise Refusal(400, "Name the app: /api/dify/events?app=NAME.")
    return name
