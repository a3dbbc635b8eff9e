"""Invoice intake: three branches at once, told in OpenTelemetry's GenAI conventions (1.37 on)."""

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
from runs.samples.schedule import DAY, HOUR, MINUTE, days_ago, week
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


def runs(now_us: int, limit: int | None = None, times: int = 1) -> Iterator[SampleRun]:
    """The week's runs; the telling ones come first. `times`: of all others so many times as
    many."""
    rng = random.Random(f"{SEED}/{PROJECT}")
    told = [
        (now_us - FIRST_AGO, InvoiceCase(0)),
        (now_us - 23 * MINUTE, InvoiceCase(2)),
        (now_us - 8 * MINUTE, InvoiceCase(SWISS)),
        (days_ago(now_us, 6, 10, 44), InvoiceCase(1, InvoiceTrouble.REFUSED)),
        (days_ago(now_us, 4, 16, 2), InvoiceCase(SWISS)),
        (days_ago(now_us, 1, 11, 26), InvoiceCase(SWISS)),
        (days_ago(now_us, 1, 14, 51), InvoiceCase(3, InvoiceTrouble.REFUSED)),
        (days_ago(now_us, 2, 9, 50), InvoiceCase(SWISS)),
    ]
    plain = [(at, InvoiceCase(rng.randrange(SWISS))) for at in week(now_us, COUNT - len(told), rng)]
    plain += [
        (at, InvoiceCase(rng.randrange(SWISS))) for at in week(now_us, COUNT * (times - 1), rng)
    ]
    for number, (at_us, case) in enumerate([*told, *plain][:limit]):
        yield intake(f"{PROJECT}/{number}", at_us, now_us, case)


def producer(version: str) -> Producer:
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
    whole = run.whole("invoice_intake", at_us)
    whole.attributes["gen_ai.input.messages"] = text_message("user", invoice.text)

    fork = Branch(run, whole, at_us + rng.randrange(2_000, 9_000))
    totals, fraud, supplier = fork.fork(), fork.fork(), fork.fork()
    amounts = extract_totals(totals, invoice)
    refused = case.trouble is InvoiceTrouble.REFUSED
    score = detect_fraud(fraud, invoice, newer, refused)
    match = match_supplier(supplier, invoice)
    fork.at = max(totals.at, fraud.at, supplier.at)
    producer_of = producer("1.4.0" if newer else "1.3.0")
    if refused:
        return run.failed(whole, fork.at, *REFUSED, producer_of)

    unreadable = newer and case.invoice == SWISS
    _join(fork, {"totals": amounts, "fraud": score, "supplier": match}, unreadable)
    if unreadable:
        return run.failed(whole, fork.at, *PARSE_ERROR, producer_of)
    decision = decide(fork, invoice, amounts, score, match)
    whole.attributes["gen_ai.output.messages"] = text_message("assistant", decision)
    return run.finished(whole, fork.at, producer_of)


def _join(branch: Branch, found: dict[str, Any], unreadable: bool) -> None:
    """Plain code between the branches and the decision; its span says nothing about itself."""
    span = branch.open("join", {"input.value": dumps(found)})
    branch.at += branch.run.rng.randrange(900, 4_000)
    if unreadable:
        branch.close(span, error=PARSE_ERROR)
    else:
        span.attributes["output.value"] = dumps(found | {"complete": True})
        branch.close(span)
