"""Names say what things are: counted over the whole tree, so that none slips back in."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("config", "runs", "nodes")
# Words that say nothing about what they name.
EMPTY_NAMES = {"told", "found", "one", "of_run", "due", "kin"}
EMPTY_PARTS = {"told", "kin"}
# Columns of the database, which keep their names.
COLUMNS = {"told_node_id", "told_status"}
# Names that Django, argparse and Python's protocols give.
FRAMEWORK_NAMES = {"handle", "clean", "add_arguments", "get_absolute_url", "ready", "save"}
# What every dialect has (runs/recording/decoding/dialects/).
DIALECT_PROTOCOL = {"applies", "read"}
NESTED_CLASSES = {"Meta", "Command", "Media"}
MAX_MODULES = 3
MAX_WIDTH = 120


def modules(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{getattr(node, 'lineno', 0)}"


def defined_names(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield every name that a module gives: locals, arguments, functions, classes, attributes; but
    no fields of JSON, which clients know."""
    fields = {
        id(field.target)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Json")
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    }
    for node in ast.walk(tree(path)):
        if id(node) in fields:
            continue
        match node:
            case ast.arg():
                yield node.arg, node
            case ast.Name(ctx=ast.Store()):
                yield node.id, node
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node


def test_no_name_says_nothing() -> None:
    wrong = [
        f"{place(path, node)} {name}"
        for path in modules(*CODE, "tests")
        for name, node in [*defined_names(path), (path.stem, tree(path))]
        if name not in COLUMNS
        if name in EMPTY_NAMES or EMPTY_PARTS & set(name.lower().split("_"))
    ]
    assert wrong == []


def test_a_class_name_exists_once() -> None:
    places = defaultdict(list)
    for path in modules(*CODE):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and node.name not in NESTED_CLASSES:
                places[node.name].append(place(path, node))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_stack_trace_tells_functions_apart() -> None:
    """No function of a module, and no private method, has a name that more than three modules
    use."""
    users = defaultdict(set)
    for path in modules(*CODE):
        module = path.relative_to(ROOT).as_posix()
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef):
                users[node.name].add(module)
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and method.name.startswith("_"):
                        users[method.name].add(module)
    wrong = {
        name: sorted(where)
        for name, where in users.items()
        if len(where) > MAX_MODULES
        and name not in FRAMEWORK_NAMES | DIALECT_PROTOCOL
        and not name.startswith("__")
    }
    assert wrong == {}


def test_templates_and_styles_fit_a_screen() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").rglob("*.css")]
    wide = [
        f"{path.relative_to(ROOT).as_posix()}:{number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_WIDTH
    ]
    assert wide == []
