"""The branches of the invoice intake sample."""

from decimal import Decimal
from typing import Any

from runs.samples.calls import model_call
from runs.samples.genai import Branch, text_message
from runs.samples.spans import dumps, uuid_of
from runs.samples.text_files import Passage, sections

EXTRACT = (
    "Read the invoice. Answer with JSON: number, supplier, net, tax, total, currency, due. Copy "
    "amounts exactly as they are printed."
)
FRAUD = (
    "Judge whether the invoice could be fraudulent. Use the tool for the score of the payment "
    "data. Name unusual positions, changed bank details and missing references."
)
EXPLAIN = "Explain the score in two sentences for an accountant. Do not repeat the invoice."
DECIDE = "Decide: pay, hold or reject. Give the reason in one sentence. Answer with JSON."
FRAUD_SERVICE = "http://fraud-score.internal:9090/v1/score"
SUPPLIERS = "https://suppliers.internal/api/v2/suppliers"
REFUSED = (
    "ConnectionRefusedError",
    "[Errno 111] Connection refused: fraud-score.internal:9090",
)
PARSE_ERROR = (
    "ValueError",
    'cannot read amount "3\'470.01": unexpected "\'" at position 1 (locale en_US)',
)


def extract_totals(branch: Branch, invoice: Passage) -> dict[str, Any]:
    step = branch.open_agent("extract_totals", invoice.text)
    total = invoice.fields["total"]
    amounts = {
        "number": invoice.heading,
        "supplier": invoice.fields["supplier"],
        "total": "3'470.01" if total == "3470.01" else total,
        "currency": invoice.fields["currency"],
        "due": "30 days",
    }
    answer = dumps(amounts)
    call = model_call(branch.run.rng, "gpt-4o-mini", EXTRACT + invoice.text, answer)
    request = text_message("user", invoice.text)
    branch.chat(call, EXTRACT, request, [{"type": "text", "content": answer}])
    branch.close_agent(step, answer)
    return amounts


def detect_fraud(branch: Branch, invoice: Passage, newer: bool, refused: bool) -> dict[str, Any]:
    """Add the branch that judges fraud, and return score and judgement. Release 1.4.0 (`newer`)
    calls a larger model, twice: it takes longer."""
    rng = branch.run.rng
    model = "claude-sonnet-4-5" if newer else "gemini-2.5-flash"
    step = branch.open_agent("detect_fraud", invoice.text)
    arguments = {"supplier": invoice.fields["supplier"], "total": invoice.fields["total"]}
    call_id = f"call_{uuid_of(f'{branch.run.name}/score')[:12]}"
    tool_call = {"type": "tool_call", "id": call_id, "name": "fraud_score", "arguments": arguments}
    messages = text_message("user", invoice.text)
    branch.chat(
        model_call(rng, model, FRAUD + invoice.text, dumps(tool_call)), FRAUD, messages, [tool_call]
    )

    tool = branch.open_tool("fraud_score", arguments, call_id)
    request = branch.open_http(
        "POST", FRAUD_SERVICE, rng.randrange(1_000, 4_000), 0 if refused else 200
    )
    if refused:
        for span in (request, tool, step):
            branch.close(span, error=REFUSED)
        return {}
    branch.at += rng.randrange(90_000, 400_000)
    branch.close(request)
    score = {"score": f"0.0{rng.randrange(1, 9)}", "signals": [], "bank_details_known": True}
    tool.attributes["gen_ai.tool.call.result"] = dumps(score)
    branch.close(tool)
    if newer:
        text = (
            "The payment data match earlier invoices of the same supplier, and no position "
            f"deviates from the usual range; the score of {score['score']} is low. The bank "
            "details have been unchanged for more than a year, so no call back is needed."
        )
        call = model_call(rng, model, EXPLAIN + invoice.text + dumps(score), text)
        question = text_message("user", invoice.text + "\n\n" + dumps(score))
        branch.chat(call, EXPLAIN, question, [{"type": "text", "content": text}])
        score["explanation"] = text
    branch.close_agent(step, dumps(score))
    return score


def match_supplier(branch: Branch, invoice: Passage) -> dict[str, Any]:
    """Add the branch that looks for the nearest suppliers by text, and return the register's record
    of the best."""
    rng, fields = branch.run.rng, invoice.fields
    step = branch.open("match_supplier", {"input.value": f"Supplier {fields['supplier']}"})
    similar = [section for section in sections("invoices.md") if section != invoice][:2]
    documents = [
        {
            "id": f"supplier-{section.fields['supplier']}",
            "content": f"Supplier {section.fields['supplier']}, {section.fields['name']}",
            "score": round(0.94 - 0.19 * rank, 2),
        }
        for rank, section in enumerate([invoice, *similar])
    ]
    attributes = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "suppliers",
        "gen_ai.retrieval.query.text": f"{fields['name']} {fields['vat']}",
        "gen_ai.retrieval.documents": dumps(documents),
    }
    retrieval = branch.open("retrieval suppliers", attributes)
    branch.at += rng.randrange(60_000, 300_000)
    branch.close(retrieval)

    arguments = {"supplier": fields["supplier"]}
    tool = branch.open_tool("get_supplier", arguments, uuid_of(f"{branch.run.name}/supplier")[:12])
    request = branch.open_http(
        "GET", f"{SUPPLIERS}/{fields['supplier']}", rng.randrange(80_000, 600_000)
    )
    branch.close(request)
    record = {"supplier": fields["supplier"], "vat": fields["vat"], "active": True, "terms": 30}
    tool.attributes["gen_ai.tool.call.result"] = dumps(record)
    branch.close(tool)
    step.attributes["output.value"] = dumps(record)
    branch.close(step)
    return record


def decide(
    branch: Branch,
    invoice: Passage,
    amounts: dict[str, Any],
    score: dict[str, Any],
    match: dict[str, Any],
) -> str:
    known = dumps({"amounts": amounts, "fraud": score, "supplier": match})
    step = branch.open_agent("decide", known)
    is_over_limit = Decimal(invoice.fields["total"]) > 4000
    answer = dumps(
        {
            "decision": "hold" if is_over_limit else "pay",
            "reason": "The total is above the limit for release without a second signature."
            if is_over_limit
            else "Totals add up, the supplier is active and the fraud score is low.",
            "number": amounts["number"],
        }
    )
    call = model_call(branch.run.rng, "gpt-4o", DECIDE + known, answer)
    branch.chat(call, DECIDE, text_message("user", known), [{"type": "text", "content": answer}])
    branch.close_agent(step, answer)
    return answer
