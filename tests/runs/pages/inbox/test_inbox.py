"""The inbox: requests and refused records, sending these again, help when nothing arrives."""

import json
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from nodes.compression import pack
from runs.models import IngestKey, Note, ReceivedRequest, RefusedRecord, Run
from tests.factories import make_app, make_run
from tests.pages import check_page, check_view, text_of

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script></textarea>\u202e\u2066\x07"
JSON = "application/json"


def received(**fields):
    return ReceivedRequest.objects.create(**{"door": "/v1/traces", "status": 200} | fields)


def body_of(span, trace="1" * 32):
    fields = {"traceId": trace, "spanId": "2" * 16, "name": span}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


def refused(body=None, **fields):
    compressed, packed = pack(body or b"")
    defaults = {
        "door": "/v1/traces",
        "reason": "No trace id.",
        "raw": '{"a": 1}',
        "content_type": JSON,
        "body": bytes([compressed]) + packed if body else None,
    }
    return RefusedRecord.objects.create(**defaults | fields)


def listed_paths(client, url):
    tree = check_page(client.get(url).content.decode())
    return [element.text for element in tree.findall(".//td[@class='cell-door']/span[1]")]


def test_a_request_shows_who_sent_what_and_links_to_its_runs(console):
    run = make_run("desk")
    key = IngestKey.create("exporter")[0]
    received(key=key, user_agent="OTel-OTLP/1.3", records=7, late=3, run_count=2, size=2_400,
             run_ids=[str(run.pk), "0af76519-16cd-43dd-8448-eb211c80319c"])  # fmt: skip
    tree = check_view(console, "/inbox/")
    text = text_of(tree)
    for word in ("200", "/v1/traces", "exporter", "OTel-OTLP/1.3", "desk", "7", "2.4"):
        assert word in text
    links = [link.get("href") for link in tree.find(".//div[@id='inbox']").iter("a")]
    assert run.get_absolute_url() in links and f"/runs/{run.pk}/tracing/" in links


def test_newest_first_only_failed_and_paging(console):
    for n in range(60):
        received(door=f"/{n}", status=401 if n % 10 == 0 else 200)
    assert listed_paths(console, "/inbox/")[:2] == ["/59", "/58"]
    assert listed_paths(console, "/inbox/?only=failed") == ["/50", "/40", "/30", "/20", "/10", "/0"]
    tree = check_page(console.get("/inbox/").content.decode())
    following = tree.find(".//nav[@class='pager']/a").get("href")
    assert listed_paths(console, "/inbox/" + following) == [f"/{n}" for n in range(9, -1, -1)]
    assert "No failed" not in text_of(tree)


@pytest.mark.parametrize("query", ["after=x", "after=1~x", "after=~", "only=what", "only=%00"])
def test_a_wrong_address_is_a_sentence(console, query):
    received()
    assert check_view(console, f"/inbox/?{query}").find(".//div[@role='alert']") is not None
    assert console.get(f"/inbox.json?{query}").status_code == 400


def test_queries_do_not_grow_with_rows(console, django_assert_max_num_queries):
    for n in range(30):
        key = IngestKey.create(f"k{n}")[0]
        row = received(key=key, run_ids=[str(make_run(f"app {n}").pk)], run_count=1)
        refused(body_of("a"), key=key, request=row, reason=str(n))
    with django_assert_max_num_queries(7):  # session, user, newest, last failed, waiting notes,
        console.get("/inbox/")  # requests, their runs
    with django_assert_max_num_queries(3):
        console.get("/inbox/refused/")


def test_notes_that_wait_for_their_run_are_counted(console):
    Note.objects.create(about="t1", name="thumbs", source="api")
    assert "1 note (scores, feedback)" in text_of(check_view(console, "/inbox/"))


def is_open(tree):
    return "open" in tree.find(".//details[@class='connect-more arrives']").attrib


def test_help_is_open_until_something_arrives_and_names_this_servers_address(console):
    tree = check_view(console, "/inbox/")
    assert is_open(tree) and "Nothing has arrived yet" in text_of(tree)
    for word in ("curl http://testserver/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver",
                 "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "<key>", "4317"):  # fmt: skip
        assert word in text_of(tree)
    received()
    assert not is_open(check_view(console, "/inbox/"))
    received(status=401, error="No valid key: none was sent.")
    assert is_open(check_view(console, "/inbox/"))


@pytest.mark.parametrize(
    ("key", "kind", "path", "sentence"),
    [
        ("", JSON, "/v1/traces", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("read", JSON, "/v1/traces", "Use a key that can record"),
        ("good", "text/plain", "/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ("good", "application/x-protobuf", "/v1/traces", "Content-Type: application/x-protobuf"),
        ("good", JSON, "/v1/traces/v1/traces", "is doubled"),
        ("good", "application/grpc", "/x.TraceService/Export", "This is gRPC"),
    ],
)
def test_the_last_failed_attempt_is_explained_with_its_cure(console, key, kind, path, sentence):
    IngestKey.create("r", "read", can_ingest=False, can_read=True)
    IngestKey.create("g", "good")
    Client().post(path, b"{", kind, headers={"x-api-key": key, "User-Agent": "probe/1"})
    text = text_of(check_view(console, "/inbox/"))
    assert "The last failed request" in text and "probe/1" in text and sentence in text


def test_refused_records_are_listed_and_downloaded(console):
    record = refused(raw=json.dumps({"name": HOSTILE, "long": "x" * 9_000}), reason=HOSTILE)
    text = text_of(check_view(console, "/inbox/refused/"))
    assert "<script>alert(1)" in text and "Cannot be replayed" in text
    assert len(text) < 8_000
    file = console.get(f"/inbox/refused/{record.pk}/raw/")
    assert file.content.decode() == record.raw and "attachment" in file["Content-Disposition"]
    assert console.get("/inbox/refused/999/raw/").status_code == 404


def test_nothing_was_refused(console):
    assert "No refused records" in text_of(check_view(console, "/inbox/refused/"))
    assert "not a position" in text_of(check_view(console, "/inbox/refused/?after=x"))


def replay(client, record):
    response = client.post(f"/inbox/refused/{record.pk}/replay/", follow=True)
    record.refresh_from_db()
    return text_of(check_page(response.content.decode()))


def test_a_replay_uses_the_endpoint_and_the_key_of_the_original_request(console):
    key = IngestKey.create("bound", app=make_app("desk"))[0]
    key.revoke()
    record = refused(body_of("once refused"), key=key)
    assert "The record was accepted" in replay(console, record)
    assert record.replayed_at and Run.objects.get().app.name == "desk"
    text = text_of(check_page(console.get("/inbox/refused/").content.decode()))
    assert "Accepted just now" in text


def test_a_replay_that_fails_stores_the_new_reason(console):
    record = refused(body_of("a", trace="zz"), reason="An old reason.")
    assert "Refused again" in replay(console, record)
    assert "trace id" in record.reason and not record.replayed_at
    assert RefusedRecord.objects.count() == 1
    assert "not readable JSON" in replay(console, refused(b"{"))
    assert "no endpoint" in replay(console, refused(body_of("a"), door="/gone"))
    assert "No trace id" in replay(console, refused())
    with mock.patch("runs.recording.receiving.otlp.ingest.store_spans", side_effect=KeyError("x")):
        assert "KeyError" in replay(console, record)


def test_replay_all(console):
    first = refused(body_of("a"))
    refused(body_of("a", trace="zz"))
    refused()
    page = console.post("/inbox/refused/replay/", follow=True)
    assert "1 of 2 records were accepted" in text_of(check_page(page.content.decode()))
    first.refresh_from_db()
    assert first.replayed_at and Run.objects.count() == 1


def test_replaying_is_for_staff_and_by_post(console):
    record = refused(body_of("a"))
    url = f"/inbox/refused/{record.pk}/replay/"
    assert console.get(url).status_code == 405
    assert console.post("/inbox/refused/999/replay/").status_code == 404
    colleague = Client()
    colleague.force_login(get_user_model().objects.create_user("colleague"))
    assert colleague.post(url).status_code == 403
    assert colleague.post("/inbox/refused/replay/").status_code == 403
    assert "Replay" not in text_of(check_page(colleague.get("/inbox/refused/").content.decode()))
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(get_user_model().objects.get(username="admin"))
    assert checked.post(url).status_code == 403
    assert not Run.objects.exists()


def test_hostile_content_is_escaped(console):
    key = IngestKey.create(HOSTILE)[0]
    received(door=f"/{HOSTILE}", status=404, error=HOSTILE * 50, user_agent=HOSTILE, key=key)
    check_view(console, "/inbox/")
    refused(door=f"/{HOSTILE}", user_agent=HOSTILE, key=key, raw=HOSTILE, reason=HOSTILE * 50)
    check_view(console, "/inbox/refused/")


def test_json(console):
    row = received(status=401, error="No valid key.", user_agent="probe/1")
    received()
    record = refused(request=row)
    page = console.get("/inbox.json?only=failed").json()
    assert page["next"] is None
    [failed] = page["requests"]
    assert (failed["id"], failed["status"], failed["error"], failed["key"]) == (
        row.pk, 401, "No valid key.", None,
    )  # fmt: skip
    [listed] = console.get("/inbox/refused.json").json()["refused"]
    assert (listed["id"], listed["request"], listed["replayed_at"]) == (record.pk, row.pk, None)


def test_json_pages(console):
    for _ in range(60):
        received(status=400)
    first = console.get("/inbox.json?only=failed").json()
    assert len(first["requests"]) == 50
    url = urlsplit(first["next"])
    assert len(console.get(f"{url.path}?{url.query}").json()["requests"]) == 10


def test_a_bound_key_reads_what_came_with_keys_of_its_app(client):
    app = make_app("desk")
    mine = IngestKey.create("mine", app=app)[0]
    secret = IngestKey.create("reader", app=app, can_ingest=False, can_read=True)[1]
    row = received(key=mine)
    received()
    refused(key=mine)
    refused()
    headers = {"x-api-key": secret}
    requests = client.get("/inbox.json", headers=headers).json()["requests"]
    assert [request["id"] for request in requests] == [row.pk]
    assert len(client.get("/inbox/refused.json", headers=headers).json()["refused"]) == 1
    assert client.get("/inbox.json").status_code == 401


@pytest.mark.parametrize("url", ["/inbox/", "/inbox/refused/", "/inbox/refused/1/raw/"])
def test_the_console_is_closed(client, url):
    assert client.get(url).status_code == 302
