"""A study's life as rules: what people and operators do to its record, in any order, with crashes in between.

Each rule asks the model what should come of it, does it, and tells the model. A crash is an exception out of the
middle of a transaction, or at its commit; the database is then opened anew, and nothing of it may be there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any, ClassVar, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event

from arena import assets
from arena.domain.access import Seat
from arena.domain.blinding import Ballot, BlindMatchup
from arena.domain.plan import Plan
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role
from arena.errors import ArenaError, BadInput, Conflict, NotFound
from arena.services import access, backup, erasure, exclusions, imports, record, restore, studies, voting
from arena.services.files import read_records
from arena.store import access as seats
from arena.store import changes, ledger, matchups, pairings, raters, votes
from arena.store import studies as studies_
from arena.store.engine import open_database
from tests.reliability.record_look import STUDY, check_all, check_heads, check_overview, exported
from tests.reliability.record_model import (
    ANSWERED,
    CHOICES,
    CONTENDERS,
    Model,
    Refusal,
    Said,
    Sitter,
    Vote,
    Words,
    cleaned,
    read_votes,
)
from tests.studies import NOW, records

T = TypeVar("T")
Row = dict[str, object]
Fault = tuple[Any, str, bool] | None
"""A function of the store, and whether the crash comes after it; no name: at the commit."""

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
FAULTS: list[tuple[Any, str]] = [
    (ledger, "append"),
    (ledger, "store"),
    (ledger, "seal"),
    (ledger, "erase"),
    (votes, "add"),
    (changes, "add"),
    (changes, "withdraw"),
    (matchups, "add"),
    (matchups, "claim"),
    (matchups, "settle"),
    (matchups, "release"),
    (matchups, "release_expired"),
    (pairings, "make"),
    (raters, "add"),
    (raters, "add_missing"),
    (seats, "add_seat"),
    (seats, "add_session"),
    (seats, "consent"),
    (seats, "revoke_seat"),
    (seats, "erase_identity"),
    (studies_, "update"),
]
TEXTS = {(question, name): f"{name} on {question}" for question, names in ANSWERED.items() for name in names}
SIDES = {text: key for key, text in TEXTS.items()}
LOADS = [{"id": "own-1", "question_id": "q0", "model_a": "alpha", "model_b": "beta", "winner": "model_a"}]
FILES: list[tuple[str, list[Row]]] = [
    (
        "human",
        [
            {**LOADS[0], "rater": "carol", "comment": "why", "arm": 2},
            {"question_id": "q1", "model_a": "beta", "model_b": "gamma", "winner": "tie (bothbad)", "rater": "dora"},
        ],
    ),
    (
        "human",
        [
            {**LOADS[0], "rater": "carol", "comment": "another"},
            {"id": "own-2", "model_a": "gamma", "model_b": "alpha", "winner": "tie", "simulated": True},
        ],
    ),
    ("human", [{**LOADS[0], "rater": "carol", "winner": "model_b"}]),
    ("human", [{"model_a": "alpha", "model_b": "gamma", "winner": "model_b", "rater": "carol"}]),
    ("human", [{"model_a": "alpha", "model_b": "delta", "winner": "model_b"}]),
    ("human", [{"question_id": "q2", "model_a": "alpha", "model_b": "gamma", "winner": "tie"}]),
    ("human", [{"model_a": "alpha", "model_b": "beta", "winner": "tie", "rater": "SEAT"}]),
    ("judge:x", [{**LOADS[0], "rater": "carol"}]),
    (
        "judge:x",
        [
            {"question_id": "q2", "model_a": "beta", "model_b": "alpha", "winner": "model_a", "comment": "long"},
            {"question_id": "q2", "model_a": "beta", "model_b": "alpha", "winner": "model_a"},
            {"model_a": "beta", "model_b": "gamma", "choice": "cannot_judge", "reason": "other", "id": "j"},
        ],
    ),
]
SETTINGS: list[tuple[str, Any]] = [
    ("raters_per_pairing", 1),
    ("raters_per_pairing", 2),
    ("raters_per_pairing", 3),
    ("claim_minutes", 5),
    ("claim_minutes", 60),
    ("withdrawal", "keep_votes"),
    ("withdrawal", "withdraw_votes"),
    ("reveal", "when_published"),
    ("choices", list(CHOICES)),
    ("choices", [choice for choice in CHOICES if choice != "tie_bad"]),
]
MOVES = {
    "open": (studies.open_, ("draft", "closed"), "open"),
    "close": (studies.close, ("open",), "closed"),
    "publish": (studies.publish, ("closed",), "published"),
}

number = st.integers(0, 40)
comment = st.sampled_from([None, None, "fine", "=1+1", " Übel –\r\n🙂 ", ""])
ballot: st.SearchStrategy[Words] = st.one_of(
    st.tuples(st.sampled_from(CHOICES), st.just("other"), comment),
    st.tuples(st.sampled_from(CHOICES), st.just("other"), comment),
    st.tuples(st.sampled_from(CHOICES), st.sampled_from([None, "other"]), st.sampled_from(["x" * 2001, "a\0b", None])),
)
turns = st.tuples(number, number, ballot)
"""Who votes, the seed of the assignment, and the ballot."""
mostly = st.sampled_from([True, True, True, False])
seldom = st.sampled_from([False, False, True])


class Crash(Exception):
    """The process died here."""


class Databases(Protocol):
    """Where a machine gets its databases, and gives them back."""

    def make(self, kind: str) -> str: ...
    def drop(self, url: str) -> None: ...
    def path(self) -> Any: ...


class RecordMachine(RuleBasedStateMachine):
    """One study on one database. `kind` and `databases` are set by the test."""

    kind: ClassVar[str]
    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self.url = self.databases.make(self.kind)
        self.db = open_database(self.url)
        self.now = NOW
        self.fault: Fault = None
        self.seats: dict[str, Seat] = {}
        self.links: list[tuple[str, str]] = []
        self.exports: list[tuple[str, str, bytes, list[Vote]]] = []
        self.steps = 0

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                check_heads(self.db, self.model)
                check_all(self.db, self.model, self.seats, self.now)
        finally:
            self.db.close()
            self.databases.drop(self.url)

    # Doing things

    def does(self, refusal: Refusal, work: Callable[[], T]) -> T | None:
        """Run a service. None where it was refused as the model says, or crashed; a fault waits until it is met."""
        self.now += timedelta(seconds=1)
        try:
            with self.failing(self.fault):
                done = work()
        except Crash:
            self.fault = None
            self.reopen()
            return None
        except ArenaError as error:
            if type(error) is not refusal:
                raise
            return None
        assert refusal is None, f"should have been refused: {refusal}"
        return done

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        if fault is None:
            yield
            return
        module, name, is_after = fault
        if not name:
            event.listen(self.db.engine, "commit", _crash)
            try:
                yield
            finally:
                event.remove(self.db.engine, "commit", _crash)
            return
        original = getattr(module, name)

        def fails(*args: Any, **kwargs: Any) -> Any:
            if is_after:
                original(*args, **kwargs)
            raise Crash

        setattr(module, name, fails)
        try:
            yield
        finally:
            setattr(module, name, original)

    def reopen(self) -> None:
        self.db.close()
        self.db = open_database(self.url)

    def pick(self, of: Any, at: int) -> Any:
        return list(of)[at % len(of)]

    # A study begins

    @initialize(
        places=st.integers(1, 2), goes=st.booleans(), opens=mostly, moves=seldom, first=st.lists(turns, max_size=9)
    )
    def begin(self, places: int, goes: bool, opens: bool, moves: bool, first: list[tuple[int, int, Words]]) -> None:
        rule_ = "withdraw_votes" if goes else "keep_votes"
        plan = {"raters_per_pairing": places, "claim_minutes": 5, "withdrawal": rule_, "reveal": "never"}
        self.model = Model(plan=plan | {"choices": list(CHOICES)}, instance=1, position=1)
        self.moves = moves
        made = Plan(raters_per_pairing=places, claim_minutes=5)
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

    def bring_content(self) -> None:
        questions: list[Row] = [{"id": question, "text": f"{question}?"} for question in ANSWERED]
        answers: list[Row] = [{"question_id": q, "contender": name, "text": text} for (q, name), text in TEXTS.items()]
        imports.import_questions(self.db, STUDY, records(questions), now=self.now)
        imports.import_answers(self.db, STUDY, records(answers), now=self.now)

    @precondition(lambda self: self.model.position % 5 == 0)
    @rule()
    def content_again(self) -> None:
        self.does(self.model.bars_state("draft"), self.bring_content)

    @rule(what=st.sampled_from(list(MOVES)), really=seldom)
    def move(self, what: str, really: bool) -> None:
        service, allowed, state = MOVES[what]
        barred = self.model.bars_state(*allowed)
        # Little can be done to a published study, and nothing leads back: few runs go there.
        if what == "publish" and barred is None and not really:
            return
        if self.does(barred, lambda: service(self.db, STUDY, now=self.now)):
            self.model.position += 2 if self.model.state == "draft" else 1
            self.model.state = state

    @rule(setting=st.sampled_from(SETTINGS), reason=st.sampled_from(["because", "because", None]))
    def change_plan(self, setting: tuple[str, Any], reason: str | None) -> None:
        name, value = setting
        barred = self.model.bars_state("draft", "open", "closed")
        barred = barred or (BadInput if reason is None and self.model.state != "draft" else None)
        given = [f"{name}={json.dumps(value)}"]
        if self.does(barred, lambda: studies.change_plan(self.db, STUDY, given, reason=reason, now=self.now)):
            self.model.position += self.model.state != "draft" and self.model.plan[name] != value
            self.model.plan[name] = value

    # People come and go

    @rule(name=st.sampled_from(["Ann", "Bob", "Eve", "Fay"]))
    def invite(self, name: str) -> None:
        there = any(sitter.name == name and not sitter.revoked for sitter in self.model.sitters.values())
        invite = access.invite
        issued = self.does(
            Conflict if there else None,
            lambda: invite(self.db, STUDY, role=Role.RATER, name=name, days=99, now=self.now),
        )
        if issued:
            self.model.instance += 1
            self.model.sitters[issued.pseudonym] = Sitter(name)
            self.model.raters[issued.pseudonym] = None
            self.links.append((issued.secret, issued.pseudonym))

    @precondition(lambda self: self.links)
    @rule(at=number)
    def redeem(self, at: int) -> None:
        secret, pseudonym = self.links[at] if at < 0 else self.pick(self.links, at)
        sitter = self.model.sitters[pseudonym]
        barred = NotFound if sitter.revoked or sitter.session else None
        done = self.does(barred, lambda: access.redeem(self.db, secret, now=self.now, hours=9999))
        if done:
            self.model.instance += 1
            sitter.session, self.seats[pseudonym] = done

    @precondition(lambda self: self.seats)
    @rule(who=number)
    def consent(self, who: int) -> None:
        pseudonym = list(self.seats)[who] if who < 0 else self.pick(self.seats, who)
        sitter = self.model.sitters[pseudonym]
        seat = self.does(None, lambda: access.consent(self.db, self.seats[pseudonym], now=self.now))
        if seat:
            self.seats[pseudonym] = seat
            if not sitter.revoked:
                self.model.position += not sitter.consented
                sitter.consented = True

    @rule(who=number, really=seldom)
    def revoke(self, who: int, really: bool) -> None:
        pseudonym = self.pick([*self.model.sitters, "nobody"], who)
        sitter = self.model.sitters.get(pseudonym)
        barred = NotFound if sitter is None or sitter.revoked else None

        def revoked() -> None:
            access.revoke_seat(self.db, STUDY, pseudonym, now=self.now)
            assert sitter is not None
            self.model.instance += 1
            sitter.revoked = True

        if really or barred:
            self.does(barred, revoked)

    @rule(who=number, really=seldom)
    def withdraw(self, who: int, really: bool) -> None:
        rater = self.pick([*self.model.raters, "nobody"], who)
        barred, model = self.model.bars_withdrawal(rater), self.model
        if not (really or barred):
            return
        foreseen = self.does(barred, lambda: erasure.foreseen(self.db, STUDY, rater))
        done = self.does(barred, lambda: erasure.withdraw(self.db, STUDY, rater, now=self.now))
        if done:
            assert foreseen in (None, done)
            own, sitter = model.of_rater(rater), model.sitters.get(rater)
            gone = len(own) if model.plan["withdrawal"] == "withdraw_votes" else 0
            texts, is_named = len(model.texts_of(rater)), sitter is not None and sitter.name is not None
            assert done == erasure.Withdrawal(rater, len(own), gone, texts, is_named)
            model.withdraw(rater)

    # Raters vote

    @precondition(lambda self: self.seats)
    @rule(who=number, seed=number)
    def take(self, who: int, seed: int) -> None:
        self._take(self.pick(self.seats, who), seed)

    def _take(self, pseudonym: str, seed: int) -> str | None:
        """The token of the pair that the rater has then; None where there is none, or the rater was refused."""
        model, seat = self.model, self.seats[pseudonym]
        barred = model.bars_rater(pseudonym) or model.bars_state("open")
        given: list[BlindMatchup | None] = []
        self.does(barred, lambda: given.append(voting.next_matchup(self.db, seat, now=self.now, rng=Random(seed))))
        if not given:
            return None
        held, got = model.open_token(pseudonym), given[0]
        if held is None:
            model.release(self.now)
        if got is None:
            assert not model.left_for(pseudonym)
            assert held is None
            return None
        if held is None:
            self._check_given(pseudonym, got)
        assert held in (None, got.token)
        return got.token

    def _check_given(self, pseudonym: str, got: BlindMatchup) -> None:
        """A new pair is of the contenders and the pairing that were least served; one let go comes as it was."""
        model = self.model
        (question, a), (other, b) = SIDES[got.answer_a], SIDES[got.answer_b]
        assert (question, other) == (got.question.removesuffix("?"), question)
        pairing, left, taken = (question, frozenset((a, b))), model.left_for(pseudonym), model.taken()
        assert pairing in left
        served = {names: sum(n for (_, pair), n in taken.items() if pair == names) for _, names in left}
        assert served[pairing[1]] == min(served.values())
        assert taken[pairing] == min(taken[one] for one in left if one[1] == pairing[1])
        earlier = [
            t for t, (who, q, sides) in model.shown.items() if who == pseudonym and (q, frozenset(sides)) == pairing
        ]
        assert earlier in ([], [got.token])
        assert model.shown.get(got.token, (pseudonym, question, (a, b))) == (pseudonym, question, (a, b))
        model.show(pseudonym, got.token, question, (a, b), self.now)

    @precondition(lambda self: self.seats)
    @rule(made=st.lists(turns, min_size=1, max_size=4))
    def take_and_vote(self, made: list[tuple[int, int, Words]]) -> None:
        for turn in made:
            self._turn(*turn)

    def _turn(self, who: int, seed: int, words: Words) -> None:
        pseudonym = self.pick(self.seats, who)
        token = self._take(pseudonym, seed)
        if token is not None:
            self._vote(pseudonym, token, words)

    @precondition(lambda self: self.model.shown)
    @rule(at=number, who=number, own=mostly, words=ballot)
    def vote_on_any(self, at: int, who: int, own: bool, words: Words) -> None:
        """On a pair that was shown at some time, or on none."""
        token = self.pick(self.model.shown, at) if at else "none"
        self._vote(self.model.shown[token][0] if own and at else self.pick(self.seats, who), token, words)

    @precondition(lambda self: any(vote.token for vote in self.model.votes.values()))
    @rule(at=number)
    def vote_again(self, at: int) -> None:
        vote = self.pick([vote for vote in self.model.votes.values() if vote.token], at)
        first = vote.said[0]
        self._vote(vote.rater, vote.token, (first.choice, first.reason, first.comment))

    def _vote(self, pseudonym: str, token: str, words: Words) -> None:
        model = self.model
        barred = model.bars_vote(pseudonym, token, words)
        receipt = self.does(
            barred, lambda: voting.cast_vote(self.db, self.seats[pseudonym], _ballot(token, words), now=self.now)
        )
        if receipt is None:
            return
        earlier, given = model.voted_on(token), cleaned(words)
        assert given is not None
        if earlier is None:
            model.cast(token, given, self.now, receipt.hash)
            earlier = model.voted_on(token)
        assert earlier is not None
        assert (receipt.position, receipt.hash) == (earlier.seq, earlier.said[0].hash)

    @precondition(lambda self: self.model.shown)
    @rule(made=st.lists(st.tuples(number, number, mostly, ballot), min_size=1, max_size=3))
    def correct(self, made: list[tuple[int, int, bool, Words]]) -> None:
        for one in made:
            self._correct(*one)

    def _correct(self, at: int, who: int, own: bool, words: Words) -> None:
        model = self.model
        voted = [vote.token for vote in model.votes.values() if vote.token]
        token = self.pick([*voted, *voted, *voted, *model.shown], at)
        pseudonym = model.shown[token][0] if own else self.pick(self.seats, who)
        barred = model.bars_correction(pseudonym, token, words)
        receipt = self.does(
            barred, lambda: record.correct(self.db, self.seats[pseudonym], _ballot(token, words), now=self.now)
        )
        vote, given = model.voted_on(token), cleaned(words)
        if receipt is None:
            return
        assert vote is not None
        assert given is not None
        last = vote.said[-1]
        if given != (last.choice, last.reason, model.comment(last)):
            model.correct(token, given, receipt.hash)
        assert (receipt.position, receipt.hash) == (vote.said[-1].seq, vote.said[-1].hash)

    # The operator

    @rule(at=number)
    def erase(self, at: int) -> None:
        seq, name = self.pick([*self.model.texts, (1, "comment")], at)
        barred = NotFound if self.model.texts.get((seq, name)) is None else None
        position = self.model.position
        self.does(barred, lambda: self._erased(seq, name))
        assert self.model.position - position in (0, 1)

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
        entries = [vote.seq for vote in self.model.of_rater(rater) if vote.excluded is readmit]
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
        backup.restore(there, path, migrations=migrations, report=lambda _done, _total: None)
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


def _crash(_: object) -> None:
    raise Crash


def _ballot(token: str, words: Words) -> Ballot:
    choice, reason, comment = words
    return Ballot(token, Choice(choice), CannotJudgeReason(reason) if reason else None, comment)


def _as_told(vote: Vote) -> Vote:
    """A vote as an export tells it: as it stands, without its matchup."""
    now = vote.said[-1]
    said = Said(0, now.choice, now.reason, now.comment)
    return Vote(vote.key, vote.source, vote.rater, vote.question, vote.sides, [said], simulated=vote.simulated)
