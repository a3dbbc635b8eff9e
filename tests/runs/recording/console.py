"""Read what was recorded through the JSON of the console."""

from typing import Any

from django.test import Client


class Console:
    """The console as a machine reads it: the JSON of its pages, with a key that may read."""

    def __init__(self, key: str) -> None:
        self.key = key

    def get(self, path: str) -> Any:
        response = Client().get(path, headers={"x-api-key": self.key})
        assert response.status_code == 200, (path, response.status_code, response.content[:300])
        return response.json()

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, oldest first."""
        return self.get("/runs.json")["runs"][::-1]

    def steps(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        return self.get(f"/runs/{run['id']}/tracing.json")["executions"]

    def step(self, run: dict[str, Any], title: str, nth: int = 0) -> dict[str, Any]:
        """Return the detail of the nth execution with that title."""
        steps = [step for step in self.steps(run) if step["title"] == title]
        return self.get(f"/runs/{run['id']}/tracing/{steps[nth]['id']}.json")


def titles_and_passes(steps: list[dict[str, Any]]) -> list[tuple[str, int, list[int]]]:
    """Return the rows of TRACING as (title, depth, passes of the containers around it)."""
    return [(step["title"], step["depth"], step["iteration"]) for step in steps]
