"""What the documents say of the code is so: files, packages, models, settings, commands."""

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
DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
MAP = (ROOT / "ARCHITECTURE.md").read_text()
README = (ROOT / "README.md").read_text()
PLACES = [
    f"/{path.relative_to(ROOT).as_posix()}"
    for folder in ("config", "runs", "nodes", "templates", "static")
    for path in (ROOT / folder).rglob("*")
]
PATTERNS = {"_name.html", "var/"}  # no file of the code is meant
OF_THE_PLATFORM = {"PORT", "DATABASE_URL"}  # in the table of settings, without our name
OF_COMMANDS = {"WAYLOG_DIFY_DSN"}  # told where the command is
OF_DJANGO = {"migrations", "management", "templatetags"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_is_one(document: str) -> None:
    text = (ROOT / document).read_text()
    named = set(re.findall(r"`([\w./-]+\.(?:py|html|css|js)|[a-z_]+(?:/[a-z_]+)*/)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    wrong = [
        name
        for name in named - PATTERNS
        if not (ROOT / name).exists()
        and sum(place.endswith("/" + name.rstrip("/")) for place in PLACES) != 1
    ]
    assert wrong == [], "no such file, or several: name its folder, too"


@pytest.mark.parametrize("app", ["runs", "nodes"])
def test_the_map_has_every_package(app: str) -> None:
    components = MAP.partition("## Core components")[2].split("```")[1]
    [block] = re.findall(rf"^{app}/ .*\n((?: .*\n)+)", components, re.MULTILINE)
    told = re.findall(r"^  ([a-z_]+/(?: [a-z_]+/)*)", block, re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")}
    assert {name.rstrip("/") for line in told for name in line.split()} == packages - OF_DJANGO


def test_the_map_of_the_data_names_models_that_refer_to_each_other() -> None:
    models = {model.__name__: model for model in apps.get_models()}
    relations = re.findall(r"^    (\w+) [|}{o.-]+ (\w+) :", MAP, re.MULTILINE)
    assert len(relations) > 10
    for one, other in relations:
        assert refers(models[one], models[other]) or refers(models[other], models[one])


def refers(from_: type[Model], to: type[Model]) -> bool:
    return any(field.concrete and field.related_model is to for field in from_._meta.get_fields())


def test_the_table_has_every_setting() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    code = [
        path for folder in ("config", "runs", "nodes") for path in (ROOT / folder).rglob("*.py")
    ]
    read = {name for path in code for name in re.findall(r'"(WAYLOG_[A-Z_]+)"', path.read_text())}
    assert told - OF_THE_PLATFORM == read - OF_COMMANDS


@pytest.mark.parametrize("document", [*DOCUMENTS, "Makefile"])
def test_every_command_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= get_commands().keys()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^|run )make ([a-z]+)", text, re.MULTILINE)) <= set(targets)


def test_make_bench_starts() -> None:
    # Without what the make that runs the suite hands down.
    env = {name: told for name, told in os.environ.items() if not name.startswith("MAKE")}
    asked = ["make", "--dry-run", "bench", "ARGS=--help", f"VENV={sys.prefix}"]
    told = subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    command = told.stdout.splitlines()[-1].split()
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert b"--postgres" in said
