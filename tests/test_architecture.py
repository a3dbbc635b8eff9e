"""The shape of the code (ARCHITECTURE.md), kept by tests rather than by memory."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("config", "runs", "nodes")
FOLDERS = {*CODE, "templates", "static", "tests", "docs"}
MADE = {"var", "staticfiles", "screenshots", "node_modules"}  # never committed

# What each package must not import: config → runs → nodes, one way.
UPWARD = {"nodes": {"runs", "config"}, "runs": {"config"}}

# The stages of recording, each with the stages that it may import.
STAGES = {
    "receiving": {"storing", "decoding", "records"},
    "importing": {"storing", "decoding", "records"},
    "storing": {"decoding", "deriving", "records"},
    "decoding": {"records"},
    "deriving": {"records"},
    "records": set(),
}
# What reads runs for people, of which recording must know nothing.
READERS = ("runs.pages", "runs.json", "runs.query")

# Modules that only turn data into other data: no ORM, no settings, no request. Beside these, every
# module whose docstring says so.
PURE = (
    "nodes/formats.py",
    "nodes/kinds.py",
    "runs/recording/deriving/*.py",
    "runs/recording/decoding/**/*.py",
    "runs/recording/records/*.py",
)
IMPURE = (
    "django.conf",
    "django.db",
    "django.http",
    "django.shortcuts",
    "django.urls",
    "nodes.models",
    "runs.models",
)
# A choices class is a word list that happens to live in django.db.models.
WORDS = {"TextChoices", "IntegerChoices"}

# The one place that may call HTML safe: after the sanitiser.
TRUSTED_HTML = {"nodes/content/markdown.py"}
VAGUE = {"utils", "helpers", "services", "common", "misc", "selectors"}
OWN_JAVASCRIPT_LINES = 150


def files(pattern: str, *folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob(pattern))]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imported(path: Path) -> list[str]:
    """Every module or name that a file imports, dotted; also inside functions and conditions."""
    return list(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(dotted: str, package: str) -> bool:
    return dotted == package or dotted.startswith(f"{package}.")


def test_only_the_folders_that_everybody_knows() -> None:
    seen = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert seen - MADE <= FOLDERS


@pytest.mark.parametrize("package", UPWARD)
def test_imports_go_one_way(package: str) -> None:
    wrong = [
        f"{name(path)} imports {dotted}"
        for path in files("*.py", package)
        for dotted in imported(path)
        if dotted.partition(".")[0] in UPWARD[package]
    ]
    assert wrong == []


def test_nodes_link_to_no_page_of_a_run_or_an_app() -> None:
    """What is shown of one step knows no addresses of whole runs: pages and templates link."""
    links = re.compile(r"reverse\(\s*[\"'](run|app)")
    assert [name(path) for path in files("*.py", "nodes") if links.search(path.read_text())] == []


def imported_packages() -> dict[str, set[str]]:
    """Return {package: the other packages that it imports}. A package is a folder below an app; a
    module that stands in the app's own folder counts by itself."""
    package_of: dict[str, str] = {}  # by dotted module
    paths: dict[str, Path] = {}
    for path in files("*.py", "runs", "nodes"):
        if "migrations" in path.parts:
            continue
        *folders, stem = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(folders if stem == "__init__" else [*folders, stem])
        paths[module] = path
        package_of[module] = module if len(folders) == 1 else ".".join(folders)
    graph: dict[str, set[str]] = {package: set() for package in package_of.values()}
    for module, path in paths.items():
        package = package_of[module]
        for dotted in imported(path):
            target = dotted if dotted in paths else dotted.rpartition(".")[0]
            if target in paths and package_of[target] != package:
                graph[package].add(package_of[target])
    return graph


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return what `start` leads to in one or more steps."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        following = graph[waiting.pop()] - reached
        reached |= following
        waiting.extend(following)
    return reached


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    graph = imported_packages()
    assert [package for package in graph if package in reachable(graph, package)] == []


def test_every_folder_of_recording_is_a_stage() -> None:
    folders = {path.parent.name for path in (ROOT / "runs/recording").glob("*/__init__.py")}
    assert folders == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_stages_of_recording_import_one_way(stage: str) -> None:
    allowed = {stage, *STAGES[stage]}
    wrong = [
        f"{name(path)} imports {dotted}"
        for path in files("*.py", f"runs/recording/{stage}")
        for dotted in imported(path)
        if within(dotted, "runs.recording") and dotted.split(".")[2] not in allowed
    ]
    assert wrong == []


def test_recording_knows_nothing_of_pages() -> None:
    wrong = [
        f"{name(path)} imports {dotted}"
        for path in files("*.py", "runs/recording")
        for dotted in imported(path)
        if any(within(dotted, package) for package in READERS)
    ]
    assert wrong == []


def test_code_never_imports_tests() -> None:
    wrong = [
        name(path)
        for path in files("*.py", *CODE)
        if any(within(dotted, "tests") for dotted in imported(path))
    ]
    assert wrong == []


def pure_modules() -> list[Path]:
    listed = {path for pattern in PURE for path in ROOT.glob(pattern)}
    declared = {
        path
        for path in files("*.py", *CODE)
        if re.search(r"\bPure\b", ast.get_docstring(tree(path)) or "")
    }
    return sorted(listed | declared)


def test_decoders_and_drawing_are_pure() -> None:
    wrong = [
        f"{name(path)} imports {dotted}"
        for path in pure_modules()
        for dotted in imported(path)
        if any(within(dotted, package) for package in IMPURE)
        and dotted.rpartition(".")[2] not in WORDS
    ]
    assert wrong == []


def test_names_say_what_a_module_is_about() -> None:
    assert [name(path) for path in files("*.py", *CODE) if path.stem in VAGUE] == []


def test_no_html_is_called_safe() -> None:
    calls = re.compile(r"\b(mark_safe|SafeString|SafeText|html_safe)\s*\(|__html__")
    filters = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off")
    wrong = [
        name(path)
        for path in files("*.py", *CODE)
        if calls.search(path.read_text()) and name(path) not in TRUSTED_HTML
    ]
    wrong += [
        name(path) for path in files("*.html", "templates") if filters.search(path.read_text())
    ]
    assert wrong == []


def test_templates_hold_no_script_and_no_style() -> None:
    """The content security policy would refuse them. Computed custom properties are let through."""
    wrong = []
    for path in files("*.html", "templates"):
        text = re.sub(r"{#.*?#}|{% comment.*?endcomment %}", "", path.read_text(), flags=re.DOTALL)
        for tag in re.findall(r"<script\b[^>]*>", text):
            if "src=" not in tag and "application/json" not in tag:
                wrong.append(f"{name(path)}: {tag}")
        wrong += [f"{name(path)}: {on}" for on in re.findall(r"\s(?:hx-)?on[:a-z]+=\"[^\"]*", text)]
        wrong += [f"{name(path)}: <style>"] * len(re.findall(r"<style\b", text))
        wrong += [
            f"{name(path)}: style={style}"
            for style in re.findall(r"\sstyle=\"([^\"]*)\"", text)
            if not all(part.strip().startswith("--") for part in style.split(";") if part.strip())
        ]
    assert wrong == []


def test_own_javascript_stays_small() -> None:
    lines = {name(path): len(path.read_text().splitlines()) for path in files("*.js", "static")}
    assert sum(lines.values()) <= OWN_JAVASCRIPT_LINES, lines


def test_nothing_is_fetched_from_elsewhere() -> None:
    """No CDN: a console for private data asks nobody else for code, styles or fonts."""
    loading = re.compile(r"<(?:script|link|img)\b[^>]*>|@import[^;]*;|url\([^)]*\)")
    outside = re.compile(r"""(?:src="|href="|@import\s*['"]|url\(\s*['"]?)(?:https?:)?//""")
    wrong = [
        f"{name(path)}: {tag}"
        for path in [*files("*.html", "templates"), *files("*.css", "static")]
        for tag in loading.findall(path.read_text())
        if outside.search(tag)
    ]
    assert wrong == []
