"""Requests to a Dify API: where a request goes, and which headers travel with it.

A proxy forwards what it gets: no redirect is followed, no cookie kept, no proxy or password taken
from the environment. That is what the transport of httpx2 does, below its client.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import quote

import httpx2
from django.http import HttpRequest

from runs.recording.receiving.upstream_address import problem_of

# Dify ends a workflow after 1,200 seconds, unless configured otherwise; a blocking reply is silent
# until then. Streams send a ping every ten.
SECONDS = {"connect": 10.0, "read": 1260.0, "write": 60.0, "pool": 10.0}
PIECE = 65_536

# Headers of one connection (RFC 9110, 7.6.1), and those that the next one makes anew.
HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    }
)  # fmt: skip
# Of the request: what is Waylog's own (its sessions and keys), and what only a proxy in front sets.
NOT_SENT = HOP | {"host", "cookie", "content-length", "x-api-key", "api-key", "forwarded"}
# Of the answer: what would act on Waylog's own pages, which share its address.
NOT_RETURNED = HOP | {
    "set-cookie", "server", "strict-transport-security", "alt-svc", "clear-site-data",
    "content-security-policy", "service-worker-allowed",
}  # fmt: skip


class UpstreamUnreachable(Exception):
    """Dify gave no answer; `status` is what a gateway says then."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def target(base: str, path: str, query: str) -> httpx2.URL | None:
    """Return the address below `base` (an app's `upstream_url`). None for a path that might lead
    anywhere else, and for a base that is no web address."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or not part.isprintable() for part in parts):
        return None
    if problem_of(base):
        return None
    try:
        url = httpx2.URL(base)
    except httpx2.InvalidURL:
        return None
    raw = url.raw_path.partition(b"?")[0].rstrip(b"/")
    raw += b"/" + "/".join(quote(part, safe="") for part in parts).encode()
    if query:
        raw += b"?" + quote(query, safe="=&%+/?:@!$'()*,;~-._").encode()
    return url.copy_with(raw_path=raw)


def sent_headers(request: HttpRequest, plain: bool) -> list[tuple[bytes, bytes]]:
    """Return the headers that are forwarded. `plain`: the answer will be read here, too, so that it
    must not be compressed."""
    dropped = NOT_SENT | _header_names(request.headers.get("Connection", ""))
    kept = [
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in dropped and not name.lower().startswith("x-forwarded-")
    ]
    if plain:
        kept = [(name, value) for name, value in kept if name.lower() != "accept-encoding"]
        kept.append(("Accept-Encoding", "identity"))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept if value]


def own_headers(key: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request of Waylog's own, with the app's `key`; "" for none."""
    headers = [(b"Accept-Encoding", b"identity")]  # the answer is read here
    return [(b"Authorization", f"Bearer {key}".encode()), *headers] if key else headers


def returned_headers(response: httpx2.Response) -> dict[str, str]:
    """Return the headers of the answer that go back."""
    dropped = NOT_RETURNED | _header_names(response.headers.get("connection", ""))
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        if name not in dropped:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _header_names(connection: str) -> set[str]:
    return {name.strip().lower() for name in connection.split(",") if name.strip()}


def body_of(request: HttpRequest) -> tuple[Iterator[bytes] | None, list[tuple[bytes, bytes]]]:
    """Return the body in pieces, and the header with its length. None for no body."""
    length = request.headers.get("Content-Length") or ""
    if length.isdecimal():
        if not int(length):
            return None, []
        return _body_pieces(request), [(b"Content-Length", length.encode())]
    if "Transfer-Encoding" in request.headers:
        return _body_pieces(request.META["wsgi.input"]), []
    return None, []


def _body_pieces(source: HttpRequest) -> Iterator[bytes]:
    while part := source.read(PIECE):
        yield part


def send_request(
    method: str,
    url: httpx2.URL,
    headers: list[tuple[bytes, bytes]],
    content: bytes | Iterable[bytes] | None,
    silent_seconds: float | None = None,
) -> httpx2.Response:
    """Return the answer, as soon as its headers are there. `silent_seconds`: how long it may be
    silent, if not as long as a run. Raises UpstreamUnreachable."""
    seconds = SECONDS if silent_seconds is None else {**SECONDS, "read": silent_seconds}
    request = httpx2.Request(
        method, url, headers=headers, content=content, extensions={"timeout": seconds}
    )
    try:
        return _transport().handle_request(request)
    except httpx2.TimeoutException:
        raise UpstreamUnreachable(504, "Dify did not answer in time.") from None
    except (httpx2.TransportError, httpx2.InvalidURL) as problem:
        raise UpstreamUnreachable(502, f"Dify could not be reached{_cause_of(problem)}.") from None


def _cause_of(problem: BaseException) -> str:
    """Return why a connection failed: the part of the sentence after "could not be reached"."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f": there is no secure connection ({cause.reason or 'TLS error'})"
        if isinstance(cause, socket.gaierror):
            return ": its host is not known"
        if isinstance(cause, ConnectionRefusedError):
            return ": nothing listens at its address"
        cause = cause.__cause__ or cause.__context__
    return f" ({type(problem).__name__})"


@cache
def _transport() -> httpx2.HTTPTransport:
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=20, keepalive_expiry=5)
    return httpx2.HTTPTransport(trust_env=False, limits=limits)
