"""Support chat, one turn: classify, take the branch, answer."""

from enum import Enum
from typing import Any, NamedTuple

from runs.samples.calls import model_call
from runs.samples.dify_attributes import price_of, prompt, usage
from runs.samples.dify_run import DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import dumps, uuid_of
from runs.samples.text_files import TextSection, sections

CLASSES = {
    "status": ("1", "Order status"),
    "refund": ("2", "Refund"),
    "product": ("3", "Question about a product"),
    "talk": ("4", "Small talk"),
}
CLASSIFY = (
    "Choose the class of the customer's last message: order status, refund, question about a "
    "product, small talk. The message may be in any language. Answer with the class alone."
)
ANSWER = (
    "You answer customers of an online shop for headphones and accessories, briefly and kindly and "
    "in their language. Use only the facts that are given. Never promise what is not in them."
)
SORRY = (
    "I cannot reach our order system at the moment. Please try again in a few minutes; nothing "
    "about your order has changed."
)
GATEWAY_ERROR = "Request failed with status code 504"
GATEWAY_PAGE = (
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 "
    "Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
QUOTA_ERROR = (
    "[openai] Rate Limit Error, Error code: 429 - {'error': {'message': 'You exceeded your current "
    "quota, please check your plan and billing details. For more information on this error, read "
    "the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.', 'type': "
    "'insufficient_quota', 'param': None, 'code': 'insufficient_quota'}}"
)
SHOP = "http://orders.internal:8080"

Ending = tuple[dict[str, Any], str, str]  # outputs, status and error of the run


class SupportTrouble(Enum):
    NONE, GATEWAY, QUOTA = range(3)


class SupportDay(NamedTuple):
    """What is the case at the time of the turn."""

    trouble: SupportTrouble
    has_fail_branch: bool
    article_changed: bool


def answer_turn(
    run: DifyRun, asked: TextSection, known: list[TextSection], day: SupportDay
) -> Ending:
    run.node("start", "Start", run.inputs, run.inputs, run.rng.randrange(3_000, 9_000))
    error = QUOTA_ERROR if day.trouble is SupportTrouble.QUOTA else ""
    _classify(run, asked, error)
    if error:
        return {}, "failed", error
    kind = asked.fields["class"]
    if kind == "talk":
        return _reply(run, "Small talk", asked.heading, asked.text, known, "")
    if kind == "product":
        facts, answer = _look_up(run, asked, day)
        return _reply(run, "Answer from articles", asked.heading, answer, known, facts)
    if kind == "refund":
        return _reply(run, "Explain refund", asked.heading, asked.text, known, _refund(run, asked))
    order, error = _order(run, asked, day)
    if error and day.has_fail_branch:
        run.node("answer", "Apologise", {}, {"answer": SORRY, "files": []}, 4_000)
        return {"answer": SORRY, "files": []}, "partial-succeeded", ""
    if error:
        return {}, "failed", error
    return _reply(run, "Explain status", asked.heading, asked.text, known, order)


def _classify(run: DifyRun, asked: TextSection, error: str) -> None:
    number, label = CLASSES[asked.fields["class"]]
    used = model_call(run.rng, "gpt-4o-mini", CLASSIFY + asked.heading, label)
    inputs = {"query": asked.heading}
    if error:
        run.node(
            "question-classifier",
            "What is it about?",
            inputs,
            {},
            used.first_token_us,
            status="failed",
            error=error,
        )
        return
    told = usage(used)
    run.spend(told)
    outputs = {"class_name": label, "class_id": number, "usage": told}
    run.node(
        "question-classifier",
        "What is it about?",
        inputs,
        outputs,
        used.took_us,
        metadata=price_of(told),
    )


def _order(run: DifyRun, asked: TextSection, day: SupportDay) -> tuple[str, str]:
    """The order service's answer, or the error after it did not answer for 30 seconds."""
    request = f"GET /orders/{asked.fields['order']} HTTP/1.1\r\nHost: orders.internal:8080\r\n\r\n"
    inputs = {"request": request, "url": f"{SHOP}/orders/{asked.fields['order']}"}
    if day.trouble is SupportTrouble.GATEWAY:
        late = {
            "status_code": 504,
            "body": GATEWAY_PAGE,
            "headers": {"content-type": "text/html", "server": "nginx"},
            "files": [],
        }
        told = {"error_message": GATEWAY_ERROR, "error_type": "HTTPResponseCodeError"}
        run.node(
            "http-request",
            "Order service",
            inputs,
            late | told if day.has_fail_branch else late,
            30 * SECOND + run.rng.randrange(4_000, 40_000),
            status="exception" if day.has_fail_branch else "failed",
            error=GATEWAY_ERROR,
            metadata={"error_strategy": "fail-branch"} if day.has_fail_branch else {},
        )
        return "", GATEWAY_ERROR
    body = dumps({"order": asked.fields["order"], "state": "shipped", "parcels": 1, "open": False})
    run.node("http-request", "Order service", inputs, _http(200, body), _took(run, 180, 1400))
    return body, ""


def _refund(run: DifyRun, asked: TextSection) -> str:
    """The tool refunds whenever it is called: it does not ask whether that was done before."""
    order, amount = asked.fields.get("order", ""), asked.fields["amount"]
    inputs = {"order": order or "latest", "amount": amount, "reason": asked.heading[:120]}
    receipt = {
        "refund": uuid_of(f"{run.name}/refund")[:8].upper(),
        "order": inputs["order"],
        "amount": amount,
        "accepted": True,
    }
    outputs = {"text": "", "files": [], "json": [receipt]}
    info = {"provider_type": "api", "provider_id": uuid_of("refund-tool"), "tool_name": "refund"}
    run.node(
        "tool",
        "Refund payment",
        inputs,
        outputs,
        _took(run, 500, 2600),
        metadata={"tool_info": info},
    )
    return dumps(receipt)


def _look_up(run: DifyRun, asked: TextSection, day: SupportDay) -> tuple[str, str]:
    """Articles near the question as they stood then, and the answer that follows from them."""
    replaced = [one for one in sections("knowledge.md") if one.fields["file"] == "returns.md"]
    gone = replaced[0] if day.article_changed else replaced[1]
    articles = [one for one in sections("knowledge.md") if one != gone]
    near = sorted(articles, key=lambda one: one.fields["file"] != asked.fields["article"])[:3]
    result = [
        {
            "content": one.text,
            "title": one.fields["file"],
            "metadata": {
                "_source": "knowledge",
                "position": place,
                "dataset_id": uuid_of("dataset"),
                "dataset_name": "Help centre",
                "document_id": uuid_of(f"document/{one.fields['file']}"),
                "document_name": one.fields["file"],
                "segment_id": uuid_of(f"segment/{one.heading}"),
                "score": round(0.86 - 0.11 * place + run.rng.random() / 20, 4),
            },
        }
        for place, one in enumerate(near, 1)
    ]
    run.node(
        "knowledge-retrieval",
        "Help centre",
        {"query": asked.heading},
        {"result": result},
        _took(run, 220, 900),
    )
    answer = asked.text
    if day.article_changed:
        answer = answer.replace(
            "within 30 days of delivery, as long as", "within 14 days, provided"
        )
    return "\n\n".join(one.text for one in near), answer


def _reply(
    run: DifyRun, title: str, question: str, answer: str, known: list[TextSection], facts: str
) -> Ending:
    prompts = [prompt("system", f"{ANSWER}\n\nFacts:\n{facts}" if facts else ANSWER)]
    for earlier in known[-3:]:
        prompts += [prompt("user", earlier.heading), prompt("assistant", earlier.text)]
    prompts.append(prompt("user", question))
    model = "gpt-4o" if facts else "gpt-4o-mini"
    used = model_call(run.rng, model, "".join(one["text"] for one in prompts), answer)
    run.llm(title, used, prompts, answer)
    run.node(
        "answer", "Answer", {}, {"answer": answer, "files": []}, run.rng.randrange(2_000, 6_000)
    )
    return {"answer": answer, "files": []}, "succeeded", ""


def _http(status: int, body: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "server": "nginx"}
    return {"status_code": status, "body": body, "headers": headers, "files": []}


def _took(run: DifyRun, low_ms: int, high_ms: int) -> int:
    return run.rng.randrange(low_ms * 1000, high_ms * 1000)
