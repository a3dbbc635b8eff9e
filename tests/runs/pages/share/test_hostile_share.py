"""Links in the wrong hands: guessed and ended links, ids of other runs, curious readers."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import App, IngestKey, Note, Run, ShareLink
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.storing.store import save_records
from runs.redaction.unescape import unescaped
from tests.factories import make_conversation, make_execution, make_payload, make_run
from tests.hostile import NASTY, nasty_run, poster
from tests.pages import check_page, text_of

pytestmark = pytest.mark.django_db
post = pytest.fixture(poster)
ADDRESS = re.compile(r'\b(?:href|src|action|hx-get)="([^"]+)"')
WORD = "Qwertzuiop Äsdf"


def link_to(run, *masked, lasts=timedelta(hours=1)):
    secret = ShareLink.create(run, lasts, ["notes", *masked], None)[1]
    return f"/s/{secret}/"


def everything(address):
    """All that can be reached from a link, by path: its pages and their twins."""
    client, waiting, pages = Client(), {address, f"{address[:-1]}.json"}, {}
    while waiting:
        path = waiting.pop()
        response = client.get(path)
        assert response.status_code == 200, path
        pages[path] = response.content.decode()
        links = {unescape(link).partition("#")[0] for link in ADDRESS.findall(pages[path])}
        links = {link for link in links if link and not link.startswith(("/static/", "http"))}
        assert all(link.startswith(address[:-1]) for link in links), links
        waiting |= links - pages.keys()
    return pages


def test_guessed_ended_and_revoked_links_get_the_same_response(client, console):
    run = make_run()
    ended = link_to(run, lasts=timedelta(seconds=-1))
    revoked = link_to(run)
    ShareLink.objects.order_by("created_at").last().revoke()
    gone = link_to(make_run("gone"))
    Run.objects.filter(app__name="gone").delete()
    open_link = link_to(run)
    digest = ShareLink.objects.latest("created_at").digest
    guesses = [f"/s/{digest}/", open_link[:-2] + "/", open_link[:-1] + "A/", open_link.lower(),
               open_link.upper().replace("/S/", "/s/"), "/s/%00/", "/s/%F0%9F%98%80/", "/s/ /",
               f"/s/{'x' * 5000}/", "/s/../", f"/s/{run.id}/"]  # fmt: skip
    bodies = {client.get(path).content for path in (ended, revoked, gone, *guesses[:5])}
    assert len(bodies) == 1 and b"This link does not work" in bodies.pop()
    for path in (ended, revoked, gone, *guesses):
        for browser in (client, console):
            assert browser.get(path).status_code == 404, path
        if ".." not in path:
            assert client.get(f"{path[:-1]}.json").status_code == 404
    assert client.get(open_link).status_code == 200
    ShareLink.objects.update(expires_at=timezone.now())
    assert client.get(open_link).status_code == 404


def test_only_steps_of_this_run_and_only_to_be_read(client):
    run, other = make_run(), make_run()
    own, folded = make_execution(run, "Own"), make_execution(run, "Plumbing", folded=True)
    theirs = make_execution(other, "Theirs")
    address = link_to(run)
    assert client.get(f"{address}steps/{own.id}/").status_code == 200
    for step in (theirs, folded):
        for end in ("/", ".json"):
            assert client.get(f"{address}steps/{step.id}{end}").status_code == 404
    for path in (address, f"{address[:-1]}.json", f"{address}steps/{own.id}/"):
        for method in ("post", "put", "patch", "delete"):
            assert getattr(client, method)(path).status_code in (403, 405), (method, path)
    for path in ("header/", "tracing/", "notes/", "share/", "result/"):
        assert client.get(f"{address}{path}").status_code == 404


def test_a_link_is_no_key_and_a_key_no_link(client):
    run = make_run()
    token = link_to(run).split("/")[2]
    for headers in ({"x-api-key": token}, {"Authorization": f"Bearer {token}"}):
        assert client.get(f"/runs/{run.id}.json", headers=headers).status_code == 401
        assert client.post("/v1/traces", b"", content_type="application/json",
                           headers=headers).status_code == 401  # fmt: skip
    other = App.objects.create(name="other", slug="other")
    secret = IngestKey.create("k", can_read=True, app=other)[1]
    assert client.get(f"/runs/{run.id}/share/", headers={"x-api-key": secret}).status_code == 302
    assert client.get(f"/s/{secret}/").status_code == 404


def planted(place, secret):
    """A run with a secret in every value of one field, and only there."""
    texts = {name: "harmless" for name in ("inputs", "outputs", "errors", "user", "models")}
    texts |= {place: secret}
    run = make_run(
        status="failed", failed_title="Answer",
        inputs={"question": texts["inputs"]}, inputs_preview=texts["inputs"],
        outputs={"answer": texts["outputs"]}, outputs_preview=texts["outputs"],
        error=texts["errors"], user=texts["user"], source_ids={"dify-run": texts["user"]},
        cost="7.654321" if place == "costs" else None, cost_currency="USD", cost_state="priced",
    )  # fmt: skip
    run.conversation = make_conversation(run.app, texts["user"])
    run.save()
    step = {
        "inputs": {"text": texts["inputs"], "by": texts["user"], "user": texts["user"]},
        "outputs": [texts["outputs"], f"{texts['models']} said so", {"total_price": "7.654321"}],
        "error": f"{texts['errors']} for {texts['user']}", "error_type": texts["errors"],
        "model": texts["models"], "provider": texts["models"], "title": f"{texts['models']} call",
        "cost": "7.654321" if place == "costs" else None, "cost_currency": "USD",
        "received": {"attributes": {place: secret, "all": texts}},
        "inputs_preview": texts["inputs"], "outputs_preview": texts["outputs"],
    }  # fmt: skip
    make_execution(run, kind="tool", status="failed", **step)
    make_execution(run, kind="tool", process_data={"in": texts["inputs"], "out": texts["outputs"]},
                   **step | {"title": "Two"})  # fmt: skip
    return run


@pytest.mark.parametrize("place", ["inputs", "outputs", "errors", "user", "models", "attributes"])
def test_a_masked_field_is_in_no_byte(place):
    secret = f"S3CRET-{place}"
    run = planted(place, secret)
    unmasked = everything(link_to(run))
    assert any(secret in text for text in unmasked.values())
    masked = everything(link_to(run, place))
    for path, text in masked.items():
        assert secret.casefold() not in unescaped(text), path
    assert any("Masked" in text for text in masked.values())


def test_what_is_masked_is_quoted_by_no_error_title_or_note():
    inputs = {"customer": {"email": "ada@x.example"}, "amount": "3'470.01", "id": 778_899}
    run = make_run(status="failed", inputs=inputs, outputs={"reply": "harmless"},
                   error="no mail to ada@x.example: 3'470.01")  # fmt: skip
    step = make_execution(
        run, "Mail ada@x.example", status="failed", error="ADA@x.example, order 778899 refused",
        inputs={"to": [{"name": "email", "value": "bo@y.example"}], "rest": "3'470.01"},
        outputs="sent neither to bo@y.example nor to ada@x.example", taken="ada@x.example",
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(failed_execution=step.id, failed_title=step.title)
    Note.objects.create(run=run, name="comment", text="3'470.01 of ada@x.example", source="api")
    by_key = ShareLink.create(run, timedelta(hours=1), ["key:email"], None)[1]
    pages = everything(f"/s/{by_key}/")
    assert any("3'470.01" in unescape(text) for text in pages.values())
    for path, text in pages.items():
        assert not re.search("(ada|bo)@", text, re.IGNORECASE), path
    run.inputs = make_payload(run.app, inputs | {"channel": "desk"})  # as a part of the app's name
    run.save()
    whole = ShareLink.create(run, timedelta(hours=1), ["inputs"], None)[1]
    assert "support-desk" in everything(f"/s/{whole}/")[f"/s/{whole}/"]
    for path, text in everything(f"/s/{whole}/").items():
        if "steps" not in path:  # the output of a step is not its input
            assert not re.search("ada@|470.01|778899", unescape(text), re.IGNORECASE), path


@pytest.mark.parametrize("mask", ["key:email", "inputs"])
def test_a_step_that_failed_beside_the_cause_quotes_nothing_in_the_list_of_steps(mask):
    run = make_run(status="failed", inputs={"q": "harmless"}, error="over")
    for number, name in enumerate(("ada", "bo")):
        step = make_execution(run, f"Mail {number}", status="failed", index=number,
                              inputs={"email": f"{name}@x.example"},
                              error=f"no mail to {name}@x.example")  # fmt: skip
        Run.objects.filter(pk=run.pk).update(failed_execution=step.id)
    for path, text in everything(link_to(run, mask)).items():
        assert "ada@" not in text and "bo@" not in text, path


def test_what_is_masked_in_json_that_a_text_holds_is_quoted_nowhere():
    inner = json.dumps({"customers": [{"email": "ada@x.example"}]})
    run = make_run(status="failed", inputs={"payload": json.dumps({"body": inner})},
                   error="no mail to ada@x.example")  # fmt: skip
    for path, text in everything(link_to(run, "key:email")).items():
        assert "no mail to" not in text or "ada@" not in text, path


def test_masked_costs_are_in_no_byte():
    masked = everything(link_to(planted("costs", "x"), "costs"))
    assert not [path for path, text in masked.items() if "7.65" in text]


def test_masked_prompts_are_in_no_byte():
    run = make_run(inputs={"messages": [{"role": "user", "content": WORD}]}, outputs="harmless")
    messages = [{"role": "system", "content": WORD}, {"role": "user", "content": "hi"}]
    make_execution(run, "Model", inputs=messages, outputs=WORD, process_data={"prompts": messages})
    make_execution(run, "Agent", kind="agent", inputs=WORD, outputs=WORD)
    make_execution(run, "Chain", kind="chain", inputs={"state": {"messages": messages}, "b": 1},
                   outputs={"prompt": WORD, "raw": json.dumps({"messages": messages})})  # fmt: skip
    for path, text in everything(link_to(run, "messages")).items():
        assert WORD.casefold() not in unescaped(text), path


def test_a_masked_word_is_in_no_byte_of_anything():
    nested = json.dumps({"a": json.dumps({"b": f"x {WORD} y"})})
    run = planted("inputs", f"{nested} {WORD.upper()} {WORD[:9]}")
    Run.objects.filter(pk=run.pk).update(
        name=WORD, error=f"{'e' * 140} {WORD}" * 200, failed_title=WORD, tags=[WORD], trigger=WORD
    )
    run.app.name = f"desk of {WORD}"
    run.app.save()
    make_execution(run, f"By {WORD}", kind=WORD, taken=WORD, error=f"{'e' * 190} {WORD}" * 20,
                   outputs={WORD: [nested, "Q%77ertzuiop%20%C3%84sdf", f"{WORD[:8]}…"]},
                   received={"attributes": {"x": WORD}})  # fmt: skip
    Note.objects.create(run=run, name=WORD, text=WORD * 20, author=WORD, label=WORD, source="api")
    secret = ShareLink.create(run, timedelta(hours=1), [f"word:{WORD.lower()}"], None)[1]
    pages = everything(f"/s/{secret}/")
    assert len(pages) == 8
    for path, text in pages.items():
        for cut in (WORD, WORD[:12], "ertzui"):
            assert cut.casefold() not in unescaped(text).replace("qwertzuio…", ""), (path, cut)


def test_a_run_that_is_merged_into_another_keeps_its_links(client):
    facts = {"service": "shop", "title": "work", "kind": "chain"}
    ids = [RunFacts(source_ids=(("dify-run", name),)) for name in ("r1", "r2")]
    save_records([NodeRecord(trace="t1", source_id="a", run=ids[0], **facts),
          NodeRecord(trace="t2", source_id="b", run=ids[1], **facts)])  # fmt: skip
    links = [link_to(run) for run in Run.objects.all()]
    both = RunFacts(source_ids=(("dify-run", "r1"), ("dify-run", "r2")))
    save_records([NodeRecord(trace="t3", source_id="c", run=both, **facts)])
    run = Run.objects.get()
    for link in links:
        data = client.get(f"{link[:-1]}.json").json()
        assert len(data["executions"]) == 3
        step = run.executions.get(source_id="b")
        assert client.get(f"{link}steps/{step.id}/").status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize("text", NASTY[3:6] + NASTY[9:13] + NASTY[-3:], ids=ascii)
@pytest.mark.parametrize("masked", [[], ["user", "models", "costs", "word:x", "key:x"]], ids=len)
def test_hostile_runs_make_valid_pages(post, text, masked):
    post(nasty_run(text))
    for path, page in everything(link_to(Run.objects.get(), *masked)).items():
        if path.endswith("/"):
            check_page(page)
            assert "<script>alert" not in page and "<img src=x" not in page


def test_hostile_words_to_mask(console):
    run = make_run(inputs="x")
    form = {"lasts": "1h", "words": "\n".join(NASTY[9:15]), "keys": ".*+?[(\n\\d+\na.b.c\n$"}
    response = console.post(f"/runs/{run.id}/share/", form)
    assert response.status_code == 400
    response = console.post(f"/runs/{run.id}/share/", form | {"keys": "(a|b)*\na.*.c"})
    address = check_page(response.content.decode()).find(".//code[@id='address']").text
    assert "Input" in text_of(check_page(Client().get(address).content.decode()))
