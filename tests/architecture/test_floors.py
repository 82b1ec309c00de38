"""The house as a test: every floor imports only what lies below it, no file grows without limit, no knot of imports."""

import ast
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HELPERS = PROJECT / "helpers"

FOUNDATION = ("errors", "units", "periods", "issues", "writing")

MAY_IMPORT = {
    "foundation": {"foundation"},
    "warehouse": {"foundation", "warehouse"},
    "model": {"foundation", "model"},
    "ingest": {"foundation", "model", "ingest"},
    "answers": {"foundation", "model", "answers"},
    "company": {"foundation", "warehouse", "model", "ingest", "answers", "company"},
    "engine": {"foundation", "warehouse", "model", "engine"},
    "analyses": {"foundation", "model", "engine", "analyses"},
    "present": {"foundation", "model", "engine", "analyses", "answers", "present"},
    "workbook": {"foundation", "model", "ingest", "answers", "company", "engine", "analyses", "present", "workbook"},
    "batch": {"foundation", "warehouse", "present", "batch"},
    "workshop": {
        *("foundation", "model", "ingest", "answers", "company", "engine", "analyses", "present", "workbook", "batch"),
        "workshop",
    },
    "__main__": {
        *("foundation", "model", "ingest", "answers", "company", "engine", "analyses", "present", "workbook", "batch"),
        *("warehouse", "workshop", "__main__"),
    },
}
"""Floor → the floors that it may import. A new module belongs to one of them, or gets a line of its own here."""

HEAVY = {
    "altair": {"present"},
    "ipywidgets": {"present", "workshop"},
    "anywidget": {"present", "workshop"},
    "voila": {"workshop"},
    "jupyter_server": {"workshop"},
    "papermill": {"batch"},
    "nbconvert": {"present", "batch"},
    "duckdb": {"ingest", "engine", "warehouse"},
    "pandas": {"foundation", "ingest", "answers", "company", "engine", "analyses", "present", "workbook"},
}
"""Library → the only floors that may import it."""

LONGEST_FILE = 400
LONGEST_FUNCTION = 70

MODULES = sorted(path for path in HELPERS.rglob("*.py"))


def floor_of(module: str) -> str:
    """Return the floor of a module's dotted name inside ``helpers``."""
    first = module.split(".")[0]
    return "foundation" if first in FOUNDATION else first


@cache
def parse(path: Path) -> ast.Module:
    """Return a file's syntax tree, which several rules read."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> list[str]:
    """Return every module that a file imports, function-local imports too, those for type checkers not."""
    tree = parse(path)
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            found.append(node.module or "")
            found.extend(f"{node.module}.{alias.name}" for alias in node.names if node.module == "helpers")
    return found


def name_of(path: Path) -> str:
    """Return a file's dotted name inside ``helpers``."""
    parts = path.relative_to(HELPERS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HELPERS)))
def test_a_floor_imports_only_what_lies_below_it(path):
    name = name_of(path)
    if not name:
        return
    floor = floor_of(name)
    assert floor in MAY_IMPORT, f"{path.name} is on no floor yet: put it on one, or name its floor in MAY_IMPORT"
    for imported in imports_of(path):
        if imported.startswith("helpers."):
            below = floor_of(imported.removeprefix("helpers."))
            assert below in MAY_IMPORT[floor], (
                f"{path.relative_to(PROJECT)} ({floor}) imports {imported} ({below}). Depend downward only: "
                "move the shared piece to a lower floor, or hand the result in as an argument."
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HELPERS)))
def test_heavy_libraries_stay_on_their_floors(path):
    name = name_of(path)
    if not name:
        return
    for imported in imports_of(path):
        allowed = HEAVY.get(imported.split(".")[0])
        assert allowed is None or floor_of(name) in allowed or floor_of(name) == "__main__", (
            f"{path.relative_to(PROJECT)} imports {imported}, which only {', '.join(sorted(allowed))} may."
        )


def test_no_knot_of_imports():
    graph = {name_of(path): set() for path in MODULES}
    for path in MODULES:
        for imported in imports_of(path):
            target = imported.removeprefix("helpers.")
            if imported.startswith("helpers.") and target in graph and target != name_of(path):
                graph[name_of(path)].add(target)
    visiting, done = [], set()

    def visit(node):
        assert node not in visiting, f"imports go in a circle: {' → '.join([*visiting[visiting.index(node) :], node])}"
        if node in done:
            return
        visiting.append(node)
        for following in sorted(graph[node]):
            visit(following)
        visiting.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HELPERS)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE, f"{path.relative_to(PROJECT)} is too long to be one room: split it"
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{path.relative_to(PROJECT)}: {node.name} has {length} lines: split it"


def test_the_top_level_holds_only_what_was_agreed():
    allowed = {"README.md", "requirements.txt", "pyproject.toml", "LICENSE", "notebooks", "helpers", "data", "tests"}
    found = {path.name for path in PROJECT.iterdir() if not path.name.startswith(".")}
    left_by_tools = {"reports", "companies", "build", "dist"}
    stray = {name for name in found - allowed - left_by_tools if not name.endswith(".egg-info")}
    assert not stray, f"these don't belong at the top: {', '.join(sorted(stray))}"


@pytest.mark.parametrize("word", ["utils", "common", "misc", "manager"])
def test_no_file_has_a_name_that_says_nothing(word):
    assert not [path for path in MODULES if word in path.stem.split("_")]
