"""A study's life as rules, the first part: its states and plan, and the people who come and go.

Each rule asks the model what should come of it, does it, and tells the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from arena.domain.access import Seat
from arena.domain.vocabulary import Role
from arena.errors import ArenaError, BadInput, Conflict, NotFound
from arena.services import access, erasure, imports, studies
from arena.store.engine import open_database
from tests.reliability.record_look import STUDY, check_all, check_heads
from tests.reliability.record_material import MOVES, SETTINGS, TEXTS, Crash, Fault, Row, failing, number, seldom
from tests.reliability.record_model import ANSWERED, Model, Refusal, Sitter, Vote
from tests.studies import NOW, records

T = TypeVar("T")


class Databases(Protocol):
    """Where a machine gets its databases, and gives them back."""

    def make(self, kind: str) -> str: ...
    def drop(self, url: str) -> None: ...
    def path(self) -> Any: ...


class StudyRules(RuleBasedStateMachine):
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
        self.moves = False
        self.model: Model

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                check_heads(self.db, self.model)
                check_all(self.db, self.model, self.seats, self.now)
        finally:
            self.db.close()
            self.databases.drop(self.url)

    def does(self, refusal: Refusal, work: Callable[[], T]) -> T | None:
        """Run a service. None where it was refused as the model says, or crashed; a fault waits until it is met."""
        self.now += timedelta(seconds=1)
        try:
            with failing(self.db, self.fault):
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

    def reopen(self) -> None:
        self.db.close()
        self.db = open_database(self.url)

    def pick(self, of: Any, at: int) -> Any:
        return list(of)[at % len(of)]

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
