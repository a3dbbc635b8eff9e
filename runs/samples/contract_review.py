"""The contract review sample: a Dify workflow with a branch by language and an iteration over the
clauses."""

import random
from collections.abc import Iterator
from typing import Any

from runs.samples.calls import model_call
from runs.samples.contract_clauses import ContractCase, assess
from runs.samples.dify_attributes import prompt_message, version_label
from runs.samples.dify_run import DifyRun, finish
from runs.samples.schedule import DAY, HOUR, MINUTE, scheduled_cases
from runs.samples.spans import SEED, SampleRun, uuid_of
from runs.samples.text_files import Passage, sections

PROJECT = "Contract review"
COUNT = 27
LANGUAGES = {"en": "English", "de": "German", "zh": "Chinese"}
CHANGED = 3 * DAY + 4 * HOUR  # when the newer version was published, before now
SUMMARY = (
    "Summarise the assessment of a contract for somebody who decides whether to sign. Start with "
    "the most serious findings. At most 200 words, in the language of the contract."
)
TOO_LONG = (
    "[openai] Bad Request Error, Error code: 400 - {{'error': {{'message': \"This model's maximum "
    "context length is 8192 tokens. However, your messages resulted in {tokens} tokens. Please "
    "reduce the length of the messages.\", 'type': 'invalid_request_error', 'param': 'messages', "
    "'code': 'context_length_exceeded'}}}}"
)
GPT_4_CONTEXT = 8192  # tokens; why the newer version asks another model


def contract_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """Yield the week's runs, those with something to find first; `times` multiplies all others."""
    old, new = now_us - CHANGED - 9 * HOUR, now_us - CHANGED
    special = [
        (now_us - 41 * MINUTE, ContractCase("en", malformed=6)),
        (now_us - 26 * HOUR, ContractCase("de", retried=3)),
        (new + 5 * HOUR, ContractCase("en", retried=1, limited=4)),
        (old, ContractCase("en", copies=8)),
        (now_us - 12 * MINUTE, ContractCase("zh")),
    ]
    cases = scheduled_cases(PROJECT, special, _random_case, now_us, COUNT, limit, times)
    for name, at_us, case in cases:
        yield review(name, at_us, now_us, case)


def _random_case(rng: random.Random) -> ContractCase:
    language = rng.choices(list(LANGUAGES), [5, 4, 2])[0]
    happens = rng.random()
    if happens < 0.12:
        return ContractCase(language, limited=rng.randrange(5))
    return ContractCase(language, retried=rng.randrange(5) if happens < 0.35 else None)


def review(name: str, at_us: int, now_us: int, case: ContractCase) -> SampleRun:
    if at_us < now_us - CHANGED:
        case = case._replace(summarised_by="gpt-4")
    published = now_us - (CHANGED if at_us >= now_us - CHANGED else 19 * DAY + 7 * HOUR)
    rng = random.Random(f"{SEED}/{name}")
    clauses = sections(f"contract-{case.language}.md")
    title = f"contract-{case.language}-{rng.randrange(100, 999)}.pdf"
    file = {
        "dify_model_identity": "__dify__file__",
        "id": uuid_of(f"{name}/file"),
        "type": "document",
        "transfer_method": "local_file",
        "filename": title,
        "extension": ".pdf",
        "mime_type": "application/pdf",
        "size": rng.randrange(80_000, 900_000),
    }
    run = DifyRun(
        name,
        PROJECT,
        at_us,
        rng,
        version=version_label(published),
        user=f"user-{rng.randrange(3, 30)}",
        inputs={"contract": file, "party": "customer"},
        trigger="debugging" if rng.random() < 0.15 else "app-run",
    )
    text = _read_contract(run, file, clauses, case)
    assessed, error = assess(run, clauses, case)
    if error:
        return finish(run, {}, "failed", error)
    return _write_report(run, text, assessed, case)


def _read_contract(
    run: DifyRun, file: dict[str, Any], clauses: tuple[Passage, ...], case: ContractCase
) -> str:
    """Read the file into its clauses, with the checklist of its language, and return its text."""
    whole = "\n\n".join(f"{clause.heading}\n{clause.text}" for clause in clauses)
    text = "\n\n".join(
        [whole] + [f"AMENDMENT {n}, AS RESTATED\n\n{whole}" for n in range(1, case.copies)]
    )
    rng = run.rng
    run.node("start", "Start", run.inputs, run.inputs, rng.randrange(3_000, 9_000))
    run.node(
        "document-extractor",
        "Read contract",
        {"variable_selector": [file]},
        {"text": text},
        rng.randrange(400_000, 2_400_000),
    )
    _choose_checklist(run, text, clauses, case)
    run.node(
        "code",
        "Split clauses",
        {"text": text},
        {"clauses": [f"{clause.heading}\n{clause.text}" for clause in clauses]},
        rng.randrange(60_000, 180_000),
    )
    return text


def _choose_checklist(
    run: DifyRun, text: str, clauses: tuple[Passage, ...], case: ContractCase
) -> None:
    rng = run.rng
    language = LANGUAGES[case.language]
    chosen = {"en": "true", "de": "case-german", "zh": "false"}[case.language]
    run.node(
        "if-else",
        "Which language?",
        {
            "conditions": [
                {
                    "actual_value": text[:80],
                    "expected_value": "agreement",
                    "comparison_operator": "contains",
                }
            ]
        },
        {"result": case.language != "zh", "selected_case_id": chosen},
        rng.randrange(4_000, 11_000),
    )
    points = "\n".join(f"- {clause.heading}" for clause in clauses)
    run.node(
        "template-transform",
        f"{language} checklist",
        {"text": text},
        {"output": f"Checklist ({language})\n{points}"},
        rng.randrange(20_000, 60_000),
    )


def _write_report(
    run: DifyRun, text: str, assessed: list[dict[str, Any]], case: ContractCase
) -> SampleRun:
    """Add summary, report and the end; the older version's model cannot hold a long contract."""
    lines = [f"- **{item['clause']}** ({item['risk']}): {item['finding']}" for item in assessed]
    prompts = [
        prompt_message("system", SUMMARY),
        prompt_message("user", f"{text}\n\nFindings:\n" + "\n".join(lines)),
    ]
    serious = [line for line in lines if "(high)" in line] or lines[:2]
    answer = "\n".join(serious)
    call = model_call(run.rng, case.summarised_by, prompts[1]["text"], answer)
    if case.summarised_by == "gpt-4" and call.input_tokens > GPT_4_CONTEXT:
        error = TOO_LONG.format(tokens=call.input_tokens)
        run.llm("Write summary", call, prompts, "", status="failed", error=error, took_us=910_000)
        return finish(run, {}, "failed", error)
    run.llm("Write summary", call, prompts, answer)
    report = f"## Summary\n\n{answer}\n\n## All clauses\n\n" + "\n".join(lines)
    run.node(
        "template-transform",
        "Report",
        {"summary": answer, "clauses": assessed},
        {"output": report},
        run.rng.randrange(20_000, 60_000),
    )
    run.node("end", "End", {"report": report}, {"report": report}, run.rng.randrange(2_000, 6_000))
    status = "succeeded" if case.limited is None else "partial-succeeded"
    return finish(run, {"report": report}, status)
