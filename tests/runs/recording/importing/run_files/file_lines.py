"""Run files as tests send and read them through the console."""

import csv
import io
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

Send = Callable[..., list[Any]]


def body(client: Client, url: str, **more: Any) -> bytes:
    response = client.get(url, **more)
    assert response.status_code == 200, (url, response.content[:300])
    return b"".join(response)


def rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def upload(client: Client, content: bytes, name: str = "runs.ndjson") -> Any:
    return client.post("/runs/import/", {"file": SimpleUploadedFile(name, content)})
