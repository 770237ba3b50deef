"""`arena audit`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, BinaryIO, TypeVar

import typer

from arena.cli.common import STANDARD_STREAM, binary, count, opened, say, write
from arena.domain.ledger import Head, LedgerBroken, read_head
from arena.domain.text import printable
from arena.errors import BadInput, Incomplete
from arena.services import against as comparing
from arena.services import audit as audits
from arena.services import studies
from arena.services.against import Export, Extension
from arena.services.audit import Audited
from arena.store.engine import Database

T = TypeVar("T")


def audit(
    study: Annotated[str | None, typer.Option("--study", "-s", help="One study only.", show_default=False)] = None,
    ledger: Annotated[
        str | None, typer.Option(help="An exported ledger; no database is needed.", show_default=False)
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH", help="A head kept elsewhere: HASH or POSITION:HASH, as on a board.", show_default=False
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="OLD", help="An older export: show that entries were only appended since.", show_default=False
        ),
    ] = None,
) -> None:
    """Recompute the ledgers, compare every row with its entry, and name the first bad one (exit status 1).

    Without a head or an export that was kept elsewhere, a ledger that was cut short or rewritten as a whole cannot be
    told.

    Examples: arena audit; arena audit --study kqa --head 812:9f…; arena audit --study kqa --against kqa-may.jsonl
    """
    known = read_head(head) if head is not None else None
    _check_options(study, ledger, {"--head": head, "--against": against})
    if ledger is not None:
        with binary(ledger) as file:
            _audit_file(file, ledger, known, against)
        return
    with opened() as db:
        if study is not None and against is not None:
            one = studies.get(db, study)
            _extended(study, against, "row", lambda old: comparing.study_extends(db, one.id, old, head=known))
            return
        for passed in _audited(db, study, known):
            _print(passed, "row")
    if known is None:
        say("note: without --head, a head that was kept elsewhere, a ledger that was cut or rewritten cannot be told")


def _check_options(study: str | None, ledger: str | None, of_one: Mapping[str, str | None]) -> None:
    for option, value in of_one.items():
        if value is not None and study is None and ledger is None:
            raise BadInput(f"{option} belongs to one ledger: give --study NAME or --ledger FILE with it")
    if study is not None and ledger is not None:
        raise BadInput("give --study or --ledger, not both")
    if ledger == of_one["--against"] == STANDARD_STREAM:
        raise BadInput("--ledger and --against cannot both be standard input")


def _audit_file(file: BinaryIO, name: str, known: Head | None, against: str | None) -> None:
    if against is not None:
        _extended(name, against, "part", lambda old: comparing.file_extends(file, name, old, head=known))
        return
    _print(_named(name, lambda: audits.audit_file(file, name, head=known)), "part")


def _extended(name: str, against: str, of: str, compare: Callable[[Export], Extension]) -> None:
    """Audit a ledger beside an older export; two lines: the audit's own, and what was added to the export."""
    with binary(against) as file:
        found = _named(name, lambda: compare(Export(against, file)))
    _print(found.audited, of)
    cells = [
        printable(found.audited.name),
        "extends",
        printable(against),
        f"by {count(found.added, 'entry', 'entries')}",
    ]
    write("\t".join(cells) + "\n")
    if found.parts_gone:
        gone = count(found.parts_gone, "part")
        say(f"note: no longer there of {printable(against)}: {gone}, erased or left out")


def _audited(db: Database, name: str | None, head: Head | None) -> Iterator[Audited]:
    if name is not None:
        study = studies.get(db, name)
        yield _named(name, lambda: audits.audit_study(db, study.id, head=head))
        return
    found = studies.listed(db)
    if not found:
        say("there is no study yet: nothing to audit")
        return
    yield _named(audits.INSTANCE, lambda: audits.audit_instance(db))
    for study in found:
        yield _named(study.name, partial(audits.audit_study, db, study.id))


def _named(name: str, check: Callable[[], T]) -> T:
    """Run a check; where it fails, say of which ledger."""
    try:
        return check()
    except LedgerBroken as error:
        raise Incomplete(f"{name}: {error}") from error


def _print(passed: Audited, of: str) -> None:
    """One line of an audited ledger; `of` says what was compared: rows, or the parts of a file."""
    cells = [
        printable(passed.name),
        "ok",
        count(passed.head.position, "entry", "entries"),
        count(passed.compared, of),
        f"{passed.head.position}:{passed.head.hash}",
    ]
    write("\t".join(cells) + "\n")
    name = printable(passed.name)
    if passed.texts_erased:
        say(f"note: {name}: texts erased, as its entries say: {passed.texts_erased:,}")
    if passed.texts_missing:
        say(f"note: {name}: texts gone without an entry (left out of a file, or deleted): {passed.texts_missing:,}")
