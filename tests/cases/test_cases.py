"""Situations that people of this field reported, and recordings of a real Dify: each is posted as
its producer sends it, and everything that its key says must be on the pages and in the twins."""

import contextlib
import io
import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from tests.cases.console import CaseConsole
from tests.cases.facts import why_false

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/*/case.json"))
# Facts that do not hold, by case and number, with the reason.
OPEN = json.loads((FOLDER / "open.json").read_text())
LETTERS = re.compile(rb"@@LETTERS:(\d+)@@")
# Days after the cases were recorded, so that no page tells how many hours ago that was.
NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
QUIET = timedelta(hours=1)

# Event streams are recorded on threads with connections of their own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_console_says_what_happened(
    folder: Path, console: Client, ingest_key: str, read_key: str, tmp_path: Path
) -> None:
    case = json.loads((folder / "case.json").read_text())
    with time_machine.travel(NOW):
        responses = [send(folder, request, ingest_key, tmp_path) for request in case["requests"]]
    now, later = CaseConsole(console, read_key), CaseConsole(console, read_key)
    false = {}
    for number, fact in enumerate(case["facts"]):
        quiet = bool(fact.get("after_quiet"))
        with time_machine.travel(NOW + QUIET * quiet):
            reason = why_false(fact, later if quiet else now, responses)
        if reason:
            false[str(number)] = f"{json.dumps(fact, ensure_ascii=False)}: {reason}"
    known = OPEN.get(f"{folder.parent.name}/{folder.name}", {})
    unexpected = [text for number, text in false.items() if number not in known]
    assert not unexpected, "\n".join([case["expect"], *unexpected])
    assert not known.keys() - false.keys(), "facts that hold now are still listed in open.json"


def send(folder: Path, request: dict[str, Any], ingest_key: str, tmp_path: Path) -> tuple[int, str]:
    """Post a request of a case, or run its command, and return status and text of the answer. A
    command that refuses counts as a 400."""
    if "command" in request:
        return run_command(folder, request["command"], tmp_path)
    if "basic" in request:
        credentials = b64encode(f"{request['basic']}:{ingest_key}".encode()).decode()
        headers = {"authorization": f"Basic {credentials}"}
    else:
        headers = {"authorization": f"Bearer {ingest_key}"}
    response = Client().generic(
        request["method"],
        request["path"],
        request_body(folder / request["file"]),
        content_type=request["type"],
        headers=headers,
    )
    return response.status_code, response.content.decode()


def run_command(folder: Path, arguments: list[str], tmp_path: Path) -> tuple[int, str]:
    for name in (argument[1:] for argument in arguments if argument.startswith("@")):
        (tmp_path / name).write_bytes(request_body(folder / name))
    output = io.StringIO()
    with contextlib.chdir(tmp_path):
        try:
            call_command(*[argument.removeprefix("@") for argument in arguments], stdout=output)
        except CommandError as error:
            return 400, f"{output.getvalue()}{error}"
    return 200, output.getvalue()


def request_body(path: Path) -> bytes:
    """Return the body in the file, with `@@LETTERS:n@@` written out as n letters."""
    sentence = b"The kiln is hot. "
    return LETTERS.sub(
        lambda match: (sentence * (int(match[1]) // len(sentence) + 1))[: int(match[1])],
        path.read_bytes(),
    )
