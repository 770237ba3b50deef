"""All commands in one table, and what happens when one fails."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from arena import __version__
from arena.cli import (
    access,
    agreement,
    amend,
    answers,
    audit,
    backup,
    batch,
    board,
    combine,
    contenders,
    database,
    demo,
    exchange,
    fragility,
    generate,
    plan,
    raters,
    serve,
    simulate,
    study,
    style,
)
from arena.cli.common import say
from arena.domain.text import printable
from arena.errors import ArenaError

_GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "db": ("The database.", {"upgrade": database.upgrade, "scrub": amend.scrub}),
    "study": (
        "Studies: create, plan, open, close, publish.",
        {
            "create": study.create,
            "list": study.list_,
            "show": study.show,
            "open": study.open_,
            "close": study.close,
            "publish": study.publish,
        },
    ),
    "study plan": ("A study's settings.", {"show": study.plan_show, "set": study.plan_set}),
    "study contenders": ("A study's contenders.", {"add": generate.add_contenders}),
    "contenders": (
        "The systems under test.",
        {"list": contenders.list_, "show": contenders.show, "serve": contenders.serve},
    ),
    "plan": (
        "How many votes, which next, and when it is settled.",
        {"width": plan.width, "separate": plan.separate, "next": plan.next_, "settled": plan.settled},
    ),
    "import": (
        "Files into a study: JSONL, CSV or Parquet.",
        {
            "questions": exchange.import_questions,
            "answers": exchange.import_answers,
            "votes": exchange.import_votes,
            "ledger": exchange.import_ledger,
        },
    ),
    "export": (
        "A study into files.",
        {
            "questions": exchange.export_questions,
            "answers": exchange.export_answers,
            "votes": exchange.export_votes,
            "ledger": exchange.export_ledger,
        },
    ),
    "batch": ("Batch files of missing answers.", {"export": batch.export, "import": batch.import_}),
    "answers": ("The answers of a study.", {"scan": answers.scan}),
    "seat": ("Who has a seat in a study.", {"list": access.seat_list, "revoke": access.seat_revoke}),
    "token": (
        "Tokens for the API.",
        {"create": access.token_create, "list": access.token_list, "revoke": access.token_revoke},
    ),
}
_COMMANDS: dict[str, Callable[..., None]] = {
    "invite": access.invite,
    "leaderboard": board.leaderboard,
    "agreement": agreement.agreement,
    "combine": combine.combine,
    "fragility": fragility.fragility,
    "generate": generate.generate,
    "simulate": simulate.simulate,
    "style": style.style,
    "raters": raters.raters,
    "exclude": amend.exclude,
    "readmit": amend.readmit,
    "withdraw": amend.withdraw,
    "erase": amend.erase,
    "audit": audit.audit,
    "backup": backup.backup,
    "restore": backup.restore,
    "serve": serve.serve,
    "demo": demo.demo,
}


def build() -> typer.Typer:
    """The command with all its subcommands."""
    app = _group("Clinical Arena: blinded comparison of clinical answers. Not for clinical use.")
    app.callback()(_version)
    groups = {"": app}
    for path, (help_text, commands) in _GROUPS.items():
        parent, _, name = path.rpartition(" ")
        groups[path] = _group(help_text)
        groups[parent].add_typer(groups[path], name=name)
        _add(groups[path], commands)
    _add(app, _COMMANDS)
    return app


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _add(app: typer.Typer, commands: dict[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        app.command(name)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"clinical-arena {__version__}")
        raise typer.Exit


def _version(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line: 0 done, 1 not completed or a check failed, 2 bad input or usage."""
    try:
        build()(prog_name="arena")
    except ArenaError as error:
        for line in str(error).splitlines():
            say(f"error: {printable(line)}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # Who reads our output has had enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        say(f"error: something unexpected happened ({type(error).__name__}); the details are in {_kept(error)}")
        sys.exit(1)


def _kept(error: Exception) -> Path:
    """Keep the traceback in a private file, for a report of the fault."""
    handle, name = tempfile.mkstemp(prefix="arena-error-", suffix=".txt", text=True)
    with os.fdopen(handle, "w") as file:
        file.writelines(traceback.format_exception(error))
    return Path(name)
