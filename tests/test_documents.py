"""The documents state facts about the code; these tests hold them to it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.db.models import Model

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)
MAP = (ROOT / "ARCHITECTURE.md").read_text()
PLACES = [
    f"/{path.relative_to(ROOT).as_posix()}"
    for folder in ("config", "runs", "nodes", "templates", "static", "docs")
    for path in (ROOT / folder).rglob("*")
]
PATTERNS = {"_name.html", "tables.py", "var/", "views.py"}  # not files of the code
OF_THE_PLATFORM = {"PORT", "DATABASE_URL"}  # in the table of settings, without the prefix
OF_COMMANDS = {"WAYLOG_DIFY_DSN"}  # documented with its command
OF_DJANGO = {"migrations", "management", "templatetags"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_named_file_exists(document: str) -> None:
    path = ROOT / document
    text = path.read_text()
    named = set(re.findall(r"`([\w./-]+\.(?:py|html|css|js)|[a-z_]+(?:/[a-z_]+)*/)`", text))
    wrong = [
        name
        for name in named - PATTERNS
        if not (ROOT / name).exists()
        and sum(place.endswith("/" + name.rstrip("/")) for place in PLACES) != 1
    ]
    assert wrong == [], "no such file, or several: name its folder, too"
    links = set(re.findall(r"\]\(([^)#:]+)\)", text))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("app", ["runs", "nodes"])
def test_the_map_has_every_package(app: str) -> None:
    components = MAP.partition("## Core components")[2].split("```")[1]
    [block] = re.findall(rf"^{app}/ .*\n((?: .*\n)+)", components, re.MULTILINE)
    listed = set(re.findall(r"^  ([a-z_]+)/", block, re.MULTILINE))
    assert listed == {path.parent.name for path in (ROOT / app).glob("*/__init__.py")} - OF_DJANGO


def test_the_map_stays_short() -> None:
    assert len(MAP.splitlines()) <= 150


def test_the_map_of_the_data_names_models_that_refer_to_each_other() -> None:
    models = {model.__name__: model for model in apps.get_models()}
    relations = re.findall(r"^    (\w+) [|}{o.-]+ (\w+) :", MAP, re.MULTILINE)
    assert len(relations) > 10
    for left, right in relations:
        assert refers(models[left], models[right]) or refers(models[right], models[left])


def refers(from_: type[Model], to: type[Model]) -> bool:
    return any(field.concrete and field.related_model is to for field in from_._meta.get_fields())


def test_the_table_has_every_setting() -> None:
    table = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    code = [
        path for folder in ("config", "runs", "nodes") for path in (ROOT / folder).rglob("*.py")
    ]
    read = {name for path in code for name in re.findall(r'"(WAYLOG_[A-Z_]+)"', path.read_text())}
    assert documented - OF_THE_PLATFORM == read - OF_COMMANDS


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "adr"
    index = re.findall(r"\]\((\d{3}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text())
    assert index == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for name in index:
        text = (folder / name).read_text()
        headings = re.findall(r"^## (\w+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Status"], name


@pytest.mark.parametrize("document", [*DOCUMENTS, "Makefile"])
def test_every_named_command_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= get_commands().keys()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^|run )make ([a-z]+)", text, re.MULTILINE)) <= set(targets)


def test_make_bench_starts() -> None:
    # Without the variables that the make which runs the suite passes on.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    dry_run = ["make", "--dry-run", "bench", "ARGS=--help", f"VENV={sys.prefix}"]
    output = subprocess.run(dry_run, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    command = output.stdout.splitlines()[-1].split()
    help_text = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert b"--postgres" in help_text
