"""The page of versions with its upload, the page of one version, and `manage.py import_dsl`."""

from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from runs.models import App, Version
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_page, check_view, text_of

DSL = Path(__file__).parents[3] / "dsl"
SECRETS = ("sk-live", "hunter2", "abcdefghijklmnop", "verysecret", "topsecret", "abc123secret")


def upload(client: Client, body: bytes, app: App):
    file = BytesIO(body)
    file.name = "app.yml"
    return client.post(f"/apps/{app.slug}/versions/", {"file": file})


def dsl(name: str) -> bytes:
    return (DSL / f"{name}.yml").read_bytes()


def test_a_file_becomes_a_version_once(console):
    app = make_app("desk")
    answer = upload(console, dsl("branches-0.6"), app)
    version = app.versions.get()
    assert (answer.status_code, answer["Location"]) == (302, "/apps/desk/versions/1/")
    page = text_of(check_view(console, "/apps/desk/versions/1/"))
    assert "Find the order" in page and "No runs of this version have been recorded" in page
    assert "SHOP_KEY" in page and "https://shop.example.com" in page
    assert not [secret for secret in SECRETS if secret in page]
    moved = dsl("branches-0.6").replace(b"{x: 30, y: 200}", b"{x: 99, y: 99}")
    answer = upload(console, moved, app)
    assert answer["Location"] == "/apps/desk/versions/1/"
    assert app.versions.get() == version
    assert "The file is the same as version 1 of desk." in console.get("/").content.decode()
    changed = dsl("branches-0.6").replace(b"Be brief.", b"Be long.")
    assert upload(console, changed, app)["Location"] == "/apps/desk/versions/2/"


def test_secrets_are_nowhere(console):
    app = make_app("desk")
    for name in ("branches-0.6", "chatflow-0.3"):
        upload(console, dsl(name), app)
    for version in app.versions.all():
        stored = f"{version.graph}{version.configuration}"
        graph = console.get(f"/apps/desk/graph.json?version={version.number}").content.decode()
        detail = console.get(f"/apps/desk/versions/{version.number}.json").content.decode()
        panel = console.get(
            f"/apps/desk/graph/?version={version.number}&node=1003"
        ).content.decode()
        for secret in SECRETS:
            assert secret not in stored + graph + detail + panel
    assert "{{#env.SHOP_KEY#}}" in str(app.versions.get(number=1).graph)


def test_the_graph_page_shows_what_was_published(console):
    app = make_app("desk")
    upload(console, dsl("branches-0.6"), app)
    tree = check_view(console, "/apps/desk/graph/?version=1&node=1006")
    page = text_of(tree)
    assert "as published" in page and "Be brief." in page
    graph = console.get("/apps/desk/graph.json?version=1").json()
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert (nodes["1006"]["parent"], nodes["1006"]["kind"]) == ("1004", "llm")
    assert nodes["1008"]["config"]["tool_name"] == "google_search"


def telemetry_run(app: App, **fields):
    """Make a run as Dify's telemetry reports it: node ids are titles."""
    run = make_run(app, **fields)
    for title, kind in [("Start", "start"), ("What is it about?", "question-classifier"),
                        ("Find the order", "http-request")]:  # fmt: skip
        make_execution(run, title, kind=kind, node_id=title)
    return run


def test_runs_are_matched_by_title_and_type(console):
    app = make_app("desk")
    version = make_version(app, label="2026-05-01 08:00:00")
    telemetry_run(app, version=version)
    answer = upload(console, dsl("branches-0.6"), app)
    assert answer["Location"] == "/apps/desk/versions/1/"
    assert app.versions.get() == version
    assert "recognised by the titles and types of their nodes" in console.get("/").content.decode()
    graph = console.get("/apps/desk/graph.json?version=1").json()
    assert len(graph["nodes"]) == 9  # nothing stands there twice
    nodes = {node["title"]: node for node in graph["nodes"]}
    node = nodes["Find the order"]
    assert (node["id"], node["runs"], node["config"]["method"]) == ("Find the order", 1, "get")
    assert node["last_run"]["title"] == "Find the order"
    assert (nodes["Write"]["id"], nodes["Write"]["runs"]) == ("1006", 0)
    runs_by_edge = {(edge["source"], edge["target"]): edge["runs"] for edge in graph["edges"]}
    assert runs_by_edge["What is it about?", "Find the order"] == 1
    fragment = console.get(
        "/apps/desk/graph/?version=1&node=Find+the+order&tab=settings",
        headers={"HX-Request": "true"},
    ).content.decode()
    assert "As published" in fragment and "get" in fragment
    assert not [secret for secret in SECRETS if secret in fragment]


def test_runs_of_other_steps_are_not_matched(console):
    app = make_app("desk")
    run = telemetry_run(app, version=make_version(app))
    make_execution(run, "Something else", kind="code", node_id="Something else")
    upload(console, dsl("branches-0.6"), app)
    assert [(v.number, bool(v.graph)) for v in app.versions.order_by("number")] == [
        (1, False), (2, True),
    ]  # fmt: skip


def test_a_file_that_came_before_its_runs_is_matched_when_it_comes_again(console):
    app = make_app("desk")
    upload(console, dsl("branches-0.6"), app)
    telemetry_run(app, version=make_version(app, 2, label="2026-05-01 08:00:00"))
    upload(console, dsl("branches-0.6"), app)
    version = app.versions.get()
    assert (version.label, bool(version.graph)) == ("2026-05-01 08:00:00", True)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The file is empty."),
        (b"just text", "This is not a Dify app: the file has no fields."),
        (b"\xff\xfe\x00", "The file is not UTF-8 text."),
        (b"a: [1,", "The file is not readable YAML at line"),
        (b"kind: rag_pipeline\n", "This is a knowledge pipeline"),
        (b"kind: app\napp: {mode: agent-chat}\nmodel_config: {}\n", "This is an agent, which has"),
    ],
)
def test_a_bad_file_is_a_sentence_by_the_form(console, body, sentence):
    app = make_app("desk")
    answer = upload(console, body, app)
    assert answer.status_code == 400
    alerts = check_page(answer.content.decode()).findall(".//p[@role='alert']")
    assert [sentence in alert.text for alert in alerts] == [True]
    assert not app.versions.exists()


def test_a_form_without_a_file(console):
    answer = console.post(f"/apps/{make_app('desk').slug}/versions/")
    assert answer.status_code == 400
    assert "Choose a file." in answer.content.decode()


def test_only_staff_add_versions(db):
    app = make_app("desk")
    client = Client()
    assert upload(client, dsl("old-0.1"), app)["Location"].startswith("/login/")
    client.force_login(get_user_model().objects.create_user("reader"))
    assert upload(client, dsl("old-0.1"), app).status_code == 403
    assert "Add the graph" not in client.get("/apps/desk/versions/").content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(get_user_model().objects.create_superuser("chief"))
    assert upload(strict, dsl("old-0.1"), app).status_code == 403
    assert not Version.objects.exists()


def test_the_page_of_a_version_that_nobody_sent(console):
    app = make_app("desk")
    version = make_version(app, comment="The first\nof many")
    make_run(app, version=version)
    page = text_of(check_view(console, "/apps/desk/versions/1/"))
    assert "The graph of this version was not sent" in page and "of many" in page
    assert console.get("/apps/desk/versions/7/").status_code == 404
    assert console.get(f"/apps/desk/versions/{10**30}/").status_code == 404
    version_json = console.get("/apps/desk/versions/1.json").json()
    fields = (version_json["number"], version_json["graph"], version_json["has_graph"])
    assert fields == (1, None, False)
    assert console.get("/apps/desk/versions.json").json()["versions"][0]["label"] == "v1"
    assert "/apps/desk/versions/1/" in console.get("/apps/desk/versions/").content.decode()


def test_the_command_takes_files(db, tmp_path):
    out, err = StringIO(), StringIO()
    bad = tmp_path / "bad.yml"
    bad.write_text("[")
    files = [DSL / "old-0.1.yml", bad, tmp_path / "none.yml", DSL / "chatflow-0.3.yml"]
    with pytest.raises(CommandError, match="2 of 4 files could not be imported"):
        call_command("import_dsl", *map(str, files), stdout=out, stderr=err)
    assert "Stored as version 1 of Old flow." in out.getvalue()
    assert f"{bad}: The file is not readable YAML" in err.getvalue()
    assert "none.yml: No such file" in err.getvalue()
    assert {app.name: app.mode for app in App.objects.all()} == {
        "Old flow": "workflow", "Help desk": "chatflow",
    }  # fmt: skip
    call_command("import_dsl", str(files[0]), "--app", "help-desk", stdout=out)
    assert App.objects.get(name="Help desk").versions.count() == 2
