"""Studies with a past: one in which everything happened, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role
from arena.services import access, erasure, exclusions, record, studies, voting
from arena.store import ledger, votes
from arena.store.engine import Database
from tests.studies import cast_elsewhere, draft, fill, later, seated

COMMENTS = ("short", 'Übel – "≥ 2 mg"?\n🙂\x7f', "=1+1", "\u202eright to left\u2069", "<b>bold</b>")


@dataclass
class Life:
    """A study whose raters act; every act is a minute later than the one before."""

    db: Database
    name: str
    rng: Random
    minute: float = 0

    def ballot(self, token: str) -> Ballot:
        """A random ballot."""
        choice = self.rng.choice(list(Choice))
        reason = self.rng.choice(list(CannotJudgeReason)) if choice is Choice.CANNOT_JUDGE else None
        return Ballot(token, choice, reason, self.rng.choice([None, None, *COMMENTS]))

    def vote(self, seat: Seat, *, leave_open: bool = False) -> str | None:
        """Let a rater take a matchup and vote on it. Returns its token; None where there is none left."""
        self.minute += 1
        shown = voting.next_matchup(self.db, seat, now=later(self.minute), rng=self.rng)
        if shown is not None and not leave_open:
            voting.cast_vote(self.db, seat, self.ballot(shown.token), now=later(self.minute + 0.5))
        return shown.token if shown else None

    def correct(self, seat: Seat, token: str) -> None:
        """Let the rater vote again on a matchup."""
        self.minute += 1
        record.correct(self.db, seat, self.ballot(token), now=later(self.minute))

    def imported(self, count: int) -> None:
        """Import votes that were cast elsewhere."""
        rows: list[dict[str, object]] = []
        for _ in range(count):
            one, other = self.rng.sample(["alpha", "beta", "gamma"], 2)
            winner = self.rng.choice(["model_a", "model_b", "tie", "both_bad"])
            more: dict[str, object] = self.rng.choice(
                [{}, {"question_id": "q0"}, {"judge": "carol", "arm": 2}, {"comment": "why"}]
            )
            rows.append({"model_a": one, "model_b": other, "winner": winner} | more)
        cast_elsewhere(self.db, self.name, rows, self.rng.choice(["human", "judge:x"]))

    def amend(self) -> None:
        """Change the plan."""
        minutes = self.rng.randrange(5, 600)
        studies.change_plan(
            self.db, self.name, [f"claim_minutes={minutes}"], reason=f"now {minutes}", now=later(self.minute)
        )

    def some_vote(self) -> int:
        """The ledger entry of a vote."""
        with self.db.read() as tx:
            return self.rng.choice([vote.seq for vote in votes.votes(tx, studies.get(self.db, self.name).id)])

    def erase(self) -> bool:
        """Erase one comment, where there is any."""
        with self.db.read() as tx:
            kept = ledger.sealed_texts(tx, studies.get(self.db, self.name).id)
        texts = [(seq, name) for seq, names in kept.items() for name in names]
        if texts:
            seq, name = self.rng.choice(sorted(texts))
            erasure.erase_text(self.db, self.name, seq, name, now=later(self.minute))
        return bool(texts)


def full(db: Database) -> Life:
    """A study in which everything happened. Its last twenty acts and more are nothing but raters' votes."""
    life = Life(db, "s", Random(3))
    draft(db, "s", questions=10)
    life.imported(3)
    studies.open_(db, "s", now=later(0))
    for role in (Role.ANALYST, Role.ADMIN):
        access.invite(db, "s", role=role, name=f"an {role}", days=1, now=later(0))
        access.create_token(db, role=role, study_name="s", label="x", days=1, now=later(0))
    raters = [seated(db, name) for name in ("ann", "bob", "cem")]
    leaver = seated(db, "dee")
    tokens = [(seat, life.vote(seat)) for _ in range(7) for seat in [*raters, leaver]]
    life.imported(9)
    life.amend()
    for seat, token in tokens[:3]:
        life.correct(seat, str(token))
    chosen = [life.some_vote() for _ in range(4)]
    exclusions.exclude(db, "s", reason="asleep", entries=set(chosen), now=later(life.minute))
    exclusions.exclude(db, "s", reason="awake", entries=chosen[:1], now=later(life.minute), readmit=True)
    life.erase()
    erasure.withdraw(db, "s", leaver.pseudonym, now=later(life.minute))
    for _ in range(8):
        for seat in raters:
            life.vote(seat)
    life.vote(raters[0], leave_open=True)
    return life


def grow(db: Database, name: str, rng: Random, check: Callable[[Life], None]) -> Life:
    """A random study that lives some random acts; `check` is called at four moments of its life."""
    rule = rng.choice(list(WithdrawalRule))
    studies.create(db, name=name, title=f"Study “{name}”", plan=Plan(withdrawal=rule), now=later(0))
    life = Life(db, name, rng)
    fill(db, name, questions=rng.randrange(1, 4))
    check(life)
    studies.open_(db, name, now=later(0))
    raters = [seated(db, "ann", name), seated(db, "bob", name)]
    cast: list[tuple[Seat, str]] = []
    for seat in raters:
        if token := life.vote(seat):
            cast.append((seat, token))
    check(life)
    acts: list[Callable[[], object]] = [
        lambda: life.vote(rng.choice(raters)),
        lambda: life.vote(rng.choice(raters), leave_open=True),
        lambda: life.correct(*rng.choice(cast)),
        lambda: life.imported(rng.randrange(1, 4)),
        life.amend,
        lambda: exclusions.exclude(db, name, reason="no", rater=raters[0].pseudonym, now=later(life.minute)),
        life.erase,
    ]
    for number, act in enumerate(rng.sample(acts, rng.randrange(2, len(acts)))):
        act()
        if number == 0:
            check(life)
    ends: list[Callable[[], object]] = [
        lambda: erasure.withdraw(db, name, raters[1].pseudonym, now=later(life.minute)),
        lambda: studies.close(db, name, now=later(life.minute)),
        lambda: studies.publish(db, name, now=later(life.minute)),
    ]
    for act in ends[rng.randrange(2) : rng.randrange(len(ends) + 1)]:
        act()
    check(life)
    return life
