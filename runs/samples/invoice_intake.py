"""The invoice intake sample: three branches at once, in OpenTelemetry's GenAI conventions (1.37
on)."""

import random
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from runs.samples.genai import SCOPE, Branch, GenAIRun, text_message
from runs.samples.invoice_steps import (
    PARSE_ERROR,
    REFUSED,
    decide,
    detect_fraud,
    extract_totals,
    match_supplier,
)
from runs.samples.schedule import DAY, HOUR, MINUTE, days_ago, scheduled_cases
from runs.samples.spans import SEED, Producer, SampleRun, dumps, uuid_of
from runs.samples.text_files import sections

PROJECT = "Invoice intake"
COUNT = 34
CHANGED = 2 * DAY + 20 * HOUR  # before now: release 1.4.0
SWISS = 4  # the invoice whose amounts release 1.4.0 cannot read: 3'470.01


class InvoiceTrouble(Enum):
    NONE, REFUSED = range(2)


class InvoiceCase(NamedTuple):
    invoice: int
    trouble: InvoiceTrouble = InvoiceTrouble.NONE


# The oldest run is the anchor: it started so long before `now`, to the microsecond.
FIRST_AGO = 7 * DAY


def invoice_runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """Yield the week's runs, those with something to find first; `times` multiplies all others."""
    special = [
        (now_us - FIRST_AGO, InvoiceCase(0)),
        (now_us - 23 * MINUTE, InvoiceCase(2)),
        (now_us - 8 * MINUTE, InvoiceCase(SWISS)),
        (days_ago(now_us, 6, 10, 44), InvoiceCase(1, InvoiceTrouble.REFUSED)),
        (days_ago(now_us, 4, 16, 2), InvoiceCase(SWISS)),
        (days_ago(now_us, 1, 11, 26), InvoiceCase(SWISS)),
        (days_ago(now_us, 1, 14, 51), InvoiceCase(3, InvoiceTrouble.REFUSED)),
        (days_ago(now_us, 2, 9, 50), InvoiceCase(SWISS)),
    ]
    cases = scheduled_cases(PROJECT, special, _random_case, now_us, COUNT, limit, times)
    for name, at_us, case in cases:
        yield intake(name, at_us, now_us, case)


def _random_case(rng: random.Random) -> InvoiceCase:
    return InvoiceCase(rng.randrange(SWISS))


def invoice_producer(version: str) -> Producer:
    resource = (
        ("deployment.environment.name", "production"),
        ("service.instance.id", uuid_of(f"{PROJECT}/{version}")),
        ("service.name", PROJECT),
        ("service.version", version),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.38.0"),
    )
    return Producer(resource, *SCOPE)


def intake(name: str, at_us: int, now_us: int, case: InvoiceCase) -> SampleRun:
    rng = random.Random(f"{SEED}/{name}")
    newer = at_us >= now_us - CHANGED
    invoice = sections("invoices.md")[case.invoice]
    run = GenAIRun(name, f"user-{rng.randrange(40, 48)}", rng)
    root = run.open_root("invoice_intake", at_us)
    root.attributes["gen_ai.input.messages"] = text_message("user", invoice.text)

    fork = Branch(run, root, at_us + rng.randrange(2_000, 9_000))
    totals, fraud, supplier = fork.fork(), fork.fork(), fork.fork()
    amounts = extract_totals(totals, invoice)
    refused = case.trouble is InvoiceTrouble.REFUSED
    score = detect_fraud(fraud, invoice, newer, refused)
    match = match_supplier(supplier, invoice)
    fork.at = max(totals.at, fraud.at, supplier.at)
    producer = invoice_producer("1.4.0" if newer else "1.3.0")
    if refused:
        return run.finish_failed(root, fork.at, *REFUSED, producer)

    unreadable = newer and case.invoice == SWISS
    _join_branches(fork, {"totals": amounts, "fraud": score, "supplier": match}, unreadable)
    if unreadable:
        return run.finish_failed(root, fork.at, *PARSE_ERROR, producer)
    decision = decide(fork, invoice, amounts, score, match)
    root.attributes["gen_ai.output.messages"] = text_message("assistant", decision)
    return run.finish(root, fork.at, producer)


def _join_branches(branch: Branch, results: dict[str, Any], unreadable: bool) -> None:
    """Add plain code between the branches and the decision; its span says nothing about itself."""
    span = branch.open("join", {"input.value": dumps(results)})
    branch.at += branch.run.rng.randrange(900, 4_000)
    if unreadable:
        branch.close(span, error=PARSE_ERROR)
    else:
        span.attributes["output.value"] = dumps(results | {"complete": True})
        branch.close(span)
