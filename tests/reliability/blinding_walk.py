"""Raters who walk through matchups and write down all that a rater's browser can observe before each vote."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import NamedTuple

from arena.domain.plan import Plan
from arena.domain.vocabulary import Choice, Role
from arena.services import access, imports, studies
from arena.store import matchups
from arena.store.engine import Database
from tests.studies import records

NAMES = ("alder", "birch", "cedar", "dogwood")
WORDS = ("pulse", "dose", "renal", "rest", "acute", "blood", "review", "heart", "oral", "fluid", "pain", "weeks")
STUDY = "blind"
_READING = re.compile(rb'(<div class="reading[^>]*>).*?(</div>)', re.DOTALL)
_ANSWERS = re.compile(rb'(<section class="answer".*?<div class="reading[^>]*>).*?(</div>)', re.DOTALL)
_TOKEN = re.compile(rb'name="token" value="([^"]+)"')
_ASKED = re.compile(rb"Question ([0-9]+)\?")


@dataclass(frozen=True)
class Seen:
    """One response: all of it, and how many seconds it took."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = 0.0


Ask = Callable[[int, str, str, Mapping[str, str] | None], Seen]
"""Sends one request as the rater with this number: method, path, form."""


@dataclass(frozen=True)
class Observation:
    """What a rater can observe of one matchup before the vote: the page, and the post that led to it."""

    rater: int
    position: int
    page: Seen
    issued_by: Seen

    @property
    def token(self) -> str:
        """The matchup's token."""
        found = _TOKEN.search(self.page.body)
        assert found is not None, self.page
        return found[1].decode()

    @property
    def question(self) -> int:
        """The number of the question."""
        found = _ASKED.search(self.page.body)
        assert found is not None
        return int(found[1])

    @property
    def rest(self) -> bytes:
        """The page without the texts of question and answers."""
        return _READING.sub(rb"\1\2", self.page.body)


class Truth(NamedTuple):
    """What no rater may learn: who stands on which side."""

    model_a: str
    model_b: str

    @property
    def label(self) -> bool:
        """Whether the contender on side A is the one that comes first in the alphabet."""
        return self.model_a < self.model_b


def without_answers(page: bytes) -> bytes:
    """A page without the texts of its two answers."""
    return _ANSWERS.sub(rb"\1\2", page)


def draw(seed: str, words: int) -> str:
    """Some words by chance."""
    return " ".join(Random(seed).choices(WORDS, k=words)) + "."


class Written(NamedTuple):
    """One answer to be imported."""

    question: int
    contender: str
    text: str


def one_style(questions: int, names: Sequence[str] = NAMES) -> list[Written]:
    """Answers of one distribution, whoever writes them."""
    return [Written(q, name, draw(f"{q} {slot}", 30)) for q in range(questions) for slot, name in enumerate(names)]


def each_its_length(questions: int, names: Sequence[str] = NAMES) -> list[Written]:
    """Answers whose length tells who wrote them."""
    return [Written(q, name, draw(f"{q}", 20 * 2**slot)) for q in range(questions) for slot, name in enumerate(names)]


def make_study(db: Database, answers: Sequence[Written], *, now: datetime, plan: Plan, name: str = STUDY) -> None:
    """An open study with these answers, each with settings of its contender's own."""
    studies.create(db, name=name, title="A study", plan=plan, now=now)
    asked = sorted({answer.question for answer in answers})
    imports.import_questions(db, name, records([{"id": f"q{n}", "text": f"Question {n}?"} for n in asked]), now=now)
    rows = [
        {"question_id": f"q{q}", "contender": who, "text": text, "model": who * 3, "temperature": len(who) / 10}
        for q, who, text in answers
    ]
    imports.import_answers(db, name, records(rows), now=now)
    studies.open_(db, name, now=now)


def sign_in(db: Database, raters: int, *, now: datetime) -> list[str]:
    """The sessions of new raters, who have still to consent."""
    links = [access.invite(db, STUDY, role=Role.RATER, name=f"rater {n}", days=1, now=now) for n in range(raters)]
    return [access.redeem(db, link.secret, now=now, hours=24)[0] for link in links]


def walk(ask: Ask, raters: int, matchups_each: int, rng: Random) -> Iterator[Observation]:
    """Let raters vote in turn, by chance, and yield what each saw before each vote."""
    before = [ask(n, "POST", "/consent", None) for n in range(raters)]
    choices = [choice for choice in Choice if choice is not Choice.CANNOT_JUDGE]
    for position in range(matchups_each):
        for n in range(raters):
            page = ask(n, "GET", "/vote", None)
            observation = Observation(n, position, page, before[n])
            yield observation
            before[n] = ask(n, "POST", "/vote", {"token": observation.token, "choice": rng.choice(choices)})
            assert before[n].status == 303, before[n]


def timed(ask: Callable[[], Seen]) -> Seen:
    """The response with the time that it took."""
    began = time.perf_counter()
    seen = ask()
    return Seen(seen.status, seen.headers, seen.body, time.perf_counter() - began)


def truths(db: Database) -> dict[str, Truth]:
    """Who stands on which side, by token."""
    with db.read() as tx:
        shown = [shown for shown, _ in matchups.matchups(tx, studies.find(tx, STUDY).id)]
    return {m.token: Truth(m.model_a, m.model_b) for m in shown}
