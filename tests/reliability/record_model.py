"""What a study's record should say, in plain dictionaries: the rules of docs/study-states.md, docs/plan.md and
docs/ledger.md told a second time. It knows nothing of the store, and is told random values (names, tokens, hashes)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from arena.errors import ArenaError, BadInput, BadRecords, Conflict, NotAllowed, NotFound

Pairing = tuple[str, frozenset[str]]
Refusal = type[ArenaError] | None
Words = tuple[str, str | None, str | None]
"""A choice, its reason and a comment."""

CHOICES = ("a_much_better", "a_better", "tie_good", "tie_bad", "b_better", "b_much_better", "cannot_judge")
WINNERS = dict(zip(CHOICES, ("model_a", "model_a", "tie", "both_bad", "model_b", "model_b", None), strict=True))
IMPORTED = {"model_a": "a_better", "model_b": "b_better", "tie": "tie_good", "both_bad": "tie_bad"}
IMPORTED["tie (bothbad)"] = "tie_bad"
CONTENDERS = ("alpha", "beta", "gamma")
ANSWERED = {"q0": CONTENDERS, "q1": CONTENDERS, "q2": CONTENDERS[:2], "q3": CONTENDERS[:1]}


@dataclass
class Said:
    """A vote's own entry, or that of a correction. `comment` is what was sent; whether it is there, `texts` say."""

    seq: int
    choice: str
    reason: str | None
    comment: str | None
    hash: str = ""


@dataclass
class Vote:
    """A vote and all that became of it; its own entry is `said[0]`. Imported votes have no token."""

    key: str
    source: str
    rater: str | None
    question: str | None
    sides: tuple[str, str]
    said: list[Said]
    token: str | None = None
    simulated: bool = False
    excluded: bool = False
    withdrawn: bool = False

    @property
    def seq(self) -> int:
        return self.said[0].seq

    @property
    def counts(self) -> bool:
        return not self.excluded and not self.withdrawn

    def told(self, said: Said) -> tuple[object, ...]:
        """What an imported record must agree with, for one of the things that were said."""
        return self.source, self.rater, self.question, self.sides, self.simulated, said.choice, said.reason


@dataclass
class Claim:
    """A place that is held: until a moment, or for good."""

    rater: str
    pairing: Pairing
    until: datetime
    is_open: bool = True


@dataclass
class Sitter:
    """An invited rater, with the secret of the newest session that was begun."""

    name: str | None
    consented: bool = False
    revoked: bool = False
    session: str | None = None


@dataclass
class Model:
    """The study. `position` and `instance` are the lengths of the two chains."""

    plan: dict[str, object]
    state: str = "draft"
    position: int = 0
    instance: int = 0
    sitters: dict[str, Sitter] = field(default_factory=dict)
    raters: dict[str, None] = field(default_factory=dict)
    shown: dict[str, tuple[str, str, tuple[str, str]]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    votes: dict[int, Vote] = field(default_factory=dict)
    texts: dict[tuple[int, str], str | None] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    @property
    def places(self) -> int:
        return int(str(self.plan["raters_per_pairing"]))

    @property
    def standing(self) -> list[Vote]:
        return [vote for vote in self.votes.values() if vote.counts]

    def pairings(self) -> list[Pairing]:
        if self.state == "draft":
            return []
        return [(q, frozenset(pair)) for q, names in ANSWERED.items() for pair in _pairs(names)]

    def taken(self) -> Counter[Pairing]:
        return Counter(claim.pairing for claim in self.claims.values())

    def of_rater(self, rater: str) -> list[Vote]:
        return [vote for vote in self.votes.values() if vote.rater == rater]

    def voted_on(self, token: str) -> Vote | None:
        return next((vote for vote in self.votes.values() if vote.token == token), None)

    def open_token(self, rater: str) -> str | None:
        return next((t for t, claim in self.claims.items() if claim.is_open and claim.rater == rater), None)

    def left_for(self, rater: str) -> list[Pairing]:
        """The pairings that a rater could still be given."""
        taken, mine = self.taken(), {claim.pairing for claim in self.claims.values() if claim.rater == rater}
        return [pairing for pairing in self.pairings() if pairing not in mine and taken[pairing] < self.places]

    def comment(self, said: Said) -> str | None:
        return self.texts.get((said.seq, "comment"))

    def texts_of(self, rater: str) -> list[tuple[int, str]]:
        own = {said.seq for vote in self.of_rater(rater) for said in vote.said}
        return [key for key, text in self.texts.items() if key[0] in own and text is not None]

    # What is refused, in the order in which a reader of the documents would look

    def bars_rater(self, rater: str) -> Refusal:
        sitter = self.sitters.get(rater)
        return None if sitter and sitter.consented and not sitter.revoked else NotAllowed

    def bars_state(self, *allowed: str) -> Refusal:
        return None if self.state in allowed else Conflict

    def bars_vote(self, rater: str, token: str, words: Words) -> Refusal:
        if barred := self.bars_rater(rater):
            return barred
        if token not in self.shown or self.shown[token][0] != rater:
            return NotFound
        given = cleaned(words)
        if given is None:
            return BadInput
        if earlier := self.voted_on(token):
            said = earlier.said[0]
            return None if given == (said.choice, said.reason, self.comment(said)) else Conflict
        if barred := self.bars_state("open") or self.bars_choice(given):
            return barred
        held = self.claims.get(token)
        return None if held or self.taken()[self.pairing_of(token)] < self.places else Conflict

    def bars_choice(self, given: Words) -> Refusal:
        offered = self.plan["choices"]
        assert isinstance(offered, list)
        return None if given[0] in offered else BadInput

    def bars_correction(self, rater: str, token: str, words: Words) -> Refusal:
        if barred := self.bars_rater(rater):
            return barred
        vote = self.voted_on(token)
        if vote is None or vote.rater != rater:
            return NotFound
        if barred := self.bars_state("open"):
            return barred
        given = cleaned(words)
        if given is None:
            return BadInput
        last = vote.said[-1]
        is_new = given != (last.choice, last.reason, self.comment(last))
        return self.bars_choice(given) or (Conflict if is_new and len(vote.said) > 20 else None)

    def bars_exclusion(self, entries: Iterable[int], readmit: bool) -> Refusal:
        chosen = sorted(set(entries))
        if barred := self.bars_state("draft", "open", "closed") or (None if chosen else Conflict):
            return barred
        for seq in chosen:
            if seq not in self.votes:
                return NotFound
            if self.votes[seq].withdrawn or self.votes[seq].excluded is not readmit:
                return Conflict
        return None

    def bars_withdrawal(self, rater: str) -> Refusal:
        if rater not in self.raters:
            return NotFound
        return Conflict if rater in self.withdrawn else None

    def bars_import(self, votes: Iterable[Vote]) -> Refusal:
        """Raters with a seat vote here, and those who left not at all; but what is known already may come again."""
        if barred := self.bars_state("draft", "open", "closed"):
            return barred
        there = {vote.key: vote for vote in self.votes.values()}
        for vote in votes:
            answered = ANSWERED.get(vote.question, ()) if vote.question else CONTENDERS
            earlier = there.get(vote.key)
            if not {*vote.sides} <= {*answered}:
                return BadRecords
            if earlier is None and (vote.rater in self.withdrawn or vote.rater in self.sitters):
                return BadRecords
            told = [] if earlier is None else [earlier.told(earlier.said[0]), earlier.told(earlier.said[-1])]
            if told and vote.told(vote.said[0]) not in told:
                return BadRecords
        return None

    # What is done, where it is not refused

    def pairing_of(self, token: str) -> Pairing:
        _, question, sides = self.shown[token]
        return question, frozenset(sides)

    def release(self, now: datetime) -> None:
        self.claims = {t: c for t, c in self.claims.items() if not (c.is_open and c.until < now)}

    def show(self, rater: str, token: str, question: str, sides: tuple[str, str], now: datetime) -> None:
        if token not in self.shown:
            self.position += 1
            self.shown[token] = rater, question, sides
        until = now + timedelta(minutes=int(str(self.plan["claim_minutes"])))
        self.claims[token] = Claim(rater, self.pairing_of(token), until)

    def cast(self, token: str, given: Words, now: datetime, hash_: str) -> None:
        rater, question, sides = self.shown[token]
        self.claims[token] = Claim(rater, self.pairing_of(token), now, is_open=False)
        key = "matchup:" + sha256(token.encode()).hexdigest()[:32]
        self.add([Vote(key, "human", rater, question, sides, [Said(0, *given, hash_)], token)])

    def add(self, votes: Iterable[Vote], extras: Mapping[str, str] | None = None) -> None:
        """Append votes that were cast or imported; `extras`: the further fields of those that have some, by key."""
        for vote in votes:
            self.position += 1
            said = vote.said[0]
            said.seq = self.position
            self.votes[self.position] = vote
            for name, text in (("comment", said.comment), ("extra", (extras or {}).get(vote.key))):
                if text is not None:
                    self.texts[said.seq, name] = text

    def correct(self, token: str, given: Words, hash_: str) -> None:
        vote = self.voted_on(token)
        assert vote is not None
        self.position += 1
        vote.said.append(Said(self.position, *given, hash_))
        if given[2] is not None:
            self.texts[self.position, "comment"] = given[2]

    def withdraw(self, rater: str) -> None:
        goes = self.plan["withdrawal"] == "withdraw_votes"
        self.position += 1
        for key in self.texts_of(rater):
            self.erase(*key)
        self.withdrawn.add(rater)
        for vote in self.of_rater(rater) if goes else ():
            vote.withdrawn = True
        kept = {t: c for t, c in self.claims.items() if c.rater != rater or not (goes or c.is_open)}
        self.claims = kept
        if sitter := self.sitters.get(rater):
            self.instance += (not sitter.revoked) + (sitter.name is not None)
            sitter.revoked, sitter.name = True, None

    def erasable(self, seq: int, name: str) -> list[tuple[int, str]]:
        """The texts that go with one of a vote: a correction repeats the comment, so that all of its vote's go."""
        said = next((said for vote in self.votes.values() if seq in (said := [s.seq for s in vote.said])), [seq])
        return [key for key in ((entry, name) for entry in said) if self.texts.get(key) is not None]

    def erase(self, seq: int, name: str) -> None:
        for key in self.erasable(seq, name):
            self.position += 1
            self.texts[key] = None


def cleaned(words: Words) -> Words | None:
    """A ballot as it is recorded; None where it is not complete."""
    choice, reason, comment = words
    comment = (comment or "").replace("\r\n", "\n").strip() or None
    if comment and (len(comment) > 2000 or "\0" in comment):
        return None
    if choice != "cannot_judge":
        return choice, None, comment
    return (choice, reason, comment) if reason else None


def read_votes(rows: list[dict[str, object]], source: str, data: bytes) -> Iterator[tuple[Vote, str | None]]:
    """The votes of a file, each with its further fields."""
    for number, row in enumerate(rows, 1):
        rest = dict(row)
        key = f"id:{rest.pop('id')}" if "id" in rest else f"file:{sha256(data).hexdigest()}:{number}"
        question, rater = _text(rest.pop("question_id", None)), _text(rest.pop("rater", None))
        sides = (str(rest.pop("model_a")), str(rest.pop("model_b")))
        winner = rest.pop("winner", None)
        choice = str(rest.pop("choice", None) or IMPORTED[str(winner)])
        said = Said(0, choice, _text(rest.pop("reason", None)), _text(rest.pop("comment", None)))
        simulated = bool(rest.pop("simulated", False))
        yield Vote(key, source, rater, question, sides, [said], simulated=simulated), json.dumps(rest) if rest else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]
