"""What Dify traces beside a turn: its own trace, joined to the turn by the ids in its metadata."""

from typing import Any

from runs.samples.dify_attributes import producer
from runs.samples.dify_run import JSON_TYPE, DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import OK, SampleRun, SampleSpan, dumps, span_id, trace_id


def suggested_questions(run: DifyRun, questions: list[str]) -> SampleRun:
    """The questions that the chat window offers after the answer; sent like a second trace."""
    name = f"{run.name}/suggested"
    trace = trace_id(name)
    start = run.at + 60_000
    end = start + run.rng.randrange(700_000, 1_900_000)
    root = SampleSpan(
        "Dify",
        trace,
        span_id(f"{name}/root"),
        b"",
        end + 2 * SECOND,
        end + 2 * SECOND + 90,
        {
            "openinference.span.kind": "CHAIN",
            "dify_project_name": run.project,
            "dify_trace_id": run.message,
        },
        status=(OK, ""),
    )
    span = SampleSpan(
        "suggested_question",
        trace,
        span_id(f"{name}/span"),
        root.id,
        start,
        end,
        {
            "openinference.span.kind": "TOOL",
            "input.value": dumps(run.query),
            "input.mime_type": JSON_TYPE,
            "output.value": dumps(questions),
            "output.mime_type": JSON_TYPE,
            "metadata": dumps(_metadata(run)),
        },
        status=(OK, ""),
    )
    return SampleRun(producer(run.project), [root, span])


def _metadata(run: DifyRun) -> dict[str, Any]:
    return {
        "message_id": run.message,
        "ls_provider": "openai",
        "ls_model_name": "gpt-4o-mini",
        "status": "normal",
        "status_message": "",
        "from_account_id": "",
        "agent_based": False,
        "workflow_run_id": run.run_id,
        "from_source": "api",
        "created_from": "Dify",
        "trace_id": "",
        "level": "DEFAULT",
        "trace_entity_type": "suggested_question",
        "total_tokens": 0,
        "model_provider": "",
        "model_id": "",
    }
