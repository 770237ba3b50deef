"""A study's life as rules, whole: what people and operators do to its record, in any order, with crashes in between.

A crash is an exception out of the middle of a transaction, or at its commit; the database is then opened anew, and
nothing of it may be there.
"""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from arena import assets
from arena.domain.plan import PairPolicy, Plan
from arena.errors import BadInput, NotFound
from arena.services import backup, erasure, exclusions, imports, restore, studies
from arena.services.files import read_records
from arena.store.engine import open_database
from tests.reliability.record_look import STUDY, check_all, check_heads, check_overview, exported
from tests.reliability.record_material import FAULTS, FILES, OTHER, TEXTS, mostly, number, seldom, turns
from tests.reliability.record_model import ANSWERED, CHOICES, CONTENDERS, Model, Refusal, Said, Vote, Words, read_votes
from tests.reliability.record_voting import VotingRules
from tests.studies import NOW


class RecordMachine(VotingRules):
    """One study on one database. `kind` and `databases` are set by the test."""

    @initialize(
        places=st.integers(1, 2),
        goes=st.booleans(),
        draws=st.booleans(),
        opens=mostly,
        moves=seldom,
        first=st.lists(turns, max_size=9),
    )
    def begin(
        self, places: int, goes: bool, draws: bool, opens: bool, moves: bool, first: list[tuple[int, int, Words]]
    ) -> None:
        rule_ = "withdraw_votes" if goes else "keep_votes"
        plan = {"raters_per_pairing": places, "claim_minutes": 5, "withdrawal": rule_, "reveal": "never"}
        policy = PairPolicy.ACTIVE if draws else PairPolicy.BALANCED
        self.model = Model(plan=plan | {"choices": list(CHOICES), "pair_policy": policy}, instance=1, position=1)
        self.moves = moves
        made = Plan(raters_per_pairing=places, claim_minutes=5, pair_policy=policy)
        studies.create(self.db, name=STUDY, title="A study", plan=made, now=NOW)
        studies.change_plan(self.db, STUDY, [f"withdrawal={rule_}"], reason=None, now=NOW)
        self.bring_content()
        self.model.position += 2 + len(ANSWERED) + len(CONTENDERS) + len(TEXTS)
        for name in ("Ann", "Bob", "Eve"):
            self.invite(name)
            self.redeem(-1)
            self.consent(-1)
        if opens:
            self.move("open", True)
            for turn in first:
                self._turn(*turn)

    # The operator

    @rule(at=number)
    def erase(self, at: int) -> None:
        seq, name = self.pick([*self.model.texts, (1, "comment")], at)
        barred = None if self.model.erasable(seq, name) else NotFound
        self.does(barred, lambda: self._erased(seq, name))

    def _erased(self, seq: int, name: str) -> None:
        erasure.erase_text(self.db, STUDY, seq, name, now=self.now)
        self.model.erase(seq, name)

    @precondition(lambda self: self.model.votes)
    @rule(at=st.lists(number, max_size=3), readmit=st.booleans(), reason=st.sampled_from(["why", "why", "why", " "]))
    def exclude(self, at: list[int], readmit: bool, reason: str) -> None:
        votes_ = [seq for seq, vote in self.model.votes.items() if vote.excluded is readmit]
        entries = [self.pick([*votes_ * 4, *self.model.votes, 1], n) for n in at]
        barred = self.model.bars_exclusion(entries, readmit) if reason.strip() else BadInput
        self._exclude(barred, entries, readmit, entries=entries, reason=reason)

    @rule(who=number, readmit=st.booleans())
    def exclude_rater(self, who: int, readmit: bool) -> None:
        rater = self.pick([*self.model.raters, "nobody"], who)
        own = self.model.of_rater(rater)
        entries = [vote.seq for vote in own if vote.excluded is readmit and not vote.withdrawn]
        barred = self.model.bars_state("draft", "open", "closed")
        barred = barred or (NotFound if rater not in self.model.raters else None)
        self._exclude(
            barred or self.model.bars_exclusion(entries, readmit), entries, readmit, rater=rater, reason="why"
        )

    def _exclude(self, barred: Refusal, chosen: list[int], readmit: bool, **how: Any) -> None:
        exclude = exclusions.exclude
        done = self.does(barred, lambda: exclude(self.db, STUDY, now=self.now, readmit=readmit, **how))
        if done is not None:
            assert done == len({*chosen})
            self.model.position += 1
            for seq in chosen:
                self.model.votes[seq].excluded = not readmit

    @rule(at=number)
    def import_votes(self, at: int) -> None:
        source, rows = self.pick(FILES, at)
        if any(row.get("rater") == "SEAT" for row in rows):
            rows = [row | {"rater": self.pick(self.model.sitters, at)} for row in rows]
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        given = list(read_votes(rows, source, data))
        new = self._import(source, data, "jsonl", [vote for vote, _ in given])
        if new:
            self.model.position += 1
            self.model.raters |= dict.fromkeys(vote.rater for vote in new if vote.rater is not None)
            self.model.add(new, {vote.key: extra for vote, extra in given if extra is not None})

    def _import(self, source: str, data: bytes, file_format: Any, given: list[Vote]) -> list[Vote]:
        """The votes that were new."""
        known = {vote.key for vote in self.model.votes.values()}
        new = [vote for vote in given if vote.key not in known]
        file = read_records(io.BytesIO(data), name="file", file_format=file_format)
        barred, import_ = self.model.bars_import(given), imports.import_votes
        done = self.does(barred, lambda: import_(self.db, STUDY, file, source=source, now=self.now))
        assert done in (None, imports.Imported("votes", len(new), len(given) - len(new)))
        return new if done else []

    @rule(source=st.sampled_from(["human", "judge:x"]), file_format=st.sampled_from(["jsonl", "csv"]))
    def export(self, source: str, file_format: Any) -> None:
        standing = [vote for vote in self.model.standing if vote.source == source]
        if standing:
            told = [_as_told(vote) for vote in standing]
            self.exports.append((source, file_format, exported(self.db, "votes", source, file_format), told))

    @precondition(lambda self: self.exports)
    @rule(at=number)
    def import_own_export(self, at: int) -> None:
        """One that was made now or earlier: nothing in it is new, though it may be out of date."""
        source, file_format, data, given = self.pick(self.exports, -1 - at)
        assert not self._import(source, data, file_format, given)

    # Time passes, processes die, databases are moved

    @rule(minutes=st.sampled_from([1, 6, 61]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(at=st.one_of(st.sampled_from([(None, ""), FAULTS[0]]), st.sampled_from(FAULTS)), is_after=st.booleans())
    def arm(self, at: tuple[Any, str], is_after: bool) -> None:
        """Let what comes by there next die."""
        self.fault = (*at, is_after)

    @precondition(lambda self: self.moves)
    @rule(crosses=st.booleans())
    def back_up_and_go_on_there(self, crosses: bool) -> None:
        self.moves = False
        path = self.databases.path()
        kind = OTHER[self.db.kind] if crosses else self.db.kind
        url = self.databases.make(kind)
        there = open_database(url)
        migrations = assets.path("migrations")
        backup.back_up(self.db, path, migrations=migrations, report=lambda _done, _total: None)
        backup.restore(there, path, migrations=migrations, report=lambda _done, _total: None, keep_sessions=True)
        path.unlink()
        self.db.close()
        self.databases.drop(self.url)
        self.db, self.url = there, url

    @precondition(lambda self: self.moves and self.model.votes)
    @rule()
    def restore_elsewhere(self) -> None:
        """The ledger makes the same study in the other kind of database; what is open there is nobody's."""
        self.moves = False
        data = exported(self.db, "ledger")
        url = self.databases.make(OTHER[self.db.kind])
        there = open_database(url)
        try:
            study, is_new = restore.restore(there, io.BytesIO(data), "k", now=self.now)
            assert is_new
            assert exported(there, "ledger") == data
            assert exported(there, "votes") == exported(self.db, "votes")
            check_overview(studies.overview(there, study), self.model)
            backup.audited(there)
        finally:
            there.close()
            self.databases.drop(url)

    @rule()
    def look(self) -> None:
        check_all(self.db, self.model, self.seats, self.now)

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "model"):
            check_heads(self.db, self.model)
            self.steps += 1
            if self.steps % 10 == 0:
                self.look()


def _as_told(vote: Vote) -> Vote:
    """A vote as an export tells it: as it stands, without its matchup."""
    now = vote.said[-1]
    said = Said(0, now.choice, now.reason, now.comment)
    return Vote(vote.key, vote.source, vote.rater, vote.question, vote.sides, [said], simulated=vote.simulated)
