"""The whole database as one file, and back. Both are audited before they count."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from arena.domain.ledger import LedgerBroken
from arena.errors import Conflict, Incomplete
from arena.ratings import Progress
from arena.services import audit, studies
from arena.services.audit import Audited
from arena.services.files.writing import replacing
from arena.store import access, backup, schema
from arena.store.engine import Database

PRIVATE = 0o600


def back_up(db: Database, target: Path, *, migrations: Path, report: Progress) -> list[Audited]:
    """Write a copy of one state of `db` to the new SQLite file `target`; others go on writing to `db` meanwhile.

    The file takes its name when it is whole, passed the audit and is on the disk; it can be read by its owner only.
    Returns the ledgers that it holds. Raises Conflict where there is a file of that name, Incomplete where there is
    nothing to back up, the copy fails its audit or cannot be written.
    """
    if os.path.lexists(target):
        raise Conflict(f"{target}: there is a file of that name already; choose another name")
    with db.read() as tx:
        if backup.is_empty(tx):
            raise Incomplete("the database holds no study yet: there is nothing to back up")
    with replacing(target) as handle, backup.new_file(Path(handle.name)) as copy:
        os.fchmod(handle.fileno(), PRIVATE)
        try:
            schema.upgrade(copy, migrations)
            with db.read() as source, copy.write() as tx:
                backup.copy(source, tx, report=report)
            return audited(copy)
        except Incomplete as error:
            raise Incomplete(f"{target}: was not written: {error}") from error


def check_backup(source: Path, *, migrations: Path) -> None:
    """Raise BadInput where `source` is no whole backup, Incomplete where an older version made it."""
    with backup.backup_file(source) as file:
        backup.check_file(file, source, migrations)


def restore(
    db: Database, source: Path, *, migrations: Path, report: Progress, keep_sessions: bool = False
) -> list[Audited]:
    """Store all that the backup `source` holds in `db`, which has the tables and no study, in one transaction.

    Sessions and unused links end, unless they are to be kept: some may have been ended since the backup was made.
    It is audited before it is committed. Returns the ledgers restored. Raises as `check_backup`, Conflict where `db`
    holds something already, Incomplete where the audit fails.
    """
    check_backup(source, migrations=migrations)
    with backup.backup_file(source) as file, file.read() as given, db.write() as tx:
        backup.hold_empty(tx)
        backup.copy(given, tx, report=report)
        if backup.is_empty(tx):
            raise Incomplete(f"{source}: holds no study: there is nothing to restore")
        if not keep_sessions:
            access.end_all(tx)
        return audited(backup.within(db, tx))


def audited(db: Database) -> list[Audited]:
    """Audit the instance's ledger and every study's. Raises Incomplete naming the ledger and its first bad entry."""
    passed = [_named(audit.INSTANCE, partial(audit.audit_instance, db))]
    return passed + [_named(study.name, partial(audit.audit_study, db, study.id)) for study in studies.listed(db)]


def _named(name: str, check: Callable[[], Audited]) -> Audited:
    try:
        return check()
    except LedgerBroken as error:
        raise Incomplete(f"{name}: {error}") from error
