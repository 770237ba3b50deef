"""`arena exclude`, `arena readmit`, `arena withdraw`, `arena erase` and `arena db scrub`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from arena.cli.common import StudyOption, count, now, opened, say
from arena.domain.text import printable
from arena.errors import BadInput
from arena.services import erasure, exclusions
from arena.services.erasure import Withdrawal
from arena.store.engine import Database

LAST = 2**63 - 1
Entries = Annotated[
    list[int] | None,
    typer.Argument(metavar="ENTRY", min=1, max=LAST, help="Votes, by their ledger entries.", show_default=False),
]
OfRater = Annotated[str | None, typer.Option(help="All votes of this rater so far, instead.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; public on every board from then on.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]


def exclude(study: StudyOption, reason: Reason, entries: Entries = None, rater: OfRater = None) -> None:
    """Leave votes out of every board from now on, in public: boards say how many and why. `arena readmit` undoes it.

    Exports name a vote's entry as ledger_position. A rater's later votes count; `arena seat revoke` ends them.

    Example: arena exclude 812 845 --study kqa --reason "cast during a test of the projector"
    """
    done = _exclude(study, reason, entries, rater, readmit=False)
    say(f"excluded {count(done, 'vote')} of '{study}'; boards now say so, and why")


def readmit(study: StudyOption, reason: Reason, entries: Entries = None, rater: OfRater = None) -> None:
    """Count votes again that were excluded. Both stay in the ledger.

    Example: arena readmit 812 --study kqa --reason "it was a real session after all"
    """
    done = _exclude(study, reason, entries, rater, readmit=True)
    say(f"readmitted {count(done, 'vote')} of '{study}'")


def _exclude(study: str, reason: str, entries: list[int] | None, rater: str | None, *, readmit: bool) -> int:
    if bool(entries) == (rater is not None):
        raise BadInput("name the votes by their entries, or all of one rater with --rater")
    with opened() as db:
        return exclusions.exclude(
            db, study, entries=entries or (), rater=rater, reason=reason, readmit=readmit, now=now()
        )


def withdraw(
    rater: Annotated[str, typer.Argument(help="The pseudonym; `arena seat list` shows it.", show_default=False)],
    study: StudyOption,
    yes: Yes = False,
) -> None:
    """Let a rater leave a study: name and comments are erased, the seat is closed, by the plan the votes stay or go.

    The ledger records that it happened. This cannot be undone. Backups and exports made before keep what they hold.

    Example: arena withdraw rater-abcd2345 --study kqa
    """
    with opened() as db:
        _confirm(f"{_words(erasure.foreseen(db, study, rater), 'will')}. This cannot be undone.", yes)
        done = erasure.withdraw(db, study, rater, now=now())
        say(_words(done, "has"))
        _scrub(db)


def _words(of: Withdrawal, verb: Literal["will", "has"]) -> str:
    def become(number: int, singular: str, plural: str | None = None) -> str:
        be = "will be" if verb == "will" else "is" if number == 1 else "are"
        return f"{count(number, singular, plural)} {be}"

    votes = f"{become(of.votes_withdrawn, 'vote')} withdrawn" if of.votes_withdrawn else "votes stay"
    texts = f"{become(of.texts, 'comment or further field', 'comments and further fields')} erased"
    name = f"the name {'will be' if verb == 'will' else 'is'} erased" if of.name else "no name is kept"
    return f"{printable(of.rater)}: {name}, {texts}, {votes}"


def erase(
    entry: Annotated[
        int, typer.Argument(min=1, max=LAST, help="The ledger entry of the vote or correction.", show_default=False)
    ],
    study: StudyOption,
    text: Annotated[Literal["comment", "extra"], typer.Option(help="Which of its texts.")] = "comment",
    yes: Yes = False,
) -> None:
    """Erase the comment of one vote. The ledger records that it was erased; the vote stays.

    This cannot be undone. Backups and exports made before keep what they hold.

    Example: arena erase 812 --study kqa
    """
    with opened() as db:
        _confirm(f"the {text} of entry {entry} in '{study}' will be erased. This cannot be undone.", yes)
        erasure.erase_text(db, study, entry, text, now=now())
        say(f"the {text} of entry {entry} is erased")
        _scrub(db)


def scrub() -> None:
    """Overwrite what erased texts left behind in the database's files. `withdraw` and `erase` do it themselves.

    Needed after a rater withdrew on the web while the database was busy or backed up: the server's log says so.

    Example: arena db scrub
    """
    with opened() as db:
        _scrub(db)


def _scrub(db: Database) -> None:
    remains = erasure.scrub(db)
    for where in remains:
        say(f"warning: {where}")
    if not remains:
        say("nothing of what was erased is left in the database's files")


def _confirm(what: str, yes: bool) -> None:
    """Ask the person at the terminal. Raises BadInput where there is none to ask."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise BadInput(f"{what} Repeat the command with --yes.")
    typer.confirm(f"{what} Go on?", abort=True, err=True)
