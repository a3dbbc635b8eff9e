"""The iteration of the contract review sample: a model assesses each clause, and code reads its
answer."""

import json
from typing import Any, NamedTuple

from runs.samples.calls import ModelCall, model_call
from runs.samples.dify_attributes import prompt_message
from runs.samples.dify_iteration import iteration_node, single_iteration
from runs.samples.dify_run import DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import dumps
from runs.samples.text_files import Passage

INSTRUCTIONS = (
    "You review contracts for the customer's side. Assess one clause. Answer with one JSON object "
    'with the keys "clause", "risk" (low, medium or high), "quote", "finding" and "suggestion", in '
    "the language of the contract. No text before or after it."
)
RATE_LIMIT = (
    "[openai] Rate Limit Error, Error code: 429 - {'error': {'message': 'Rate limit reached for "
    "gpt-4o-mini in organization org-*** on tokens per min (TPM): Limit 200000, Used 198420, "
    "Requested 2118. Please try again in 161ms.', 'type': 'tokens', 'param': None, 'code': "
    "'rate_limit_exceeded'}}"
)
OVERLOADED = (
    "[openai] Server Unavailable Error, Error code: 503 - The engine is currently overloaded"
)
BROKEN_AT = 811  # where the malformed answer stops being JSON


class ContractCase(NamedTuple):
    """What happens in one run. `retried` and `limited` are the iterations with a failed attempt
    that was tried again, and with a rate limit that a default value covered; in `malformed` the
    model's answer is no JSON."""

    language: str
    retried: int | None = None
    limited: int | None = None
    malformed: int | None = None
    copies: int = 1  # how often the contract is restated in amendments
    summarised_by: str = "claude-sonnet-4-5"


def assess(
    run: DifyRun, clauses: tuple[Passage, ...], case: ContractCase
) -> tuple[list[dict[str, Any]], str]:
    """Add the iteration node, and return what each iteration assessed, and the error that ended
    it, or ""."""
    items = [f"{clause.heading}\n{clause.text}" for clause in clauses]
    assessed: list[dict[str, Any]] = []
    with iteration_node(run, "Each clause", {"iterator_selector": items}) as node:
        for index, clause in enumerate(clauses):
            with single_iteration(run, index, node):
                assessment, error = _assess_clause(run, index, clause, case)
            if error:
                node.error = error
                return assessed, error
            assessed.append(assessment)
        node.outputs = {"output": assessed}
    return assessed, ""


def _assess_clause(
    run: DifyRun, index: int, clause: Passage, case: ContractCase
) -> tuple[dict[str, Any], str]:
    prompts = [
        prompt_message("system", INSTRUCTIONS),
        prompt_message("user", f"{clause.heading}\n{clause.text}"),
    ]
    answer = assessment_json(clause)
    if index == case.malformed:
        answer = malformed_json(clause)
    call = model_call(run.rng, "gpt-4o-mini", INSTRUCTIONS + clause.text, answer)
    if index == case.retried:
        run.llm(
            "Assess clause",
            call,
            prompts,
            "",
            status="retry",
            error=OVERLOADED,
            took_us=run.rng.randrange(1, 3) * SECOND,
        )
        run.at += SECOND  # the pause before the next attempt
    if index == case.limited:
        answer = _answer_by_default_value(run, call, prompts, clause)
    else:
        run.llm("Assess clause", call, prompts, answer)
    return _read_answer(run, answer)


def _answer_by_default_value(
    run: DifyRun, call: ModelCall, prompts: list[dict[str, Any]], clause: Passage
) -> str:
    """Add a call that ends in a rate limit, and return the default value that the node has for
    such a case."""
    answer = dumps({"clause": clause.heading, "risk": "unknown", "finding": "not assessed"})
    run.llm(
        "Assess clause",
        call,
        prompts,
        "",
        outputs={
            "text": answer,
            "error_message": RATE_LIMIT,
            "error_type": "InvokeRateLimitError",
        },
        status="exception",
        error=RATE_LIMIT,
        took_us=640_000,
        metadata={"error_strategy": "default-value"},
    )
    return answer


def _read_answer(run: DifyRun, answer: str) -> tuple[dict[str, Any], str]:
    """Add the code node that reads the model's answer, and return what it would really give: the
    object, and the error or ""."""
    took_us = run.rng.randrange(40_000, 120_000)
    try:
        assessment = json.loads(answer)
    except json.JSONDecodeError as wrong:
        error = f"JSONDecodeError: {wrong}"
        run.node(
            "code", "Read answer", {"answer": answer}, {}, took_us, status="failed", error=error
        )
        return {}, error
    run.node("code", "Read answer", {"answer": answer}, {"result": assessment}, took_us)
    return assessment, ""


def assessment_json(clause: Passage) -> str:
    return dumps(
        {
            "clause": clause.heading,
            "risk": clause.fields["risk"],
            "quote": clause.text[-160:],
            "finding": clause.fields["finding"],
            "suggestion": clause.fields["suggestion"],
        }
    )


def malformed_json(clause: Passage) -> str:
    """Return an answer whose finding quotes the clause without escaping the quotation marks."""
    before = f'{{"clause": "{clause.heading}", "risk": "medium", "quote": "'
    between = '", "finding": "The wording "'
    quote = clause.text[: BROKEN_AT - len(before) - len(between)]
    return (
        f'{before}{quote}{between}typical and foreseeable" leaves it to the courts what is owed."}}'
    )
