"""The layering of docs/architecture.md, held by reading every import and every module-level call."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "arena").rglob("*.py")) + sorted((ROOT / "migrations").rglob("*.py"))

# What each room may import from the project. `arena.errors` is for all, and every room may import itself.
ROOMS: dict[str, frozenset[str]] = {
    "arena.errors": frozenset(),
    "arena.assets": frozenset(),
    "arena.settings": frozenset(),
    "arena.domain": frozenset(),
    "arena.ratings": frozenset(),
    "arena.sample": frozenset(),
    "arena.contenders": frozenset(),
    "arena.backends": frozenset({"arena.domain"}),
    "arena.store": frozenset({"arena.domain"}),
    "arena.reports": frozenset({"arena.domain", "arena.ratings"}),
    "arena.services": frozenset(
        {"arena.domain", "arena.store", "arena.ratings", "arena.reports"} | {"arena.backends", "arena.contenders"}
    ),
    "arena.web": frozenset(
        {"arena.domain", "arena.services", "arena.ratings", "arena.reports", "arena.settings", "arena.assets"}
    ),
    "arena.cli": frozenset(
        {"arena.domain", "arena.services", "arena.ratings", "arena.reports", "arena.settings", "arena.assets"}
        | {"arena.backends", "arena.contenders", "arena.sample"}
    ),
    "migrations": frozenset({"arena.store", "arena.settings"}),
}
# The command line and the web application put things together: they open the database, and keep out of its tables.
MODULES: dict[str, frozenset[str]] = {
    "arena.web": frozenset({"arena.store.engine"}),
    "arena.cli": frozenset({"arena.store.engine", "arena.store.schema"}),
}
# Inside a function only: `arena --help` and `arena leaderboard` need no web server.
LAZY: dict[str, frozenset[str]] = {"arena.cli": frozenset({"arena.web", "uvicorn"})}

KEPT_TO: dict[str, frozenset[str]] = {
    "sqlalchemy": frozenset({"arena.store", "migrations"}),
    "alembic": frozenset({"arena.store", "migrations"}),
    "fastapi": frozenset({"arena.web"}),
    "starlette": frozenset({"arena.web"}),
    "uvicorn": frozenset({"arena.web"}),
}
# Rooms whose imports from outside are counted on one hand.
ONLY: dict[str, frozenset[str]] = {
    "arena.errors": frozenset(),
    "arena.domain": frozenset(),
    "arena.sample": frozenset({"numpy"}),
    "arena.contenders": frozenset({"pydantic"}),
    "arena.backends": frozenset({"httpx2"}),
    "arena.ratings": frozenset({"numpy", "scipy"}),
}
NOT_AT_IMPORT = frozenset({"create_engine", "open_database", "Settings", "FastAPI", "create_app", "load"})


def room_of(module: str) -> str:
    """The room that a module is in: the first two names, or the first outside of `arena`."""
    first, *rest = module.split(".")
    return f"arena.{rest[0]}" if first == "arena" and rest else first


def faults(module: str, source: str) -> list[str]:
    """What `source`, as the module of this name, does against the rules; one sentence each."""
    tree = ast.parse(source)
    room = room_of(module)
    found = [fault for name, lazy in imports(tree) if (fault := import_fault(room, name, lazy=lazy))]
    if room != "migrations":  # Alembic runs these as scripts
        made = [name for name in called_at_import(tree) if name in NOT_AT_IMPORT]
        found += [f"{module} calls {name}() when it is imported" for name in made]
    if room == "arena.web":
        found += [f"{module}: the dependency {name} yields" for name in yielding_dependencies(tree)]
    return found


def import_fault(room: str, name: str, *, lazy: bool) -> str | None:
    """What is wrong with a room's import of `name`, if anything."""
    top = name.split(".")[0]
    if not top:
        return f"{room} has a relative import; name the module in full"
    if lazy and any(is_within(name, allowed) for allowed in LAZY.get(room, ())):
        return None
    if top in ("arena", "migrations", "tests", "benchmarks"):
        return None if may_import(room, name) else f"{room} imports {name}"
    if top in KEPT_TO and room not in KEPT_TO[top]:
        return f"{room} imports {name}"
    if room in ONLY and top not in sys.stdlib_module_names and top not in ONLY[room]:
        return f"{room} imports {name}"
    return None


def may_import(room: str, name: str) -> bool:
    """Whether a room may import a module of ours."""
    if name in ("arena", "arena.__version__") or room in ("arena", "arena.__init__"):
        return True
    target = room_of(name)
    if target in ("arena.errors", room) or target in ROOMS.get(room, ()):
        return True
    return any(is_within(name, allowed) for allowed in MODULES.get(room, ()))


def is_within(name: str, module: str) -> bool:
    """Whether `name` is `module`, or something in it."""
    return name == module or name.startswith(f"{module}.")


def imports(tree: ast.AST, *, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Every imported name, dotted, and whether it is imported within a function."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                yield from ((alias.name, lazy) for alias in node.names)
            case ast.ImportFrom(level=0):
                yield from ((dotted(node, alias), lazy) for alias in node.names)
            case ast.ImportFrom():
                yield "." * node.level, lazy
        yield from imports(node, lazy=lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def dotted(node: ast.ImportFrom, alias: ast.alias) -> str:
    """`from arena import web` names a room; `from x import y` of others names x, which is enough."""
    module = node.module or ""
    return f"{module}.{alias.name}" if module.split(".")[0] == "arena" else module


def called_at_import(tree: ast.AST) -> Iterator[str]:
    """The names of what is called while the module is imported: everything outside function bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            at_import: list[ast.expr] = [*node.decorator_list, *node.args.defaults]
            at_import += [default for default in node.args.kw_defaults if default is not None]
            for part in at_import:
                yield from called_at_import(ast.Expression(part))
            continue
        if isinstance(node, ast.Call):
            yield last_name(node.func)
        yield from called_at_import(node)


def yielding_dependencies(tree: ast.AST) -> Iterator[str]:
    """Functions with a `yield` that are handed to Depends or Security, by their names in the source."""
    generators = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and yields(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in ("Depends", "Security"):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            yield from (last_name(value) for value in given if last_name(value) in generators)


def yields(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function itself is a generator; what is defined within it does not count."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return False


def last_name(expression: ast.AST) -> str:
    """`create_engine` of both `create_engine` and `sqlalchemy.create_engine`."""
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def module_name(path: Path) -> str:
    """The dotted name of a source file of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_every_module_keeps_to_the_layering(path: Path) -> None:
    assert faults(module_name(path), path.read_text(encoding="utf-8")) == []


def test_every_room_has_a_rule() -> None:
    rooms = {room_of(module_name(path)) for path in SOURCES} - {"arena"}
    assert rooms == set(ROOMS)


def test_no_yielding_dependency_hides_in_another_module() -> None:
    """Depends may be given a function of another module: no two modules of the web room make that work either."""
    sources = [path.read_text(encoding="utf-8") for path in SOURCES if room_of(module_name(path)) == "arena.web"]
    assert list(yielding_dependencies(ast.parse("\n".join(without_future(source) for source in sources)))) == []


def without_future(source: str) -> str:
    """The source without its `from __future__` line, so that sources can be read one behind the other."""
    return source.replace("from __future__ import annotations\n", "")


VIOLATIONS = [
    ("arena.domain.ledger", "import numpy", "arena.domain imports numpy"),
    ("arena.domain.ledger", "from arena.store import tables", "arena.domain imports arena.store.tables"),
    ("arena.domain.ledger", "def f():\n    import arena.services.audit", "arena.domain imports arena.services.audit"),
    ("arena.services.voting", "from ..web import app", "arena.services has a relative import"),
    ("arena.ratings.board", "import polars", "arena.ratings imports polars"),
    ("arena.ratings.board", "from arena.domain import votes", "arena.ratings imports arena.domain.votes"),
    ("arena.store.votes", "from arena import ratings", "arena.store imports arena.ratings"),
    ("arena.store.votes", "from arena.services import voting", "arena.store imports arena.services.voting"),
    ("arena.reports.tables", "from arena.store import votes", "arena.reports imports arena.store.votes"),
    ("arena.services.voting", "from sqlalchemy import select", "arena.services imports sqlalchemy"),
    ("arena.services.voting", "import sqlalchemy.orm", "arena.services imports sqlalchemy.orm"),
    ("arena.services.voting", "from fastapi import Request", "arena.services imports fastapi"),
    ("arena.services.voting", "from arena.web import app", "arena.services imports arena.web.app"),
    ("arena.services.voting", "from arena.cli import common", "arena.services imports arena.cli.common"),
    ("arena.services.voting", "from arena import sample", "arena.services imports arena.sample"),
    ("arena.services.voting", "from arena.settings import load", "arena.services imports arena.settings.load"),
    ("arena.web.rater", "from arena.store import votes", "arena.web imports arena.store.votes"),
    ("arena.web.rater", "import arena.cli", "arena.web imports arena.cli"),
    ("arena.web.rater", "from arena import sample", "arena.web imports arena.sample"),
    ("arena.web.rater", "from sqlalchemy import text", "arena.web imports sqlalchemy"),
    ("arena.cli.serve", "from starlette.responses import Response", "arena.cli imports starlette.responses"),
    ("arena.cli.serve", "from arena.web import app", "arena.cli imports arena.web.app"),
    ("arena.cli.serve", "import uvicorn", "arena.cli imports uvicorn"),
    ("arena.cli.study", "from arena.store import votes", "arena.cli imports arena.store.votes"),
    ("arena.cli.study", "from tests import studies", "arena.cli imports tests"),
    (
        "arena.store.engine",
        "engine = create_engine('sqlite://')",
        "arena.store.engine calls create_engine() when it is",
    ),
    ("arena.store.x", "import sqlalchemy as s\nE = s.create_engine('')", "arena.store.x calls create_engine() when"),
    ("arena.web.app", "app = FastAPI()", "arena.web.app calls FastAPI() when it is imported"),
    ("arena.cli.app", "class A:\n    settings = Settings()", "arena.cli.app calls Settings() when it is imported"),
    ("arena.cli.app", "def f(db=open_database('')):\n    pass", "arena.cli.app calls open_database() when it is"),
    ("arena.web.deps", "def db():\n    yield 1\nD = Depends(db)", "arena.web.deps: the dependency db yields"),
    (
        "arena.web.deps",
        "async def db():\n    try:\n        yield 1\n    finally:\n        pass\nD = fastapi.Depends(dependency=db)",
        "arena.web.deps: the dependency db yields",
    ),
]


@pytest.mark.parametrize(("module", "source", "complaint"), VIOLATIONS)
def test_the_checker_finds_each_violation(module: str, source: str, complaint: str) -> None:
    found = faults(module, source)
    assert len(found) == 1
    assert found[0].startswith(complaint)


ALLOWED = [
    ("arena.domain.ledger", "import json\nfrom arena.errors import BadInput\nfrom arena.domain import canonical"),
    ("arena.ratings.board", "import numpy as np\nimport scipy.sparse\nfrom arena.errors import BadInput"),
    ("arena.store.votes", "from sqlalchemy import select\nfrom arena.domain.votes import Vote"),
    ("arena.reports.tables", "from arena.ratings import Board\nfrom arena.domain import text"),
    ("arena.services.voting", "from arena.store import votes\nfrom arena.ratings import rate"),
    ("arena.cli.serve", "def run():\n    import uvicorn\n    from arena.web import app"),
    ("arena.cli.demo", "from arena import sample\ndef f():\n    return Settings()"),
    ("arena.web.api", "def chunks(file):\n    yield 1\ndef get():\n    return StreamingResponse(chunks(1))"),
    ("arena.web.app", "def create_app():\n    return FastAPI()"),
]


@pytest.mark.parametrize(("module", "source"), ALLOWED)
def test_the_checker_is_silent_about_what_is_allowed(module: str, source: str) -> None:
    assert faults(module, source) == []
