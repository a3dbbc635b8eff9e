"""Records an answer of Dify's that Waylog asked for itself, while it arrives."""

from collections.abc import Callable
from urllib.parse import urlencode

import httpx2
from django.urls import reverse

from runs.recording.decoding.dify_stream.api_calls import RunAnswer
from runs.recording.receiving.live_stream import StreamRecorder
from runs.recording.records.record import Decoded
from runs.recording.storing import ingest
from runs.recording.storing.inbox import Sender

BROKEN = "Dify's answer ended early."


def record_answer(
    response: httpx2.Response,
    answer: RunAnswer,
    app_name: str,
    kind: str,
    stored: Callable[[ingest.IngestResult], None],
) -> str:
    """Record the answer of the app called `app_name` to its end; `stored` is called after each part
    that was stored. Return what went wrong, in a sentence; "" for nothing."""
    # What is refused of it can be sent again where events are received.
    endpoint = f"{reverse('dify-events')}?{urlencode({'app': app_name})}"
    sender = Sender(endpoint, user_agent=kind, content_type="text/event-stream")

    def store(decoded: Decoded) -> ingest.IngestResult:
        result = ingest.store_decoded(decoded, sender, kind)
        stored(result)
        return result

    recorder, problem = StreamRecorder(answer, store, patient=True), BROKEN
    try:
        for part in response.iter_raw():
            recorder.put(part)
        problem = ""
    except httpx2.HTTPError:
        pass
    finally:
        recorder.close(problem)
    recorder.result()
    return problem
