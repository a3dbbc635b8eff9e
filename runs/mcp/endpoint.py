"""`POST /mcp`: checks the sender, and answers each message of the Model Context Protocol by itself
as JSON. No session is kept and no stream opened, as the protocol allows a server that sends nothing
on its own."""

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from runs.access import MAY_NOT_READ, UNKNOWN_KEY, key_from, presented_secret
from runs.mcp.messages import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    McpError,
    McpMessage,
    answer,
    cacheable,
    error_answer,
    read_message,
    server_facts,
)
from runs.mcp.tools import INSTRUCTIONS, TOOLS, call_tool
from runs.mcp.twins import TwinReader
from runs.recording.receiving.endpoint import JSON, refusal_for
from runs.recording.receiving.request import IncomingRequest

NO_KEY = "Send a key with read scope as “Authorization: Bearer <key>”."
MAX_BODY = 262_144  # bytes; arguments of tools are short


@csrf_exempt  # no cookie counts here
@login_not_required
@require_POST
def mcp(request: HttpRequest) -> HttpResponse:
    try:
        _check_origin(request)
        _check_read_key(request)
        message = read_message(_body(request), request.headers)
    except McpError as problem:
        return _refusal(problem)
    if message.id is None:
        return HttpResponse(status=202)
    try:
        return _json(answer(message, _result(message, request)))
    except McpError as problem:
        problem.message_id = message.id
        return _refusal(problem)


def _refusal(problem: McpError) -> HttpResponse:
    response = _json(error_answer(problem), problem.status)
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="waylog"'
    return response


def _json(value: object, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(value), status=status, content_type=JSON)


def _check_origin(request: HttpRequest) -> None:
    """Refuse pages of other sites, which may have been given this server's address."""
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin and origin not in (own, *settings.CSRF_TRUSTED_ORIGINS):
        raise McpError("Pages of other sites may not call this server.", 403, 403)


def _check_read_key(request: HttpRequest) -> None:
    """Refuse without a key that may read. Each tool then reads with this key."""
    key = key_from(request)
    if key is None:
        raise McpError(UNKNOWN_KEY if presented_secret(request) else NO_KEY, 401, 401)
    if not key.can_read:
        raise McpError(MAY_NOT_READ, 403, 403)


def _body(request: HttpRequest) -> bytes:
    if request.content_type != JSON:
        raise McpError(f"The content type must be {JSON}.", 415, 415)
    incoming = IncomingRequest(request)
    try:
        incoming.read()
    except Exception as problem:
        refusal = refusal_for(problem)
        if refusal is None:
            raise
        raise McpError(str(refusal), refusal.status, refusal.status) from None
    if incoming.size > MAX_BODY:
        raise McpError(f"The body is larger than {MAX_BODY // 1024} KB.", 413, 413)
    return incoming.body


def _result(message: McpMessage, request: HttpRequest) -> dict[str, object]:
    """Return the result of a request. Raises McpError."""
    match message.method:
        case "server/discover" if message.is_modern:
            return server_facts(message, INSTRUCTIONS)
        case "initialize" if not message.is_modern:
            return server_facts(message, INSTRUCTIONS)
        case "ping" if not message.is_modern:
            return {}
        case "tools/list":
            listed: dict[str, object] = {"tools": [tool.declaration() for tool in TOOLS.values()]}
            return listed | (cacheable() if message.is_modern else {})
        case "tools/call":
            return _call(message, request)
    sentence = f"There is no method “{message.method[:60]}”."
    raise McpError(sentence, METHOD_NOT_FOUND, 404 if message.is_modern else 200)


def _call(message: McpMessage, request: HttpRequest) -> dict[str, object]:
    name, arguments = message.params.get("name"), message.params.get("arguments", {})
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        names = ", ".join(TOOLS)
        raise McpError(
            f"There is no tool “{str(name)[:60]}”; there are {names}.", INVALID_PARAMS, 200
        )
    if not isinstance(arguments, dict):
        raise McpError("“arguments” must be an object.", INVALID_PARAMS, 200)
    return call_tool(tool, arguments, TwinReader(request))
