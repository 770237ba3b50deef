"""Nothing that a rater can observe before a vote says who wrote which answer, but for the answers themselves.

Shown three times: exactly, by twin worlds; by classifiers that are given all of a real server's responses; and for
what is random by design (tokens, receipts' hashes, the coin). In the long form the classifiers get as many matchups
and draws as a bar of 52% needs.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from random import Random, SystemRandom
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from scipy.stats import binomtest
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena.domain import ledger as chains
from arena.domain import pairing, payloads
from arena.domain.blinding import Ballot
from arena.domain.ledger import GENESIS, Draft, Head, Kind, link
from arena.domain.pairing import Sides
from arena.domain.plan import PairPolicy, Plan
from arena.domain.vocabulary import HUMAN, Choice
from arena.domain.votes import Vote
from arena.services import voting
from arena.store.engine import Database
from tests.conftest import MakeDatabase
from tests.reliability.blinding_features import BASE64, features, hash_bits, token_bits
from tests.reliability.blinding_guess import Guessed, guess
from tests.reliability.blinding_walk import (
    NAMES,
    Observation,
    Seen,
    Truth,
    Written,
    each_its_length,
    make_study,
    one_style,
    sign_in,
    timed,
    truths,
    walk,
)
from tests.reliability.blinding_worlds import World, outside_answers, replay
from tests.reliability.server import running
from tests.scale import IS_LONG, scaled
from tests.studies import NOW, later, seated

pytestmark = pytest.mark.reliability

# --------------------------------------------------------------------------------------------- twin worlds

LONGER = ("a-contender-with-a-long-name-v1.5", "b", "cc", "d-70b")
TWO = NAMES[:2]
DRAWN = PairPolicy.ACTIVE


def by(authors: Sequence[str], answers: Iterable[Written], names: Sequence[str] = NAMES) -> list[Written]:
    """The same answers by other authors."""
    return [answer._replace(contender=authors[names.index(answer.contender)]) for answer in answers]


def exchanged(answers: Sequence[Written]) -> list[Written]:
    """The same answers of two contenders, each by the other one, in the same order of rows."""
    return by(TWO[::-1], answers, TWO)


# Each pair differs in one thing that no rater may learn. With flipped sides the answers' texts are left out of the
# comparison; where two authors are exchanged and the coin's faces too, the texts stand where they stood.
TWINS = {
    "sides": (World(each_its_length(6)), World(each_its_length(6), is_flipped=True)),
    "names": (World(one_style(6)), World(by(LONGER, one_style(6)))),
    "rows": (World(one_style(6)), World(one_style(6), studies_before=2)),
    "names, drawn": (World(one_style(6), policy=DRAWN), World(by(LONGER, one_style(6)), policy=DRAWN)),
    "rows, drawn": (World(one_style(6), policy=DRAWN), World(one_style(6), studies_before=2, policy=DRAWN)),
    "authors": (World(one_style(20, TWO)), World(exchanged(one_style(20, TWO)), is_flipped=True)),
    "authors of unlike lengths": (
        World(each_its_length(20, TWO)),
        World(exchanged(each_its_length(20, TWO)), is_flipped=True),
    ),
}


ON_BOTH = ("rows", "rows, drawn", "authors")
"""The twins that are told apart by what a database does."""


@pytest.mark.parametrize(
    ("twins", "kind"), [*((twins, "sqlite") for twins in TWINS), *((twins, "postgresql") for twins in ON_BOTH)]
)
def test_who_wrote_what_changes_no_byte(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch, twins: str, kind: str
) -> None:
    each = scaled(5, 15)
    one, other = (replay(make_db(kind), world, monkeypatch, matchups_each=each) for world in TWINS[twins])
    if twins == "sides":
        assert one != other
        one, other = outside_answers(one), outside_answers(other)
    assert one == other


@dataclass
class Planted:
    """A leak in the app's responses: pages are changed by who stands on side A."""

    app: ASGIApp
    db: Database
    leak: Callable[[bytes, str, int], bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Change a page that shows a matchup."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message = {}

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body = self.page(message.get("body", b""))
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self.app(scope, receive, changed)

    def page(self, body: bytes) -> bytes:
        """The page with the leak."""
        token = re.search(rb'name="token" value="([^"]+)"', body)
        if token is None:
            return body
        query = text(
            "SELECT contender.name, answer.id FROM matchup JOIN answer ON answer.id = matchup.answer_a_id "
            "JOIN contender ON contender.id = answer.contender_id WHERE matchup.token = :token"
        )
        with self.db.read() as tx:
            name, row = tx.execute(query, {"token": token[1].decode()}).one()
        return self.leak(body, name, row)


def row_number(body: bytes, _name: str, row: int) -> bytes:
    """An answer's row number in a comment."""
    return body + f"<!-- {row} -->".encode()


def one_byte_longer(body: bytes, name: str, _row: int) -> bytes:
    """A byte more where one contender stands on side A."""
    return body + b" " * (name in (NAMES[0], LONGER[0]))


@pytest.mark.parametrize(
    ("twins", "leak"), [("sides", one_byte_longer), ("authors", one_byte_longer), ("rows", row_number)]
)
def test_a_planted_leak_makes_twin_worlds_differ(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch, twins: str, leak: Callable[[bytes, str, int], bytes]
) -> None:
    seen = []
    for world in TWINS[twins]:
        db = make_db("sqlite")
        seen.append(
            replay(db, replace(world, planted=partial(Planted, db=db, leak=leak)), monkeypatch, matchups_each=4)
        )
    assert outside_answers(seen[0]) != outside_answers(seen[1])


def test_a_token_made_from_a_name_makes_twin_worlds_differ(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = voting._show

    def leaking(tx: Any, place: Any, pair: Any, *rest: Any) -> int:
        with monkeypatch.context() as patch:
            patch.setattr(pairing, "new_token", lambda: f"{pair.low.contender[-1]}{secrets.token_urlsafe(24)[1:]}")
            return show(tx, place, pair, *rest)

    monkeypatch.setattr(voting, "_show", leaking)
    one, other = (replay(make_db("sqlite"), world, monkeypatch, matchups_each=1) for world in TWINS["names"])
    assert one != other


def test_a_voting_page_carries_no_header_that_could_tell(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = replay(make_db("sqlite"), TWINS["sides"][0], monkeypatch, matchups_each=3)
    names = {name for one in seen for name, _ in one.headers}
    assert not names & {"etag", "last-modified", "content-encoding", "set-cookie", "server-timing", "age", "link"}
    pages = [one for one in seen if one.status == 200]
    for page, head in zip(pages[::2], pages[1::2], strict=True):
        assert page.body
        assert not head.body
        assert head.headers == page.headers


# --------------------------------------------------------------------------------------------- classifiers

RATERS = 8
MANY = 300
"""Questions whose six pairings each, had by all raters, are so many matchups that chance stays within a bar of 52%."""
CONTROLS = 800


def walked(db: Database, answers: Sequence[Written], matchups_each: int) -> tuple[list[Observation], list[Truth]]:
    """All that raters observe at a real server, matchup by matchup, and who stood where."""
    now = datetime.now(UTC)
    make_study(db, answers, now=now, plan=Plan(raters_per_pairing=RATERS))
    sessions = sign_in(db, RATERS, now=now)
    with running(db) as server:
        connections = [HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in sessions]

        def ask(rater: int, method: str, path: str, form: Any) -> Seen:
            headers = {"Cookie": f"__Host-arena-rater={sessions[rater]}", "Sec-Fetch-Site": "same-origin"}
            headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            connections[rater].request(method, path, urlencode(form) if form else None, headers)
            response = connections[rater].getresponse()
            return Seen(response.status, tuple(response.getheaders()), response.read())

        clocked = partial(_clocked, ask)
        observations = list(walk(clocked, RATERS, matchups_each, Random(1)))
        for connection in connections:
            connection.close()
    known = truths(db)
    return observations, [known[observation.token] for observation in observations]


def _clocked(ask: Callable[..., Seen], *request: Any) -> Seen:
    return timed(partial(ask, *request))


@dataclass(frozen=True)
class Walked:
    """A walk, and what is true of it."""

    observations: list[Observation]
    truths: list[Truth]

    def guessed(self) -> Guessed:
        """How well it is guessed who stands on side A."""
        return guess(features(self.observations), np.array([truth.label for truth in self.truths]))

    def with_leak(self, leak: Callable[[Observation, Truth], Observation]) -> Walked:
        """The same walk as if the app had leaked."""
        return replace(self, observations=[leak(*both) for both in zip(self.observations, self.truths, strict=True)])

    def first(self, matchups: int) -> Walked:
        """The beginning of the walk."""
        return Walked(self.observations[:matchups], self.truths[:matchups])

    def drawn_anew(self, matchups: int, rng: Random) -> Walked:
        """As many pages as asked for from this walk, each with a token and a truth of its own."""
        chosen = rng.choices(self.observations, k=matchups)
        tokens = ["".join(rng.choices(BASE64, k=len(seen.token))) for seen in chosen]
        pages = [
            _paged(seen, seen.page.body.replace(seen.token.encode(), token.encode()))
            for seen, token in zip(chosen, tokens, strict=True)
        ]
        return Walked(pages, [Truth(*rng.sample(NAMES, 2)) for _ in pages])


@pytest.fixture(scope="module")
def honest(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """A walk at the app as it is, among answers of one distribution: short, for most draw from its pages."""
    return _walk(sqlite_template, tmp_path_factory, one_style(12), 32)


def _walk(template: Path, factory: pytest.TempPathFactory, answers: Sequence[Written], each: int) -> Walked:
    from arena.store.engine import open_database

    path = factory.mktemp("walk") / "arena.db"
    path.write_bytes(template.read_bytes())
    db = open_database(f"sqlite:///{path}")
    try:
        return Walked(*walked(db, answers, each))
    finally:
        db.close()


def test_all_that_a_real_server_answers_says_nothing(
    honest: Walked, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seen = _walk(sqlite_template, tmp_path_factory, one_style(MANY), 6 * MANY) if IS_LONG else honest
    found = seen.guessed()
    print(f"side A guessed from all but the answers: {found}")
    first = seen.first(500)
    print(f"from the first {len(first.truths)} matchups: {first.guessed()}")
    assert found.bar == 0.52 or not IS_LONG
    assert found.best <= found.bar, str(found)


def test_nor_where_contenders_write_at_their_own_length(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = _walk(sqlite_template, tmp_path_factory, each_its_length(12), scaled(12, 60)).guessed()
    print(f"where contenders differ in length: {found}")
    assert found.best <= found.bar, str(found)


def _in_token(seen: Observation, truth: Truth) -> Observation:
    """The token's first byte depends on the contender on side A."""
    first = "AQgw"[NAMES.index(truth.model_a)]
    return _paged(seen, seen.page.body.replace(seen.token.encode(), (first + seen.token[1:]).encode()))


def _in_comment(seen: Observation, truth: Truth) -> Observation:
    """The page holds the row number of the answer on side A, in the order of an import."""
    row = 1 + seen.question * len(NAMES) + NAMES.index(truth.model_a)
    return _paged(seen, row_number(seen.page.body, "", row))


def _in_length(seen: Observation, truth: Truth) -> Observation:
    """The page is a byte longer for one contender."""
    return _paged(seen, one_byte_longer(seen.page.body, truth.model_a, 0))


def _in_time(seen: Observation, truth: Truth) -> Observation:
    """The page takes 2 ms more for one contender, on a machine whose times vary by a tenth."""
    base = 0.006 * np.exp(Random(seen.token).gauss(0, 0.1))
    return replace(seen, page=replace(seen.page, seconds=base + 0.002 * (truth.model_a == NAMES[0])))


def _in_header(seen: Observation, truth: Truth) -> Observation:
    """A header names the version of what is shown."""
    headers = (*seen.page.headers, ("etag", f'"{chains.entry_hash(truth.model_a)[:16]}"'))
    return replace(seen, page=replace(seen.page, headers=headers))


def _paged(seen: Observation, body: bytes) -> Observation:
    headers = {**dict(seen.page.headers), "content-length": str(len(body))}
    return replace(seen, page=replace(seen.page, body=body, headers=tuple(headers.items())))


@pytest.mark.parametrize("leak", [_in_token, _in_comment, _in_length, _in_time, _in_header])
def test_a_planted_leak_is_found(honest: Walked, leak: Callable[[Observation, Truth], Observation]) -> None:
    found = honest.drawn_anew(CONTROLS, Random(4)).with_leak(leak).guessed()
    assert found.best > found.bar, str(found)


def test_sides_that_follow_the_alphabet_are_found(honest: Walked) -> None:
    rng, seen = Random(5), honest.drawn_anew(CONTROLS, Random(6)).observations
    found = guess(features(seen), np.array([rng.random() < 0.8 for _ in seen]))
    assert found.best > found.bar, str(found)


# --------------------------------------------------------------------------------------------- tokens and receipts


def drawn(draws: int, nonce: Callable[[], str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Tokens, and receipts of the votes on their matchups, beside what stood on side A; by the domain's functions."""
    rng, head = SystemRandom(), Head(0, GENESIS)
    rows, labels = [], []
    for _ in range(draws):
        sides = pairing.toss(*TWO, rng)
        token = pairing.new_token()
        vote = Vote(
            seq=0,
            key=payloads.matchup_key(token),
            matchup_seq=head.position,
            question="q0",
            model_a=sides.a,
            model_b=sides.b,
            answer_a=sides.a * 8,
            answer_b=sides.b * 8,
            choice=Choice.TIE_GOOD,
            reason=None,
            source=HUMAN,
            rater="rater-1",
            simulated=False,
            voted_at=NOW,
        )
        [entry] = link("c" * 32, head, [Draft(Kind.VOTE, payloads.recorded_vote(vote, nonce(), {}), "rater-1")], NOW)
        head = Head(entry.seq, entry.hash)
        rows.append([*token_bits(token), *hash_bits(entry.hash)])
        labels.append(sides.a < sides.b)
    return np.array(rows), np.array(labels)


def test_tokens_and_receipts_say_nothing_of_their_own_matchup() -> None:
    found = guess(*drawn(scaled(4_000, 20_000), chains.nonce))
    assert found.bar == 0.52 or not IS_LONG
    print(f"side A guessed from token and receipt: {found}")
    assert found.best <= found.bar, str(found)


# --------------------------------------------------------------------------------------------- sides


@dataclass(frozen=True)
class Toss:
    """One toss of the coin, and all that it must not depend on."""

    is_a: bool
    """Whether the contender that comes first in the alphabet stands on side A."""
    first: str
    second: str
    question: str
    rater: int
    position: int
    choice_before: str


UNFAIR = 1e-7
"""How often fair tosses may be called unfair."""


def unfair(tosses: Sequence[Toss]) -> list[str]:
    """Where the coin is not fair or depends on something, by exact binomial tests; all together err as UNFAIR says."""
    groups: dict[str, list[bool]] = {"all": [toss.is_a for toss in tosses]}
    last: dict[int, list[bool]] = {}
    for number, toss in enumerate(tosses):
        for name in (
            f"pair {toss.first}-{toss.second}",
            f"question {toss.question}",
            f"rater {toss.rater}",
            f"position {toss.position}",
            f"number {number % 2} of 2",
            f"after the choice {toss.choice_before}",
        ):
            groups.setdefault(name, []).append(toss.is_a)
        groups.setdefault(f"{toss.first} on side A", []).append(toss.is_a)
        groups.setdefault(f"{toss.second} on side A", []).append(not toss.is_a)
        mine = last.setdefault(toss.rater, [])
        for lag in range(1, min(len(mine), 5) + 1):
            groups.setdefault(f"as {lag} before", []).append(toss.is_a == mine[-lag])
        mine.append(toss.is_a)
    for lag in range(1, 6):
        pairs = zip(tosses[lag:], tosses, strict=False)
        groups[f"as {lag} before among all"] = [now.is_a == then.is_a for now, then in pairs]
    bound = UNFAIR / len(groups)
    tests = {name: binomtest(sum(coin), len(coin)).pvalue for name, coin in groups.items()}
    return [f"{name}: {sum(groups[name])} of {len(groups[name])}" for name, p in tests.items() if p < bound]


def tossed(db: Database, matchups_each: int) -> list[Toss]:
    """The tosses of many matchups issued by the services."""
    make_study(db, one_style(20), now=NOW, plan=Plan(raters_per_pairing=RATERS))
    seats = [seated(db, f"rater {n}", "blind") for n in range(RATERS)]
    rng = Random(7)
    choices = [choice for choice in Choice if choice is not Choice.CANNOT_JUDGE]
    issued: list[tuple[str, str, int, int, str]] = []
    before = [""] * RATERS
    for position in range(matchups_each):
        for n, seat in enumerate(seats):
            now = later(position)
            matchup = voting.next_matchup(db, seat, now=now)
            assert matchup is not None
            issued.append((matchup.token, matchup.question, n, position, before[n]))
            before[n] = rng.choice(choices)
            voting.cast_vote(db, seat, Ballot(matchup.token, Choice(before[n])), now=now)
    known = truths(db)
    return [
        Toss(known[token].label, min(known[token]), max(known[token]), question, rater, position, choice)
        for token, question, rater, position, choice in issued
    ]


def test_sides_are_a_fair_coin_independent_of_everything(make_db: MakeDatabase, honest: Walked) -> None:
    assert unfair(tossed(make_db("sqlite"), scaled(24, 120))) == []
    assert unfair(list(_tosses(honest))) == []


def _tosses(walk: Walked) -> Iterable[Toss]:
    for seen, truth in zip(walk.observations, walk.truths, strict=True):
        yield Toss(truth.label, min(truth), max(truth), str(seen.question), seen.rater, seen.position, "")


def test_the_coin_itself_is_fair_over_many_tosses() -> None:
    rng = SystemRandom()
    heads = [pairing.toss(0, 1, rng).a == 0 for _ in range(100_000)]
    assert binomtest(sum(heads), len(heads)).pvalue > UNFAIR
    assert binomtest(sum(a == b for a, b in pairwise(heads)), len(heads) - 1).pvalue > UNFAIR


def _biased(low: Any, high: Any, _rng: Random, *, coin: Random) -> Sides[Any]:
    return Sides(low, high) if coin.random() < 0.95 else Sides(high, low)


def _favours_one(low: Any, high: Any, rng: Random) -> Sides[Any]:
    """Fair among all, but the first contender stands on side A and the last one too."""
    if low.contender == NAMES[0] or high.contender == NAMES[-1]:
        return Sides(low, high) if low.contender == NAMES[0] else Sides(high, low)
    return Sides(low, high) if rng.random() < 0.5 else Sides(high, low)


@pytest.mark.parametrize("toss", [partial(_biased, coin=Random(2)), _favours_one])
def test_an_unfair_coin_is_found(
    make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch, toss: Callable[..., Sides[Any]]
) -> None:
    monkeypatch.setattr(pairing, "toss", toss)
    assert unfair(tossed(make_db("sqlite"), 10))


@pytest.mark.parametrize(
    ("name", "coin"),
    [
        ("as 1 before", lambda n, fair: bool(n // RATERS % 2)),
        ("position 0", lambda n, fair: fair or n < 64),
        ("rater 3", lambda n, fair: fair or n % RATERS == 3),
        ("question 2", lambda n, fair: fair or n // 3 % 20 == 2),
        ("after the choice tie_bad", lambda n, fair: fair or n % 5 == 0),
    ],
)
def test_a_coin_that_depends_on_something_is_found(name: str, coin: Callable[[int, bool], bool]) -> None:
    rng = Random(11)
    tosses = [
        Toss(
            coin(n, rng.random() < 0.5),
            *("a", "b"),
            question=str(n // 3 % 20),
            rater=n % RATERS,
            position=n // 64,
            choice_before="tie_bad" if n % 5 == 0 else "a_better",
        )
        for n in range(1200)
    ]
    assert name in {line.split(":")[0] for line in unfair(tosses)}
