"""Own prices: the page, the recorder, and the command that applies them to the past."""

from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from nodes.models import NodeExecution, OwnPrice
from runs.models import ImportState, Run
from runs.recording.storing import store
from tests.pages import check_page, text_of

ADDRESS = "/settings/prices/"
PRICE = {
    "model": "house-*", "since": "1970-01-01", "tier": "0", "currency": "usd", "input": "2",
    "output": "8", "per_call": "0",
}  # fmt: skip


def span(number: int, model: str = "house-large", **attributes: Any) -> dict[str, Any]:
    values = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 500_000,
    } | attributes  # fmt: skip
    kinds = {int: "intValue", float: "doubleValue", str: "stringValue"}
    return {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat",
        "startTimeUnixNano": "1793534400000000000", "endTimeUnixNano": "1793534401000000000",
        "attributes": [{"key": key, "value": {kinds[type(v)]: v}} for key, v in values.items()],
    }  # fmt: skip


def record(key: str, *spans: dict[str, Any]) -> None:
    body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    answer = Client().post(
        "/v1/traces", body, content_type="application/json", headers={"x-api-key": key}
    )
    assert answer.status_code == 200


def costs() -> list[tuple[Any, str, str]]:
    rows = Run.objects.order_by("id").values_list("cost", "cost_currency", "cost_state")
    return sorted(rows, key=str)


@pytest.mark.django_db
def test_a_model_without_a_price_gets_one_in_one_step(console: Client, ingest_key: str) -> None:
    record(ingest_key, span(1))
    assert costs() == [(None, "", "unpriced")]
    page = check_page(console.get(ADDRESS).content.decode())
    [link] = [a for a in page.iter("a") if text_of(a) == "Set a price"]
    assert link.get("href") == "?model=house-large&provider=#add"
    form = check_page(console.get(ADDRESS + str(link.get("href"))).content.decode())
    assert form.find(".//input[@name='model']").get("value") == "house-large"

    assert console.post(ADDRESS, PRICE).status_code == 302
    record(ingest_key, span(2))
    assert costs() == [(D(6), "USD", "priced"), (None, "", "unpriced")]
    output = StringIO()
    call_command("reprice_runs", stdout=output)
    assert "2 runs were priced again, 1 of them changed" in output.getvalue()
    assert costs() == [(D(6), "USD", "priced")] * 2
    assert not ImportState.objects.exists()
    text = text_of(check_page(console.get(ADDRESS).content.decode()))
    assert "Every model has a price" in text

    step = NodeExecution.objects.filter(cost=6).first()
    assert step is not None
    panel = text_of(
        check_page(console.get(f"/runs/{step.run_id}/tracing/{step.id}/").content.decode())
    )
    assert "by your price of house-*" in panel
    assert "1000000 × $2.00 a million = $2.00" in " ".join(panel.split())


@pytest.mark.django_db
def test_reported_costs_stay_and_currencies_are_kept_apart(ingest_key: str) -> None:
    OwnPrice.objects.create(model="*", input=1, output=1, currency="CNY")
    record(
        ingest_key,
        span(1, **{"gen_ai.usage.cost": 0.25}),
        span(2, **{"gen_ai.usage.cost": 0.25}) | {"traceId": f"{9:032x}"},
        span(3) | {"traceId": f"{9:032x}", "parentSpanId": f"{2:016x}"},
        span(4),
    )
    before = costs()
    assert (D("1.5"), "CNY", "priced") in before and (D("0.25"), "USD", "priced") in before
    call_command("reprice_runs", stdout=StringIO())
    assert costs() == before


@pytest.mark.django_db
def test_repricing_leaves_everything_else_and_resumes(ingest_key: str) -> None:
    record(ingest_key, *(span(number) for number in range(1, 6)))
    columns = [f.attname for f in Run._meta.concrete_fields if "cost" not in f.attname]
    before = list(Run.objects.order_by("id").values_list(*columns))
    OwnPrice.objects.create(model="house-large", input=2, output=8)
    ids = list(Run.objects.order_by("id").values_list("id", flat=True))
    ImportState.objects.create(source="reprice_runs", position={"after": str(ids[1])})
    call_command("reprice_runs", stdout=StringIO())
    assert list(Run.objects.order_by("id").values_list("cost", flat=True)) == [None, None, 6, 6, 6]
    assert list(Run.objects.order_by("id").values_list(*columns)) == before
    assert store.reprice(ids) == 2 and store.reprice(ids) == 0
    for options in ({"app": "nobody"}, {"since": "yesterday"}, {"since": "2026-02-31"}):
        with pytest.raises(CommandError):
            call_command("reprice_runs", **options)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"input": "-1"}, {"input": ""}, {"currency": "dollars"}, {"model": ""}, {"tier": "x"},
     {"input": "1e30"}, {"since": "soon"}, {"model": "x" * 201}],
)  # fmt: skip
def test_a_wrong_form_is_a_sentence(console: Client, wrong: dict[str, str]) -> None:
    answer = console.post(ADDRESS, PRICE | wrong)
    assert answer.status_code == 400
    assert check_page(answer.content.decode()).find(".//p[@role='alert']") is not None
    assert not OwnPrice.objects.exists()


@pytest.mark.django_db
def test_staff_alone_set_prices(console: Client) -> None:
    console.post(ADDRESS, PRICE)
    assert console.post(ADDRESS, PRICE).status_code == 400  # there is one
    price = OwnPrice.objects.get()
    colleague = Client()
    colleague.force_login(get_user_model().objects.create_user("colleague"))
    page = colleague.get(ADDRESS).content.decode()
    assert "house-*" in page and "Remove" not in page
    assert colleague.post(ADDRESS, PRICE).status_code == 403
    assert colleague.post(f"{ADDRESS}{price.pk}/remove/").status_code == 403
    assert console.post(f"{ADDRESS}{price.pk}/remove/").status_code == 302
    assert console.post(f"{ADDRESS}{price.pk}/remove/").status_code == 404
