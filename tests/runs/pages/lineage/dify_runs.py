"""Parts of runs as Dify's database has them, and the JSON of their lineage and variables."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from nodes.models import NodeExecution
from runs.models import Run


def get_json(console: Client, name: str, *ids: Any, query: str = "") -> dict[str, Any]:
    response = console.get(reverse(name, args=ids) + query)
    assert response.status_code == 200, response.content
    return dict(response.json())


def lineage_json(console: Client, step: NodeExecution, path: str = "") -> dict[str, Any]:
    query = f"?path={path}" if path else ""
    return get_json(console, "run-lineage-json", step.run_id, step.id, query=query)


def variables_json(console: Client, run: Run) -> dict[str, Any]:
    listed = get_json(console, "run-variables-json", run.id)["variables"]
    return {variable["name"]: variable for variable in listed}


def times_at(run: Run, second: float) -> dict[str, Any]:
    start = run.started_at + timedelta(seconds=second)
    return {"started_at": start, "ended_at": start + timedelta(milliseconds=500)}


def assigner_log(**values: Any) -> dict[str, Any]:
    listed = [{"selector": ["conversation", name], "new_value": v} for name, v in values.items()]
    return {**values, "__updated_variables": listed}


def graph(*nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"nodes": [{"id": name, "kind": config["type"], "title": name, "config": config}
                      for name, config in nodes], "edges": []}  # fmt: skip
