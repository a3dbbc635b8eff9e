"""The messages of the Model Context Protocol over HTTP: what a request asks, what is wrong with it,
and the form of its answer. Pure.

From revision 2026-07-28 on every request names its revision, in a header and in `_meta`; before, a
session began with `initialize`. Neither needs anything to be remembered here, so both are answered
at one address. Source: the specification at modelcontextprotocol.io, `basic/transports` of both
revisions and `basic/versioning`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MODERN = "2026-07-28"
# Those that begin with `initialize`; the newest first. Their tools are the same.
LEGACY = ("2025-11-25", "2025-06-18")
REVISIONS = (MODERN, *LEGACY)

META = "io.modelcontextprotocol/"
SERVER = {"name": "waylog", "title": "Waylog", "version": "0.1.0"}
# How long a client may keep the list of tools.
FRESH_MS = 3_600_000

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_REVISION = -32022


class McpError(Exception):
    """What is wrong with a message, in one sentence; `status` is that of the HTTP answer. Refusals
    of the transport itself (no key, another origin) have the status as their code."""

    def __init__(
        self, sentence: str, code: int, status: int = 400, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.data = data
        self.message_id: str | int | None = None


@dataclass(frozen=True, slots=True)
class McpMessage:
    """A request, or with `id` None a notification, which has no answer. `revision` is the one that
    it speaks."""

    id: str | int | None
    method: str
    params: dict[str, Any]
    revision: str

    @property
    def is_modern(self) -> bool:
        return self.revision == MODERN


def read_message(body: bytes, headers: Mapping[str, str]) -> McpMessage:
    """Return the message in the body of a POST. Raises McpError."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise McpError(f"The body is not JSON: {problem.msg}.", PARSE_ERROR) from None
    if isinstance(value, list):
        raise McpError("Send one message at a time, not a list of them.", INVALID_REQUEST)
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise McpError("The body must be an object with “jsonrpc”: “2.0”.", INVALID_REQUEST)
    message_id = value.get("id")
    if "id" in value and (isinstance(message_id, bool) or not isinstance(message_id, str | int)):
        raise McpError("“id” must be a string or an integer.", INVALID_REQUEST)
    try:
        return _checked_message(value, message_id, headers)
    except McpError as problem:
        problem.message_id = message_id
        raise


def _checked_message(
    value: dict[str, Any], message_id: str | int | None, headers: Mapping[str, str]
) -> McpMessage:
    method, params = value.get("method"), value.get("params", {})
    if not isinstance(method, str):
        raise McpError("“method” must be a string.", INVALID_REQUEST)
    if not isinstance(params, dict):
        raise McpError("“params” must be an object.", INVALID_PARAMS)
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    named = meta.get(f"{META}protocolVersion")
    revision = named or headers.get("MCP-Protocol-Version") or LEGACY[0]
    if revision not in REVISIONS:
        raise McpError(
            "This revision of the protocol is not supported.",
            UNSUPPORTED_REVISION,
            data={"supported": list(REVISIONS), "requested": str(revision)[:100]},
        )
    message = McpMessage(message_id, method, params, revision)
    if message.is_modern and message_id is not None:
        _check_metadata(message, meta, headers)
    return message


def _check_metadata(message: McpMessage, meta: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Check what every request from 2026-07-28 on must have. Raises McpError."""
    for name, kind, words in (
        ("protocolVersion", str, "a string"), ("clientCapabilities", dict, "an object"),
    ):  # fmt: skip
        if not isinstance(meta.get(META + name), kind):
            raise McpError(f"“params._meta” must have “{META}{name}”, {words}.", INVALID_PARAMS)
    expected = {"MCP-Protocol-Version": message.revision, "Mcp-Method": message.method}
    if message.method == "tools/call":
        expected["Mcp-Name"] = str(message.params.get("name"))
    for header, value in expected.items():
        if _decoded(headers.get(header, "")) != value:
            raise McpError(f"The header {header} must be “{value[:100]}”.", HEADER_MISMATCH)


def _decoded(header: str) -> str:
    """Return the value of a header, which clients encode where it is not plain ASCII."""
    if not (header.startswith("=?base64?") and header.endswith("?=")):
        return header
    try:
        return base64.b64decode(header[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return header


def answer(message: McpMessage, result: dict[str, Any]) -> dict[str, Any]:
    """Return the response with a result, in the form of the message's revision."""
    if message.is_modern:
        result = {"resultType": "complete", **result, "_meta": {f"{META}serverInfo": SERVER}}
    return {"jsonrpc": "2.0", "id": message.id, "result": result}


def error_answer(problem: McpError) -> dict[str, Any]:
    """Return the response with an error; without an id where none could be read."""
    error: dict[str, Any] = {"code": problem.code, "message": str(problem)}
    if problem.data:
        error["data"] = problem.data
    known = {} if problem.message_id is None else {"id": problem.message_id}
    return {"jsonrpc": "2.0", **known, "error": error}


def server_facts(message: McpMessage, instructions: str) -> dict[str, Any]:
    """Return the result of `server/discover`, or of `initialize` in revisions before it."""
    facts: dict[str, Any] = {"capabilities": {"tools": {}}, "instructions": instructions}
    if message.is_modern:
        return {"supportedVersions": list(REVISIONS), **facts, **cacheable()}
    requested = message.params.get("protocolVersion")
    revision = requested if requested in LEGACY else LEGACY[0]
    return {"protocolVersion": revision, "serverInfo": SERVER, **facts}


def cacheable() -> dict[str, Any]:
    """Return what a result says that is the same for every caller."""
    return {"ttlMs": FRESH_MS, "cacheScope": "public"}
