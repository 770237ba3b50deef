"""Two exports of a ledger beside each other: what was appended is counted, what was changed is named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from arena.domain.ledger import Head, LedgerBroken
from arena.errors import BadInput, Incomplete
from arena.services import restore, studies
from arena.services.against import Export, Extension, file_extends, study_extends
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.forging import another_vote, cut, rewritten, votes_in, without_parts
from tests.services.test_exchange import exported, voted
from tests.studies import NOW, cast_elsewhere, opened


def grown(db: Database) -> bytes:
    """A study with votes that was exported, and had three entries more thereafter. Returns the export."""
    voted(db)
    old = exported(db, "ledger")
    cast_elsewhere(db, "s", [{"model_a": "beta", "model_b": "alpha", "winner": "model_b"}], source="judge:later")
    studies.close(db, "s", now=NOW)
    return old


def of_study(db: Database, old: bytes, *, head: Head | None = None) -> Extension:
    return study_extends(db, studies.get(db, "s").id, Export("old", io.BytesIO(old)), head=head)


def of_file(new: bytes, old: bytes, *, head: Head | None = None) -> Extension:
    return file_extends(io.BytesIO(new), "new", Export("old", io.BytesIO(old)), head=head)


def test_what_was_appended_is_counted(db: Database) -> None:
    old = grown(db)
    new = exported(db, "ledger")
    added = len(new.splitlines()) - len(old.splitlines())
    assert added == 3
    for found in (of_study(db, old), of_file(new, old)):
        assert (found.added, found.parts_gone) == (3, 0)
        assert found.audited.head.position == len(new.splitlines()) - 1
    assert (of_study(db, new).added, of_file(new, new).added) == (0, 0)


def test_every_earlier_state_is_extended(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    grown(db)
    new = exported(db, "ledger")
    last = len(new.splitlines()) - 1
    assert [of_file(new, cut(new, n)).added for n in range(1, last + 1)] == [last - n for n in range(1, last + 1)]


def test_parts_that_are_no_longer_there_are_counted(db: Database) -> None:
    old = grown(db)
    bare = without_parts(exported(db, "ledger"))
    assert of_file(bare, old).parts_gone == sum(len(json.loads(line).get("parts", {})) for line in old.splitlines())
    assert of_file(exported(db, "ledger"), without_parts(old)).parts_gone == 0
    assert of_study(db, without_parts(old)).parts_gone == 0


def test_a_rewritten_past_is_named_by_its_first_entry(db: Database) -> None:
    """Each of the two is well hashed by itself; the owner of the database wrote one of them anew."""
    old = grown(db)
    new = exported(db, "ledger")
    for position in votes_in(old):
        for newer, older in (
            (rewritten(new, position, another_vote), old),
            (new, rewritten(old, position, another_vote)),
        ):
            of_file(newer, newer)
            with pytest.raises(LedgerBroken, match="not the one in old: the past was changed") as caught:
                of_file(newer, older)
            assert caught.value.position == position
        with pytest.raises(LedgerBroken, match="not the one in old") as caught:
            of_study(db, rewritten(old, position, another_vote))
        assert caught.value.position == position


def test_what_was_cut_off_is_named_by_the_first_entry_that_is_missing(db: Database) -> None:
    old = grown(db)
    last = len(old.splitlines()) - 1
    with pytest.raises(LedgerBroken, match=f"missing; old goes on to entry {last}") as caught:
        of_file(cut(old, last - 2), old)
    assert caught.value.position == last - 1
    new = exported(db, "ledger")
    longer = rewritten(new, len(new.splitlines()) - 1, lambda entry: entry.update(actor="rater-x"))
    with pytest.raises(LedgerBroken) as caught:
        of_study(db, longer)
    assert caught.value.position == len(new.splitlines()) - 1


def test_a_database_that_was_set_back_is_found(make_db: MakeDatabase) -> None:
    """It holds an earlier state of the study: whole by itself, and shorter than the export."""
    one, other = make_db("sqlite"), make_db("sqlite")
    old = grown(one)
    restore.restore(other, io.BytesIO(old), "old", now=NOW)
    assert of_study(other, old).added == 0
    with pytest.raises(LedgerBroken, match="it is missing") as caught:
        of_study(other, exported(one, "ledger"))
    assert caught.value.position == len(old.splitlines())


def test_another_study_of_the_same_name_is_another_ledger(make_db: MakeDatabase) -> None:
    one, other = make_db("sqlite"), make_db("sqlite")
    opened(one)
    opened(other)
    with pytest.raises(LedgerBroken, match="not the ledger of old but another") as caught:
        of_study(one, exported(other, "ledger"))
    assert caught.value.position == 0
    with pytest.raises(LedgerBroken, match="not the ledger of old but another"):
        of_file(exported(one, "ledger"), exported(other, "ledger"))


def test_both_are_audited(make_db: MakeDatabase) -> None:
    db = make_db("sqlite")
    old = grown(db)
    new = exported(db, "ledger")
    bad = old.replace(b'"choice":"tie_bad"', b'"choice":"a_better"', 1)
    comparisons: list[Callable[[], Extension]] = [lambda: of_file(new, bad), lambda: of_study(db, bad)]
    for compare in comparisons:
        with pytest.raises(Incomplete, match=r"^old: ledger entry \d+: its content does not match its hash"):
            compare()
    with pytest.raises(LedgerBroken, match="its content does not match its hash"):
        of_file(new.replace(b'"choice":"tie_bad"', b'"choice":"a_better"', 1), old)
    with pytest.raises(BadInput, match="old: is not a ledger"):
        of_file(new, b"{}\n")
    with pytest.raises(LedgerBroken, match="head given"):
        of_file(new, old, head=Head(3, "0" * 64))
    with pytest.raises(LedgerBroken, match="head given"):
        of_study(db, old, head=Head(3, "0" * 64))


def test_a_stream_that_is_read_once_only_is_refused(make_db: MakeDatabase) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    db = make_db("sqlite")
    opened(db)
    ledger = exported(db, "ledger")
    with pytest.raises(BadInput, match="old: cannot be read twice"):
        file_extends(io.BytesIO(ledger), "new", Export("old", Pipe(ledger)))
    with pytest.raises(BadInput, match="new: cannot be read twice"):
        file_extends(Pipe(ledger), "new", Export("old", io.BytesIO(ledger)))
