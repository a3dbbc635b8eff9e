"""One turn of the support chat sample: classify, take the branch, answer."""

from enum import Enum
from typing import Any, NamedTuple

from runs.samples.calls import model_call
from runs.samples.dify_attributes import dify_usage, prompt_message, usage_totals
from runs.samples.dify_run import DifyRun
from runs.samples.schedule import SECOND
from runs.samples.spans import dumps, uuid_of
from runs.samples.text_files import Passage, sections

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

SupportEnding = tuple[dict[str, Any], str, str]  # outputs, status and error of the run


class SupportTrouble(Enum):
    NONE, GATEWAY, QUOTA = range(3)


class SupportDay(NamedTuple):
    """What is the case at the time of the turn."""

    trouble: SupportTrouble
    has_fail_branch: bool
    article_changed: bool


def answer_turn(
    run: DifyRun, question: Passage, earlier: list[Passage], day: SupportDay
) -> SupportEnding:
    run.node("start", "Start", run.inputs, run.inputs, run.rng.randrange(3_000, 9_000))
    error = QUOTA_ERROR if day.trouble is SupportTrouble.QUOTA else ""
    _add_classifier(run, question, error)
    if error:
        return {}, "failed", error
    kind = question.fields["class"]
    answer, facts = question.text, ""
    if kind == "talk":
        title = "Small talk"
    elif kind == "product":
        title = "Answer from articles"
        facts, answer = _add_retrieval(run, question, day)
    elif kind == "refund":
        title = "Explain refund"
        facts = _add_refund(run, question)
    else:
        title = "Explain status"
        facts, error = _add_order_request(run, question, day)
        if error and day.has_fail_branch:
            run.node("answer", "Apologise", {}, {"answer": SORRY, "files": []}, 4_000)
            return {"answer": SORRY, "files": []}, "partial-succeeded", ""
        if error:
            return {}, "failed", error
    return _add_answer(run, title, question.heading, answer, earlier, facts)


def _add_classifier(run: DifyRun, question: Passage, error: str) -> None:
    number, label = CLASSES[question.fields["class"]]
    call = model_call(run.rng, "gpt-4o-mini", CLASSIFY + question.heading, label)
    inputs = {"query": question.heading}
    if error:
        run.node(
            "question-classifier",
            "What is it about?",
            inputs,
            {},
            call.first_token_us,
            status="failed",
            error=error,
        )
        return
    usage = dify_usage(call)
    run.spend(usage)
    outputs = {"class_name": label, "class_id": number, "usage": usage}
    run.node(
        "question-classifier",
        "What is it about?",
        inputs,
        outputs,
        call.took_us,
        metadata=usage_totals(usage),
    )


def _add_order_request(run: DifyRun, question: Passage, day: SupportDay) -> tuple[str, str]:
    """Add the request to the order service, and return its answer and "", or "" and the error after
    it did not answer for 30 seconds."""
    request = (
        f"GET /orders/{question.fields['order']} HTTP/1.1\r\nHost: orders.internal:8080\r\n\r\n"
    )
    inputs = {"request": request, "url": f"{SHOP}/orders/{question.fields['order']}"}
    if day.trouble is SupportTrouble.GATEWAY:
        late = {
            "status_code": 504,
            "body": GATEWAY_PAGE,
            "headers": {"content-type": "text/html", "server": "nginx"},
            "files": [],
        }
        failure = {"error_message": GATEWAY_ERROR, "error_type": "HTTPResponseCodeError"}
        run.node(
            "http-request",
            "Order service",
            inputs,
            late | failure if day.has_fail_branch else late,
            30 * SECOND + run.rng.randrange(4_000, 40_000),
            status="exception" if day.has_fail_branch else "failed",
            error=GATEWAY_ERROR,
            metadata={"error_strategy": "fail-branch"} if day.has_fail_branch else {},
        )
        return "", GATEWAY_ERROR
    body = dumps(
        {"order": question.fields["order"], "state": "shipped", "parcels": 1, "open": False}
    )
    run.node(
        "http-request",
        "Order service",
        inputs,
        _http_outputs(200, body),
        _duration_us(run, 180, 1400),
    )
    return body, ""


def _add_refund(run: DifyRun, question: Passage) -> str:
    """Add the refund, and return its receipt. The tool refunds whenever it is called: it does not
    check whether that was done before."""
    order, amount = question.fields.get("order", ""), question.fields["amount"]
    inputs = {"order": order or "latest", "amount": amount, "reason": question.heading[:120]}
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
        _duration_us(run, 500, 2600),
        metadata={"tool_info": info},
    )
    return dumps(receipt)


def _add_retrieval(run: DifyRun, question: Passage, day: SupportDay) -> tuple[str, str]:
    """Add the retrieval, and return articles near the question as they stood then, and the answer
    that follows from them."""
    every = sections("knowledge.md")
    old, new = [article for article in every if article.fields["file"] == "returns.md"]
    hidden = old if day.article_changed else new
    articles = [article for article in every if article != hidden]
    wanted = question.fields["article"]
    near = sorted(articles, key=lambda article: article.fields["file"] != wanted)[:3]
    result = [
        {
            "content": article.text,
            "title": article.fields["file"],
            "metadata": {
                "_source": "knowledge",
                "position": position,
                "dataset_id": uuid_of("dataset"),
                "dataset_name": "Help centre",
                "document_id": uuid_of(f"document/{article.fields['file']}"),
                "document_name": article.fields["file"],
                "segment_id": uuid_of(f"segment/{article.heading}"),
                "score": round(0.86 - 0.11 * position + run.rng.random() / 20, 4),
            },
        }
        for position, article in enumerate(near, 1)
    ]
    run.node(
        "knowledge-retrieval",
        "Help centre",
        {"query": question.heading},
        {"result": result},
        _duration_us(run, 220, 900),
    )
    answer = question.text
    if day.article_changed:
        answer = answer.replace(
            "within 30 days of delivery, as long as", "within 14 days, provided"
        )
    return "\n\n".join(article.text for article in near), answer


def _add_answer(
    run: DifyRun, title: str, query: str, answer: str, earlier: list[Passage], facts: str
) -> SupportEnding:
    prompts = [prompt_message("system", f"{ANSWER}\n\nFacts:\n{facts}" if facts else ANSWER)]
    for turn in earlier[-3:]:
        prompts.append(prompt_message("user", turn.heading))
        prompts.append(prompt_message("assistant", turn.text))
    prompts.append(prompt_message("user", query))
    model = "gpt-4o" if facts else "gpt-4o-mini"
    call = model_call(run.rng, model, "".join(prompt["text"] for prompt in prompts), answer)
    run.llm(title, call, prompts, answer)
    run.node(
        "answer", "Answer", {}, {"answer": answer, "files": []}, run.rng.randrange(2_000, 6_000)
    )
    return {"answer": answer, "files": []}, "succeeded", ""


def _http_outputs(status: int, body: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "server": "nginx"}
    return {"status_code": status, "body": body, "headers": headers, "files": []}


def _duration_us(run: DifyRun, low_ms: int, high_ms: int) -> int:
    return run.rng.randrange(low_ms * 1000, high_ms * 1000)
