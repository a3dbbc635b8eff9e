"""Reach the console as the facts of a case need it: twins with a key, pages as a person."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from django.test import Client


class Unavailable(Exception):
    """Say that what a fact is about is not there."""


class CaseConsole:
    """Fetch twins and pages once each: facts are judged after everything has arrived."""

    def __init__(self, person: Client, read_key: str) -> None:
        self.person = person
        self.machine = Client(headers={"authorization": f"Bearer {read_key}"})
        self._responses: dict[tuple[str, str], str] = {}

    def text(self, path: str) -> str:
        """Return the body of the twin or file at `path`."""
        return self._fetch("twin", path, self.machine)

    def json(self, path: str) -> Any:
        return json.loads(self.text(path))

    def page(self, path: str) -> str:
        return self._fetch("page", path, self.person)

    def panel(self, path: str) -> str:
        """Return the side panel at `path`, as htmx asks for it."""
        headers = {"HX-Request": "true", "HX-Target": "side"}
        return self._fetch("panel", path, self.person, headers)

    def has_run(self, source_id: str) -> bool:
        return self.machine.get(_run_path(source_id)).status_code != 404

    def run(self, source_id: str) -> dict[str, Any]:
        """Return the twin of the run that has this id at its producer."""
        twin: dict[str, Any] = self.json(_run_path(source_id))
        return twin

    def steps(self, source_id: str) -> list[dict[str, Any]]:
        return list(self._steps(f"/runs/{self.run(source_id)['id']}/tracing.json"))

    def _steps(self, path: str | None) -> Iterator[dict[str, Any]]:
        while path:
            page = self.json(path)
            yield from page["executions"]
            path = page.get("next")
            if path:
                address = urlsplit(path)
                path = f"{address.path}?{address.query}"

    def _fetch(
        self, kind: str, path: str, client: Client, headers: dict[str, str] | None = None
    ) -> str:
        if (kind, path) not in self._responses:
            response = client.get(path, headers=headers)
            if response.status_code != 200:
                raise Unavailable(f"GET {path} answers {response.status_code}")
            self._responses[kind, path] = (
                b"".join(response) if response.streaming else response.content
            ).decode("utf-8", "replace")
        return self._responses[kind, path]


def _run_path(source_id: str) -> str:
    return f"/runs/by/{quote(source_id, safe='')}.json"
