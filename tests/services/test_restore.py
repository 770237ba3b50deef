"""What a ledger file may say and a database cannot hold is refused in words, with nothing stored."""

from __future__ import annotations

import io
import json
import uuid

import pytest

from arena.domain.ledger import LedgerBroken
from arena.errors import Conflict
from arena.services import restore, studies, voting
from arena.services.audit import audit_file
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.forging import Fields, rewritten
from tests.services.eventful import cast
from tests.services.test_exchange import exported
from tests.studies import NOW, later, opened, seated

KINDS = ("sqlite", "postgresql")


@pytest.fixture
def ledger(make_db: MakeDatabase) -> bytes:
    """An exported ledger of one rater who voted once and has a second pair open."""
    db = make_db("sqlite")
    opened(db)
    seat = seated(db)
    cast(db, seat)
    assert voting.next_matchup(db, seat, now=later(30)) is not None
    return exported(db, "ledger")


def restored(db: Database, ledger: bytes) -> bool:
    """Restore; whether the study is new."""
    return restore.restore(db, io.BytesIO(ledger), "file", now=NOW)[1]


def as_another_study(ledger: bytes) -> bytes:
    """The same entries as those of another chain and study."""
    header, *lines = map(json.loads, ledger.splitlines())
    header |= {"chain": str(uuid.uuid4()), "study": "other"}
    for line in lines:
        line["entry"]["chain"] = header["chain"]
    lines[0]["entry"]["payload"]["study"] = "other"
    return rewritten("\n".join(map(json.dumps, [header, *lines])).encode(), 1, lambda _: None)


def shown_again(ledger: bytes, *, other_side: bool) -> tuple[bytes, int]:
    """The second matchup made one of the first one's pair, under its own token; and its position."""
    entries = [json.loads(line)["entry"] for line in ledger.splitlines()[1:]]
    first, second = (entry for entry in entries if entry["kind"] == "matchup")
    swapped = {"model_a": "model_b", "model_b": "model_a", "answer_a": "answer_b", "answer_b": "answer_a"}

    def repeat(entry: Fields) -> None:
        token = entry["payload"]["token"]
        entry["payload"] = {
            name: first["payload"][swapped.get(name, name) if other_side else name] for name in first["payload"]
        } | {"token": token}

    return rewritten(ledger, second["seq"], repeat), second["seq"]


@pytest.mark.parametrize("other_side", [False, True])
def test_a_pair_shown_to_its_rater_again_is_a_fault_of_the_ledger(
    ledger: bytes, db: Database, other_side: bool
) -> None:
    bad, position = shown_again(ledger, other_side=other_side)
    for check in (lambda: audit_file(io.BytesIO(bad), "file"), lambda: restored(db, bad)):
        with pytest.raises(LedgerBroken, match="shown this pair before") as caught:
            check()
        assert caught.value.position == position
    assert studies.listed(db) == []


def test_the_ledger_as_it_is_is_restored(ledger: bytes, db: Database) -> None:
    """The control of the others."""
    assert restored(db, ledger)
    assert not restored(db, ledger)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_another_study_is_refused_in_words(ledger: bytes, kind: str, make_db: MakeDatabase) -> None:
    db = make_db(kind)
    assert restored(db, ledger)

    other = as_another_study(ledger)
    audit_file(io.BytesIO(other), "file")
    with pytest.raises(Conflict, match="nothing was stored") as caught:
        restored(db, other)
    said = str(caught.value)
    assert "matchup" in said
    assert "\n" not in said
    assert [study.name for study in studies.listed(db)] == ["s"]
