"""The door for Dify's event streams: `POST /api/dify/events?app=NAME`."""

from django.http import HttpResponse, JsonResponse

from runs.recording.decoding.dify_stream.event import Asked
from runs.recording.decoding.dify_stream.reader import Reader
from runs.recording.decoding.dify_stream.replies import Reply
from runs.recording.receiving.endpoint import JSON, Arrival, Refusal, door
from runs.recording.receiving.live_stream import Recording
from runs.recording.records.payload_values import clean
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest

KIND = "events"


@door(stream=True)
def events(arrival: Arrival) -> HttpResponse:
    """A streaming response of Dify's, SSE or NDJSON, while it is produced or afterwards: each event
    is stored as it arrives. Sent again, from the start or from where it broke off, it gives the
    same run. As application/json also a blocking reply."""
    reader = Reader(Asked(_service(arrival)))

    def keep(found: Decoded) -> ingest.Taken:
        return ingest.keep(found, arrival.sender, KIND)

    is_json = arrival.content_type == JSON
    recording = Recording(Reply(reader) if is_json else reader, keep)
    try:
        for part in arrival.parts():
            recording.put(part)
    finally:
        recording.close()
        arrival.taken = recording.result()
    taken = arrival.taken
    if not reader.events:
        raise Refusal(400, taken.reason or "The body holds no event.")
    return JsonResponse(
        {
            "runs": sorted(map(str, taken.runs)),
            "events": reader.events,
            "refused": [refused.reason for refused in taken.refused],
        }
    )


def _service(arrival: Arrival) -> str:
    """The app: that of the key, else as the sender names it."""
    if bound := arrival.sender.app:
        return bound.name
    name = clean(arrival.request.GET.get("app", "").strip(), 200)
    if not name:
        raise Refusal(400, "Name the app: /api/dify/events?app=NAME.")
    return name
