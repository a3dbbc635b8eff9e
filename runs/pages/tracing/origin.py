"""Where a step ran, if not where its run did."""

from dataclasses import dataclass
from typing import Any

from nodes.content.payloads import load_value
from nodes.digests import digest_of
from nodes.models import NodeExecution
from runs.models import Run

HOST = ("host.name", "k8s.pod.name", "host.id")  # attributes of a resource


@dataclass(frozen=True, slots=True)
class StepOrigin:
    """The service and the host of a step; "" where they are those of the run."""

    service: str
    host: str


def step_origin(run: Run, execution: NodeExecution) -> StepOrigin:
    """Return the origin of a step that was loaded with its payloads. Up to two queries, none where
    no resource was sent."""
    own = _resource_of(execution)
    service = str(own.get("service.name") or execution.service)
    if service == run.app.name:
        service = ""
    return StepOrigin(service, _other_host(execution, own) if own else "")


def _other_host(execution: NodeExecution, own: dict[str, Any]) -> str:
    steps = NodeExecution.objects.in_run(execution.run_id).exclude(resource=None)
    top = steps.order_by("depth", "-folded", "index")
    top_id = top.values_list("resource_id", flat=True).first()
    if top_id is None or digest_of(top_id.hex) == digest_of(str(execution.resource_id)):
        return ""
    first = top.select_related("resource").first()
    host = _host_of(own)
    return "" if first is None or host == _host_of(_resource_of(first)) else host


def _resource_of(execution: NodeExecution) -> dict[str, Any]:
    value = load_value(execution.resource) if execution.resource else None
    return value if isinstance(value, dict) else {}


def _host_of(resource: dict[str, Any]) -> str:
    return next((str(resource[name]) for name in HOST if resource.get(name)), "")
