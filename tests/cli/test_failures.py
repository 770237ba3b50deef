"""What goes wrong around the arena: settings, databases, disks. Each is one plain line and an exit status."""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import pytest

from arena.settings import Settings
from tests.cli.material import jsonl, load, questions
from tests.cli.running import Shell
from tests.cli.shells import MakeShell


def at(folder: Path, url: str, **env: str) -> Shell:
    return Shell(folder, {"ARENA_DATABASE_URL": url, "COLUMNS": "200", **env})


NONSENSE = "nonsense\x1b[31m"


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "database_url"])
def test_a_wrong_setting_is_told_by_its_variable(name: str, tmp_path: Path) -> None:
    variable = f"ARENA_{name.upper()}"
    said = Shell(tmp_path, {variable: NONSENSE}).fails(2, "study", "create", "s", "--title", "S")
    assert all(line.startswith(f"error: {variable}") for line in said.splitlines())
    assert "\x1b" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ARENA_SESSION_HOURS", "0"),
        ("ARENA_INVITATION_DAYS", "-1"),
        ("ARENA_TOKEN_DAYS", "1e9"),
        ("ARENA_REQUEST_BYTES", "12.5"),
        ("ARENA_IMPORT_DEPTH", "1000"),
        ("ARENA_IMPORT_ROWS", ""),
        ("ARENA_ENVIRONMENT", "Production"),
        ("ARENA_LOG_FORMAT", "xml"),
        ("ARENA_TRUSTED_PROXIES", "10.0.0.0/8,nonsense"),
        ("ARENA_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ARENA_PUBLIC_URL", "arena.example.org"),
        ("ARENA_PUBLIC_URL", "ftp://arena.example.org"),
        ("ARENA_PUBLIC_URL", "https://arena.example.org/below"),
        ("ARENA_PUBLIC_URL", "http://[::1"),
        ("ARENA_PUBLIC_URL", "http://arena.example.org"),
        ("ARENA_DATABASE_URL", NONSENSE),
        ("ARENA_DATABASE_URL", ""),
        ("ARENA_DATABASE_URL", "mysql://user@host/name"),
        ("ARENA_DATABASE_URL", "sqlite://"),
        ("ARENA_DATABASE_URL", "sqlite:///:memory:"),
    ],
)
def test_a_value_out_of_bounds(variable: str, value: str, tmp_path: Path) -> None:
    said = Shell(tmp_path, {variable: value}).fails(2, "study", "create", "s", "--title", "S")
    assert all(line.startswith(f"error: {variable}") for line in said.splitlines())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("study", "list"), ("db", "upgrade"), ("study", "create", "s", "--title", "S")])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://user@127.0.0.1:port/name"),
        pytest.param("postgresql://user@127.0.0.1:1/name?nonsense=1"),
    ],
)
def test_a_database_url_with_a_slip(url: str, command: tuple[str, ...], tmp_path: Path) -> None:
    done = at(tmp_path, url).run(*command)
    assert done.code in (1, 2)
    assert "unexpected" not in done.said


@pytest.mark.parametrize("command", [("study", "list"), ("db", "upgrade"), ("study", "create", "s", "--title", "S")])
def test_a_server_that_refuses_connections(command: tuple[str, ...], tmp_path: Path) -> None:
    said = at(tmp_path, "postgresql://someone:secret@127.0.0.1:1/name").fails(1, *command)
    assert said.startswith("error: the database cannot be opened: ")
    assert "refused" in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1


def test_a_postgresql_database_that_does_not_exist(make_shell: MakeShell) -> None:
    shell = make_shell("postgresql")
    missing = Shell(shell.folder, {"ARENA_DATABASE_URL": shell.url.replace("/test_", "/nowhere_")})
    assert "does not exist" in missing.fails(1, "study", "list")


@pytest.mark.parametrize("command", [("study", "list"), ("db", "upgrade"), ("study", "create", "s", "--title", "S")])
@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param("text"),
        pytest.param("cut"),
        "folder",
    ],
)
def test_a_file_that_is_no_database_is_told_and_left_alone(
    prepare: str, command: tuple[str, ...], make_shell: MakeShell
) -> None:
    shell = make_shell("sqlite")
    load(shell)
    file = shell.folder / "given.db"
    if prepare == "folder":
        file.mkdir()
    elif prepare == "text":
        file.write_text("Dear reader, this is a letter and no database.\n" * 100)
    else:
        whole = Path(shell.url.removeprefix("sqlite:///")).read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    before = None if file.is_dir() else file.read_bytes()
    said = at(shell.folder, "sqlite:///given.db").fails(1, *command)
    assert "database" in said
    assert before is None or file.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    said = at(tmp_path, "sqlite:///nowhere/arena.db").fails(1, "study", "create", "s", "--title", "S")
    assert said == "error: the database cannot be opened: unable to open database file\n"


def test_a_database_of_a_newer_revision_is_neither_read_nor_changed(make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    file = Path(shell.url.removeprefix("sqlite:///"))
    db = sqlite3.connect(file)
    db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.commit()
    db.close()
    assert "the database is not up to date" in shell.fails(1, "study", "list")
    assert "9999" in shell.fails(1, "db", "upgrade")
    assert "9999" in shell.fails(1, "study", "create", "t", "--title", "T")
    assert [name for (name,) in sqlite3.connect(file).execute("SELECT name FROM study")] == ["s"]


@pytest.mark.parametrize("kind", ["questions", "answers", "votes", "ledger"])
def test_an_output_that_cannot_be_written(kind: str, make_shell: MakeShell) -> None:
    shell = make_shell("sqlite")
    load(shell)
    ending = {"ledger": "jsonl"}.get(kind, "csv")
    export = ("export", kind, "--study", "s", "--output")
    target = f"nowhere/out.{ending}"
    said = shell.fails(2, *export, target)
    assert said.endswith(f"{target}: cannot be written: No such file or directory\n")
    (shell.folder / f"folder.{ending}").mkdir()
    assert "cannot be written: Is a directory" in shell.fails(2, *export, f"folder.{ending}")
    if kind != "ledger":
        assert "the ending tells no format" in shell.fails(2, *export, "out.xyz")
        assert "leave out .gz" in shell.fails(2, *export, "out.csv.gz")
    (shell.folder / f"full.{ending}").symlink_to("/dev/full")
    assert "No space left on device" in shell.fails(1, *export, f"full.{ending}")
    assert not list(shell.folder.glob(".*.part"))


def test_a_disk_that_fills_up_leaves_the_study_as_it_was(make_shell: MakeShell) -> None:
    """The limit on the size of files stands in for the disk's end; it holds for the child process alone."""
    shell = make_shell("sqlite")
    load(shell)
    before = shell.ok("export", "ledger", "--study", "s").data
    many = [{"id": f"n{n}", "text": "x" * 5000} for n in range(400)]
    file = shell.write("many.jsonl", jsonl([*questions(), *many]))
    argv = ("import", "questions", file, "--study", "s")
    process = shell.spawn(*argv)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert shell.ok("export", "ledger", "--study", "s").data == before
    shell.ok("audit")
    assert err.startswith(b"error: the database ")
    assert err.count(b"\n") == 1


def test_a_port_that_is_taken(make_shell: MakeShell) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = make_shell("sqlite").fails(1, "serve", "--port", port)
    assert said.startswith(f"error: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert said.endswith("; choose another with --port\n")
