"""The help that every command carries, and how wrong usage is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from arena import __version__
from arena.cli.app import build
from tests.cli.running import Shell


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """All commands below a group, each with its path."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name))


COMMANDS = sorted(commands(get_command(build())))


@pytest.fixture
def anywhere(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path, {"COLUMNS": "120"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(command: str, anywhere: Shell) -> None:
    shown = anywhere.ok(*command.split(), "--help").out
    text = " ".join(shown.split())
    assert f"Usage: arena {command} " in text
    assert re.search(rf"Examples?: (.*)arena {command}", text), text
    assert not re.search(r" [.,;:]", text.partition("Options")[0]), "nothing was taken for markup and left out"


def test_help_and_version_need_no_database_and_leave_none(anywhere: Shell) -> None:
    assert anywhere.ok("--version").out == f"clinical-arena {__version__}\n"
    overview = anywhere.ok("--help").out
    assert "Not for clinical use." in overview
    for command in COMMANDS:
        assert command.split()[0] in overview
    assert list(anywhere.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("study", "nonsense"), "No such command 'nonsense'"),
        (("study", "list", "--nonsense"), "No such option: --nonsense"),
        (("study", "create", "s"), "Missing option '--title'"),
        (("study", "create"), "Missing argument 'STUDY'"),
        (("import", "votes", "v.csv"), "Missing option '--study'"),
        (("import", "votes", "v.csv", "--study", "s", "--format", "xml"), "'xml' is not one of"),
        (("study", "list", "more"), "unexpected extra argument"),
        (("serve", "--port", "65536"), "--port"),
    ],
)
def test_wrong_usage_is_exit_status_2(argv: tuple[str, ...], told: str, anywhere: Shell) -> None:
    assert told in " ".join(anywhere.fails(2, *argv).replace("│", "").split())


def test_what_was_typed_comes_back_harmless(anywhere: Shell) -> None:
    for word in ("\x1b[31mred", "[red]x[/red]", "[/]"):
        said = anywhere.fails(2, word)
        assert "\x1b" not in said
        assert word.replace("\x1b", "\\x1b") in said
