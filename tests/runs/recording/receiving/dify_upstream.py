"""A small Dify API to stand behind the proxy."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from runs.recording.decoding.dify_stream.api_calls import RUN_REQUEST_PATH


@dataclass
class Answer:
    """What it answers: `parts` one after the other, each when the test lets it `go`."""

    parts: list[bytes]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    go: threading.Semaphore | None = None
    breaks_off: bool = False


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def problem_of(seen: Seen) -> str:
    """Why Dify's service API would not take a request for a run; "" where it would."""
    payload, path = seen.json, seen.path.removeprefix("/v1/")
    if not isinstance(payload.get("inputs"), dict):
        return "inputs: Input should be a valid dictionary"
    if not payload.get("user"):
        return "Arg user must be provided."
    if payload.get("response_mode") not in ("blocking", "streaming"):
        return "response_mode: Input should be 'blocking' or 'streaming'"
    for file in payload.get("files", []):
        if not any(file.get(name) for name in ("upload_file_id", "tool_file_id", "url")):
            return "Invalid file"
    if path == "chat-messages":
        if not payload.get("query"):
            return "query is required"
        try:
            UUID(payload.get("conversation_id") or UUID(int=0).hex)
        except ValueError:
            return "conversation_id must be a valid UUID"
    return ""


class Upstream:
    """`strict`: it refuses what Dify would refuse."""

    def __init__(self) -> None:
        self.strict = False
        self.answers: list[Answer] = []
        self.seen: list[Seen] = []
        self.done = threading.Semaphore(0)  # an answer has been sent to its end
        self.url = ""

    def will_answer(self, *parts: bytes, **options: Any) -> Answer:
        answer = Answer(list(parts), **options)
        self.answers.append(answer)
        return answer

    def answer_to(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        answer = self.answers.pop(0)
        problem = problem_of(seen) if self.strict and RUN_REQUEST_PATH.search(seen.path) else ""
        if not problem:
            return answer
        error = {"code": "invalid_param", "message": problem, "status": 400}
        return Answer([json.dumps(error).encode()], 400, "application/json")

    def handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self) -> None:
                seen = Seen(self.command, self.path, dict(self.headers), self.body())
                answer = upstream.answer_to(seen)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Transfer-Encoding", "chunked")
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for part in answer.parts:
                    if answer.go:
                        answer.go.acquire(timeout=30)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                    self.wfile.flush()
                self.close_connection = answer.breaks_off
                if not answer.breaks_off:
                    self.wfile.write(b"0\r\n\r\n")
                upstream.done.release()

            def body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

        return Handler


@contextmanager
def running() -> Iterator[Upstream]:
    upstream = Upstream()
    server = ThreadingHTTPServer(("127.0.0.1", 0), upstream.handler())
    server.daemon_threads = True
    upstream.url = f"http://127.0.0.1:{server.server_port}/v1"
    # RunRequest every 10 ms whether it shall end: half a second each would be minutes of the suite.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
