"""A shared run for its page and its machine twin: the same whitelist for both."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.choices import CostState
from runs.json.values import decimal_text, iso_time
from runs.pages.share.parts import FIELDS, SharedStep, SharedValue
from runs.pages.share.public_view import Shared


def head_of(shared: Shared) -> dict[str, Any]:
    """The run without its values and steps."""
    run, hidden = shared.run, shared.hidden
    version = run.version.short if run.version else ""
    return {
        "app": shared.text(run.app.name),
        "name": shared.text(run.name),
        "version": shared.text(version),
        "status": run.status,
        "status_label": run.get_status_display(),
        "stalled": run.stalled,
        "started_at": run.started_at,
        "finished_at": run.ended_at,
        "duration_us": run.duration_us,
        "error": shared.error(run.error),
        "failed_step": str(run.failed_execution) if run.failed_execution else None,
        "failed_title": shared.text(run.failed_title),
        "tokens": {
            "input": run.input_tokens,
            "output": run.output_tokens,
            "total": run.total_tokens,
        },
        "cost": None
        if "costs" in hidden or run.cost_state == CostState.FREE
        else {"amount": run.cost, "currency": run.cost_currency, "state": run.cost_state},
        "api_calls": {"model": run.model_calls, "tool": run.tool_calls, "http": run.http_calls},
        "steps": run.steps,
        "iterations": run.iterations,
        "retries": run.retries,
        "user": "" if "user" in hidden else shared.text(run.user),
        "trigger": shared.text(run.trigger),
        "environment": shared.text(run.environment),
        "tags": [shared.text(str(tag)) for tag in run.tags],
        "masked": [name for name in FIELDS if name in hidden],
        "expires_at": shared.link.expires_at,
    }


def run_json(shared: Shared, rows: list[SharedStep], following: str | None) -> dict[str, Any]:
    """As `/runs/<id>.json` and `tracing.json` tell it, as far as it is shown."""
    told = {name: written(value) for name, value in head_of(shared).items()}
    told |= {"inputs": value_json(shared.inputs), "outputs": value_json(shared.outputs)}
    if "notes" not in shared.hidden:
        told["notes"] = [
            {"name": note.name, "value": note.value or None, "text": note.text or None,
             "author": note.author or None}
            for note in shared.notes()
        ]  # fmt: skip
    return told | {"executions": [step_json(row) for row in rows], "next": following}


def step_json(step: SharedStep) -> dict[str, Any]:
    told = {
        "id": step.id,
        "depth": step.level,
        "index": step.index,
        "kind": step.kind.key,
        "title": step.title,
        "status": step.status,
        "iteration": step.iteration,
        "attempt": step.attempt,
        "taken": step.taken,
        "started_at": step.started_at,
        "duration_us": step.duration_us,
        "tokens": {
            "input": step.input_tokens,
            "output": step.output_tokens,
            "total": step.total_tokens,
        },
        "cost": None if step.cost is None else {"amount": step.cost, "currency": step.currency},
        "model": step.model,
        "provider": step.provider,
        "error": step.error,
        "error_type": step.error_type,
    }
    return {name: written(value) for name, value in told.items()} | {
        value.name: value_json(value) for value in step.values
    }


def value_json(value: SharedValue) -> Any:
    """The value; {"left_out": why} where it is not shown; null where there is none."""
    if value.state == "none":
        return None
    return value.told if value.state == "shown" else {"left_out": value.state}


def written(value: Any) -> Any:
    """As JSON writes it; what is absent is null."""
    if isinstance(value, dict):
        return {name: written(inner) for name, inner in value.items()}
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    return None if value == "" else value
