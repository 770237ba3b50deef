"""One who owns the database: the triggers and foreign keys are gone, and single things are changed at random.

Every attack returns the entries between which the first bad one must be named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, delete, event, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from arena.domain.ledger import GENESIS, entry_hash
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role, StudyState, VoteChangeKind
from arena.store import tables
from arena.store.engine import Database, Transaction
from tests.studies import NOW

TABLES = tables.Study.metadata.tables
WITH_ENTRY = ("question", "contender", "answer", "matchup", "vote", "vote_change", "withdrawal")
"""Tables of the study whose rows hang on the entry that their `seq` names."""
OF_INSTANCE = ("seat", "api_token")
UNGOVERNED = {"id", "study_id", "created_at", "consented_at", "revoked_at", "label"}
WORDS: dict[str, list[str]] = {
    "vote.choice": list(Choice),
    "vote.reason": list(CannotJudgeReason),
    "vote_change.choice": list(Choice),
    "vote_change.reason": list(CannotJudgeReason),
    "vote_change.kind": list(VoteChangeKind),
    "study.state": list(StudyState),
    "seat.role": list(Role),
    "api_token.role": list(Role),
    "question.must_have": ['["dose"]', '["dose","route"]'],
}
"""Cells of a fixed vocabulary: an attacker writes another word of it."""
Row = Mapping[str, Any]


class Nothing(Exception):
    """The attack would change nothing, or the database's own keys refuse it: try another."""


@dataclass(frozen=True)
class Attack:
    """What was done, the chain it was done to (the study's, else the instance's), and where it must be found.

    `is_hidden`: by itself all fits together, and only a head that was kept elsewhere tells.
    """

    what: str
    first: int
    last: int
    of_study: bool = True
    is_hidden: bool = False


@dataclass(frozen=True)
class Held(Database):
    """A database that is read within one open transaction, so that what is read can be taken back."""

    connection: Connection | None = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        assert self.connection is not None
        yield self.connection


def lower_the_guard(db: Database) -> None:
    """Take away the triggers and the foreign keys, as the owner of a database can."""
    if db.kind == "sqlite":
        event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA foreign_keys = OFF").close())
        db.engine.dispose()
    with db.write() as tx:
        if db.kind == "sqlite":
            for name in tx.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                tx.execute(text(f"DROP TRIGGER {name}"))
            return
        found = inspect(tx)
        for table in TABLES:
            for key in found.get_foreign_keys(table):
                tx.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key['name']}"))
            tx.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


class Attacker:
    """Knows the study `s` as it is, and changes it within one transaction at a time."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.read() as tx:
            self.rows: dict[str, list[Row]] = {
                name: [dict(row) for row in tx.execute(select(table)).mappings()] for name, table in TABLES.items()
            }
        [self.chain] = [row for row in self.rows["chain"] if row["study_id"] is not None]
        self.entries = sorted(self._of_chain(self.rows["ledger_entry"]), key=lambda row: int(row["seq"]))
        self.end = len(self.entries)
        self.tail = max(row["seq"] for row in self.entries if row["kind"] not in ("matchup", "vote"))
        """Behind it there are only raters' matchups and votes."""

    @contextmanager
    def attacked(self, rng: Random, attacks: Sequence[Act] | None = None) -> Iterator[tuple[Database, Attack]]:
        """A random attack, and the database as it is then; at the end of the block it is undone."""
        while True:
            try:
                with self.db.engine.connect() as connection, connection.begin() as transaction:
                    try:
                        done = rng.choice(attacks or ATTACKS)(self, connection, rng)
                        yield Held(self.db.engine, connection=connection), done
                    finally:
                        transaction.rollback()
                return
            except (IntegrityError, Nothing):
                continue

    def _of_chain(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if row["chain_id"] == self.chain["id"]]

    # ------------------------------------------------------------------------------------------ single cells

    def edit(self, connection: Connection, rng: Random) -> Attack:
        """Change one cell of a row that hangs on an entry."""
        name = rng.choice([*WITH_ENTRY, *OF_INSTANCE])
        row = rng.choice(self.rows[name])
        column = rng.choice([c for c in TABLES[name].columns if c.name not in UNGOVERNED])
        if column.name == "seq":
            raise Nothing
        value = self._another(name, column.name, row[column.name], rng)
        self._set(connection, name, row, {column.name: value})
        what = f"{name}.{column.name} of {row['seq']}: {row[column.name]!r} became {value!r}"
        return Attack(what, row["seq"], row["seq"], name in WITH_ENTRY)

    def move(self, connection: Connection, rng: Random) -> Attack:
        """Let a row hang on another entry: two entries are bad then."""
        name = rng.choice(WITH_ENTRY)
        row, seq = rng.choice(self.rows[name]), rng.randrange(1, self.end + 5)
        if row["seq"] == seq:
            raise Nothing
        self._set(connection, name, row, {"seq": seq})
        first = min(row["seq"], seq)
        return Attack(f"a {name} moved from {row['seq']} to {seq}", first, first)

    def edit_entry(self, connection: Connection, rng: Random) -> Attack:
        """Change one cell of an entry."""
        row = rng.choice(self.entries)
        column = rng.choice(["kind", "body", "hash", "seq", "chain_id"])
        at = rng.randrange(len(row["body"]))
        values = {
            "kind": row["kind"] + "x",
            "body": f"{row['body'][:at]}{chr(ord(row['body'][at]) ^ 1)}{row['body'][at + 1 :]}",
            "hash": row["hash"][::-1],
            "seq": self.end + 7,
            "chain_id": 999,
        }
        if "\0" in values["body"]:
            raise Nothing
        self._set(connection, "ledger_entry", row, {column: values[column]})
        return Attack(f"ledger_entry.{column} of {row['seq']}", row["seq"], row["seq"])

    def edit_chain(self, connection: Connection, rng: Random) -> Attack:
        """Change what the chain's own row says of it."""
        column, value, where = rng.choice(
            [
                ("uid", "0" * 32, 1),
                ("head_hash", "0" * 64, self.end),
                ("head_seq", self.end + rng.randrange(1, 9), self.end + 1),
                ("head_seq", rng.randrange(self.end), self.end),
            ]
        )
        self._set(connection, "chain", self.chain, {column: value})
        return Attack(f"chain.{column} became {value}", where, where)

    def edit_study(self, connection: Connection, rng: Random) -> Attack:
        """Change the study's own row."""
        [row] = self.rows["study"]
        column, where = rng.choice([("name", 1), ("title", 1), ("state", 0), ("plan", 0)])
        value = self._another("study", column, row[column], rng)
        if column == "plan":
            plan = json.loads(row["plan"])
            value = json.dumps(plan | {"claim_minutes": plan["claim_minutes"] + 1}, sort_keys=True)
        self._set(connection, "study", row, {column: value})
        return Attack(f"study.{column} became {value!r}", where, where)

    def edit_rater(self, connection: Connection, rng: Random) -> Attack:
        """Give a rater another pseudonym."""
        row = rng.choice(self.rows["rater"])
        first = min(r["seq"] for name in ("matchup", "vote") for r in self.rows[name] if r["rater_id"] == row["id"])
        self._set(connection, "rater", row, {"pseudonym": row["pseudonym"] + "x"})
        return Attack(f"rater.pseudonym of {row['pseudonym']}", first, first)

    def edit_claim(self, connection: Connection, rng: Random) -> Attack:
        """Change or delete a place that a vote holds, or let an open one be held for good."""
        row = rng.choice(self.rows["claim"])
        where = next(shown["seq"] for shown in self.rows["matchup"] if shown["id"] == row["matchup_id"])
        columns = ["is_open"] if row["is_open"] else ["is_open", "pairing_id", "rater_id", "matchup_id", "study_id"]
        column = rng.choice([*columns, *([] if row["is_open"] else ["delete"])])
        if column == "delete":
            self._delete(connection, "claim", row)
        else:
            self._set(connection, "claim", row, {column: self._another("claim", column, row[column], rng)})
        return Attack(f"claim.{column} of matchup {where}", where, where)

    def edit_pairing(self, connection: Connection, rng: Random) -> Attack:
        """Change or delete a pairing."""
        row = rng.choice(self.rows["pairing"])
        column = rng.choice(["delete", "study_id", "question_id", *SIDES_OF_A_PAIRING])
        shown = [m["seq"] for m in self.rows["matchup"] if m["pairing_id"] == row["id"]]
        is_seen = column in ("delete", "answer_low_id", "answer_high_id")
        if column == "delete":
            self._delete(connection, "pairing", row)
        else:
            self._set(connection, "pairing", row, {column: self._another("pairing", column, row[column], rng)})
        where = min(shown, default=0) if is_seen else 0
        return Attack(f"pairing.{column} of {row['id']}", where, where)

    def edit_text(self, connection: Connection, rng: Random) -> Attack:
        """Change a sealed text, its salt or its name, or keep one where none was sealed."""
        row = rng.choice(self._of_chain(self.rows["sealed_text"]))
        column = rng.choice(["text", "salt", "name", "insert"])
        if column == "insert":
            row = dict(row) | {"seq": rng.randrange(1, self.end), "name": "remark"}
            connection.execute(insert(TABLES["sealed_text"]).values(row))
        else:
            self._set(connection, "sealed_text", row, {column: row[column] + "x"})
        return Attack(f"sealed_text.{column} of {row['seq']}", row["seq"], row["seq"])

    # ------------------------------------------------------------------------------------------ rows

    def remove(self, connection: Connection, rng: Random) -> Attack:
        """Delete a row that hangs on an entry, or the entry."""
        name = rng.choice([*WITH_ENTRY, *OF_INSTANCE, "ledger_entry"])
        row = rng.choice(self.entries if name == "ledger_entry" else self.rows[name])
        self._delete(connection, name, row)
        return Attack(f"{name} of {row['seq']} deleted", row["seq"], row["seq"], name not in OF_INSTANCE)

    def add(self, connection: Connection, rng: Random) -> Attack:
        """Insert a row like another one for an entry that may be there or not."""
        name = rng.choice(WITH_ENTRY)
        row = dict(rng.choice(self.rows[name])) | {"seq": rng.randrange(1, self.end + 5)}
        if "id" in row:
            row["id"] = max(other["id"] for other in self.rows[name]) + 1
        free = {"key": "new", "name": "new", "token": "new", "matchup_id": None}
        row |= {column: value for column, value in free.items() if column in row}
        for column in ("rater_id", "pairing_id") if name in ("matchup", "withdrawal") else ():
            if column in row:
                row[column] = rng.choice(self.rows[column.removesuffix("_id")])["id"]
        connection.execute(insert(TABLES[name]).values(row))
        return Attack(f"a {name} more, for {row['seq']}", row["seq"], row["seq"])

    def add_entry(self, connection: Connection, rng: Random) -> Attack:
        """Insert a copy of one entry before another; those behind move on by one."""
        where, copied = rng.randrange(1, self.end + 2), rng.choice(self.entries)
        if copied["seq"] == where:
            raise Nothing
        table = TABLES["ledger_entry"]
        for row in reversed(self.entries[where - 1 :]):
            self._set(connection, "ledger_entry", row, {"seq": row["seq"] + 1})
        connection.execute(insert(table).values(dict(copied) | {"seq": where}))
        return Attack(f"entry {copied['seq']} once more, before {where}", where, where)

    def swap(self, connection: Connection, rng: Random) -> Attack:
        """Exchange the contents of two rows."""
        name = rng.choice([*WITH_ENTRY[:-1], "ledger_entry"])
        rows = self.entries if name == "ledger_entry" else self.rows[name]
        one, other = sorted(rng.sample(rows, 2), key=lambda row: int(row["seq"]))
        place = {"id", "seq", "study_id", "chain_id"}
        contents = [{c: v for c, v in row.items() if c not in place} for row in (one, other)]
        if one["seq"] == other["seq"] or contents[0] == contents[1]:
            raise Nothing
        for row in (one, other):
            self._delete(connection, name, row)
        connection.execute(insert(TABLES[name]), [dict(one) | contents[1], dict(other) | contents[0]])
        return Attack(f"{name} {one['seq']} and {other['seq']} exchanged", one["seq"], one["seq"])

    # ------------------------------------------------------------------------------------------ the chain's end

    def truncate(self, connection: Connection, rng: Random) -> Attack:
        """Cut the ledger's end off and say so in the chain's row; within the tail, take the rows away too."""
        last = rng.randrange(1, self.end)
        self._end_with(connection, last, self.entries[last - 1]["hash"])
        connection.execute(delete(TABLES["ledger_entry"]).where(*self._chain_is(), TABLES["ledger_entry"].c.seq > last))
        is_hidden = last >= self.tail
        if is_hidden:
            gone = {row["id"] for row in self.rows["matchup"] if row["seq"] > last}
            gone |= {row["matchup_id"] for row in self.rows["vote"] if row["seq"] > last}
            connection.execute(delete(TABLES["claim"]).where(TABLES["claim"].c.matchup_id.in_(gone)))
            for name in ("vote", "matchup", "sealed_text"):
                connection.execute(delete(TABLES[name]).where(TABLES[name].c.seq > last))
        return Attack(f"cut off behind {last}", last + 1, self.end, is_hidden=is_hidden)

    def rewrite(self, connection: Connection, rng: Random) -> Attack:
        """Make a vote one for the other side, in its row and in its entry, and hash all from there on anew."""
        vote = rng.choice(self.rows["vote"])
        choice = "b_better" if vote["choice"] == "a_better" else "a_better"
        self._set(connection, "vote", vote, {"choice": choice, "reason": None})
        first, hash_ = vote["seq"], GENESIS
        for row in self.entries:
            if row["seq"] >= first:
                entry = json.loads(row["body"])
                entry["prev"] = hash_
                if row["seq"] == first:
                    entry["payload"] |= {"choice": choice, "reason": None}
                body = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                self._set(connection, "ledger_entry", row, {"body": body, "hash": entry_hash(body)})
                hash_ = entry_hash(body)
            else:
                hash_ = row["hash"]
        self._end_with(connection, self.end, hash_)
        return Attack(f"the vote of {first} turned, all hashed anew", first, self.end, is_hidden=True)

    # ------------------------------------------------------------------------------------------ tools

    def _chain_is(self) -> list[Any]:
        return [TABLES["ledger_entry"].c.chain_id == self.chain["id"]]

    def _end_with(self, connection: Connection, position: int, hash_: str) -> None:
        self._set(connection, "chain", self.chain, {"head_seq": position, "head_hash": hash_})

    def _set(self, connection: Connection, name: str, row: Row, values: Row) -> None:
        done = connection.execute(update(TABLES[name]).where(*_is(TABLES[name], row)).values(values))
        assert done.rowcount == 1

    def _delete(self, connection: Connection, name: str, row: Row) -> None:
        assert connection.execute(delete(TABLES[name]).where(*_is(TABLES[name], row))).rowcount == 1

    def _another(self, table: str, column: str, value: Any, rng: Random) -> Any:
        """Another value that might stand in this cell."""
        words = WORDS.get(f"{table}.{column}")
        keys = list(TABLES[table].columns[column].foreign_keys)
        if words or keys:
            known = words or [row["id"] for row in self.rows[keys[0].column.table.name]]
            others = [word for word in known if word != value]
            if not others:
                raise Nothing
            return rng.choice(others)
        if isinstance(value, bool):
            return not value
        if TABLES[table].columns[column].type.python_type not in (str, int):
            return (value or NOW) + timedelta(microseconds=rng.randrange(1, 10**9))
        return f"{value or ''}{rng.choice('xyz')}"


SIDES_OF_A_PAIRING = ("answer_low_id", "answer_high_id", "contender_low_id", "contender_high_id")
Act: TypeAlias = Callable[[Attacker, Connection, Random], Attack]
ATTACKS: list[Act] = [
    *[Attacker.edit] * 4,
    Attacker.move,
    *[Attacker.edit_entry] * 2,
    Attacker.edit_chain,
    Attacker.edit_study,
    Attacker.edit_rater,
    Attacker.edit_claim,
    Attacker.edit_pairing,
    Attacker.edit_text,
    *[Attacker.remove] * 2,
    *[Attacker.add] * 2,
    Attacker.add_entry,
    *[Attacker.swap] * 2,
    *[Attacker.truncate] * 2,
    *[Attacker.rewrite] * 2,
]
"""What an attack is drawn from; most rows and cells are the targets of `edit`."""


def _is(table: Table, row: Row) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key.columns]
