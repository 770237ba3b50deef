"""No one changes the record unseen: random attacks on databases and on exported files, and honest ledgers beside."""

from __future__ import annotations

import io
from functools import partial
from itertools import count
from random import Random

import pytest
from sqlalchemy import Insert, Update, insert, update

from arena.domain.ledger import Head, LedgerBroken
from arena.services import audit, exports, studies
from arena.services.against import Export, study_extends
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.forging import by_audit, by_document, cut, rewritten, second_verifier
from tests.reliability.attacker import TABLES, WITH_ENTRY, WORDS, Attacker, Held, lower_the_guard
from tests.reliability.lives import Life, full, grow
from tests.scale import scaled

pytestmark = pytest.mark.reliability
ATTACKED, HONEST, LEDGERS = scaled(60, 1000), scaled(30, 500), scaled(20, 100)
"""Attacks on each kind of database and on files; honest ledgers on each kind of database; ledgers for attacks."""


@pytest.fixture
def attacker(db: Database) -> Attacker:
    """The owner of a database with a study in which everything happened."""
    full(db)
    lower_the_guard(db)
    return Attacker(db)


def exported(db: Database, name: str = "s") -> bytes:
    """A study's ledger as a file."""
    file = io.BytesIO()
    exports.export(db, studies.get(db, name), "ledger", file, "jsonl")
    return file.getvalue()


def test_every_attack_on_a_database_is_found_and_the_first_bad_entry_named(attacker: Attacker) -> None:
    """Each is undone before the next. Where only the kept head tells, the audit without it passes: it is the head."""
    db = attacker.db
    study = studies.get(db, "s")
    head, own = audit.audit_study(db, study.id).head, audit.audit_instance(db).head
    wrong: list[str] = []
    for number in range(ATTACKED):
        with attacker.attacked(Random(number)) as (then, attack):
            check = (
                partial(audit.audit_study, then, study.id) if attack.of_study else partial(audit.audit_instance, then)
            )
            named = found(check, head if attack.of_study else own)
            if named is None or not attack.first <= named <= attack.last:
                wrong.append(f"{number}: {attack}, and {named} was named")
            if attack.is_hidden and found(check, None) is not None:
                wrong.append(f"{number}: {attack} was to be found by the head only")
    assert wrong == []
    assert audit.audit_study(db, study.id, head=head).head == head, "every attack was undone"
    assert audit.audit_instance(db).head == own


def found(check: partial[audit.Audited], head: Head | None) -> int | None:
    """The position that an audit names; None where it passes."""
    try:
        check(head=head)
    except LedgerBroken as error:
        return error.position
    return None


def test_what_only_a_head_would_tell_an_older_export_tells_too(attacker: Attacker) -> None:
    old = exported(attacker.db)
    study = studies.get(attacker.db, "s")
    told = 0
    for number in range(scaled(15, 150)):
        attacks = [Attacker.truncate, Attacker.rewrite]
        with attacker.attacked(Random(number), attacks) as (then, attack):
            with pytest.raises(LedgerBroken) as caught:
                study_extends(then, study.id, Export("old", io.BytesIO(old)))
            if attack.is_hidden:
                assert caught.value.position == attack.first, "entry by entry, it is the very first"
                told += 1
    assert told > 5


def test_honest_ledgers_are_never_accused(db: Database) -> None:
    """By the audit of the database, by that of the file, or by the second verifier."""
    verifier = second_verifier()
    heads: set[str] = set()

    def check(life: Life) -> None:
        head = audit.audit_study(db, studies.get(db, life.name).id).head
        data = exported(db, life.name)
        expected = (None, f"{head.position}:{head.hash}")
        assert by_audit(data, expected[1]) == by_document(verifier, data, expected[1]) == expected
        heads.add(head.hash)

    lived = count()
    while len(heads) < HONEST:
        number = next(lived)
        grow(db, f"s{number}", Random(number), check)
    assert number < HONEST / 3, "most lives are seen in four different states"
    assert audit.audit_instance(db).compared >= 2 * number


# -------------------------------------------------------------------------------------------------- exported files


@pytest.fixture
def ledgers(make_db: MakeDatabase) -> list[bytes]:
    """Random ledgers, exported."""
    db = make_db("sqlite")
    for number in range(LEDGERS):
        grow(db, f"s{number}", Random(1000 + number), lambda _: None)
    return [exported(db, study.name) for study in studies.listed(db)]


def attacked(ledger: bytes, rng: Random) -> tuple[str, bytes, int, int]:
    """A ledger with one random change: what it is, the file, and between which entries the fault is to be named."""
    lines = ledger.splitlines(keepends=True)
    end = len(lines) - 1
    where, other = rng.randrange(1, end + 1), rng.randrange(1, end + 1)
    match rng.randrange(6):
        case 0:
            line = rng.randrange(end + 1)
            at = rng.randrange(len(lines[line]) - 1)
            changed = bytes([rng.choice([b for b in range(256) if b not in (lines[line][at], 10)])])
            lines[line] = lines[line][:at] + changed + lines[line][at + 1 :]
            # A header that names another chain, position or head is well formed: the entry that it belies is named.
            return "a byte changed", b"".join(lines), line, line or end + 1
        case 1:
            del lines[where]
            return "an entry deleted", b"".join(lines), where, where
        case 2 if where != other:
            return "an entry doubled", b"".join([*lines[:where], lines[other], *lines[where:]]), where, where
        case 3 if where != other:
            lines[where], lines[other] = lines[other], lines[where]
            return "two entries exchanged", b"".join(lines), min(where, other), min(where, other)
        case 4 if where < end:
            return "the end cut off", cut(ledger, where), where + 1, end
    time = "2026-01-01T00:00:00.000000Z"
    return "written anew", rewritten(ledger, where, lambda entry: entry.update(time=time)), where, end


def test_every_attack_on_an_exported_ledger_is_found_by_both_verifiers(ledgers: list[bytes]) -> None:
    """With a head that was kept. Both name the same entry, and it is the first bad one."""
    verifier = second_verifier()
    rng = Random(5)
    for number in range(ATTACKED):
        ledger = ledgers[number % len(ledgers)]
        head = by_document(verifier, ledger)[1]
        what, changed, first, last = attacked(ledger, rng)
        named, _ = by_audit(changed, head)
        assert named is not None, (number, what)
        assert first <= named <= last, (number, what, first, named)
        assert by_document(verifier, changed, head) == (named, ""), (number, what)


def test_without_a_head_a_ledger_cut_off_or_written_anew_passes_both_verifiers(ledgers: list[bytes]) -> None:
    """The control: nothing else than the head tells, and our two verifiers say so alike."""
    verifier = second_verifier()
    for ledger in ledgers:
        end = len(ledger.splitlines()) - 1
        for forged in (cut(ledger, end // 2), rewritten(ledger, 1, lambda entry: entry.update(actor="nobody"))):
            passed = by_audit(forged)
            assert passed == by_document(verifier, forged)
            assert passed[0] is None
            assert passed[1] != by_audit(ledger)[1]


# -------------------------------------------------------------------------------------------------- single cases


def named_within(attacker: Attacker, statement: Update | Insert) -> int | str | None:
    """What the audit names after a statement that is then undone."""
    with attacker.db.engine.connect() as connection:
        connection.execute(statement)
        then = Held(attacker.db.engine, connection=connection)
        try:
            return found(partial(audit.audit_study, then, int(attacker.chain["study_id"])), None)
        except ValueError as error:
            return repr(error)


def test_of_two_bad_entries_the_first_is_named(attacker: Attacker) -> None:
    study = studies.get(attacker.db, "s")
    for number in range(scaled(30, 300)):
        with attacker.attacked(Random(number), [Attacker.move]) as (then, attack):
            assert found(partial(audit.audit_study, then, study.id), None) == attack.first, attack


def test_a_word_that_is_none_is_named_with_its_entry(attacker: Attacker) -> None:
    wrong = {}
    for cell in (cell for cell in WORDS if cell.partition(".")[0] in WITH_ENTRY):
        name, _, column = cell.partition(".")
        row = attacker.rows[name][2]
        told = named_within(attacker, update(TABLES[name]).where(TABLES[name].c.id == row["id"]).values({column: "no"}))
        if told != row["seq"]:
            wrong[cell] = told
    assert wrong == {}


def test_a_row_below_the_first_entry_is_found(attacker: Attacker) -> None:
    new = {"id": 9999, "seq": -7, "key": "new", "name": "new", "token": "new", "matchup_id": None}
    unseen = []
    for name in ("question", "contender", "matchup", "vote", "vote_change"):
        row = dict(attacker.rows[name][0])
        row |= {column: value for column, value in new.items() if column in row}
        if name == "matchup":
            held = {shown["pairing_id"] for shown in attacker.rows["matchup"] if shown["rater_id"] == row["rater_id"]}
            row["pairing_id"] = next(one["id"] for one in attacker.rows["pairing"] if one["id"] not in held)
        if named_within(attacker, insert(TABLES[name]).values(row)) is None:
            unseen.append(name)
    assert unseen == []
