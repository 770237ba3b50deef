"""The truth that a study is drawn from: strengths, and every effect that moves a vote away from them.

The model of one reply, in logits. Contender i has strength θ; its answer on question q has the quality

    x_iq = θ_i + e_ic(q) + u_iq            e by category, u ~ N(0, questions.sd²)

Rater r sees A ahead of B by

    z = s_r · (x_Aq - x_Bq + v_Ar - v_Br + raters.length_effect · ln(length_A / length_B)) + b_r

with v ~ N(0, raters.sd²), ln s ~ N(0, raters.slope_sd²) and b ~ N(raters.side, raters.side_sd²), perceives z plus
standard logistic noise, and calls it a tie where that is nearer to 0 than the rater's threshold, whose logarithm is
normal around ln(tie_threshold): the model of Rao and Kupper (1967), and without ties that of Bradley and Terry (1952).
Besides, a plain share of the replies may be ties. A judge sees

    z = slope · (x_Aq - x_Bq) + (bias_A + w_Aq) - (bias_B + w_Bq) + length_effect · ln(length_A / length_B)
        + family_effect · ([A is of its family] - [B is]) + position

where w ~ N(0, question_sd²) is its own view of an answer, the same in both orders and in every repetition. A rater
cannot judge question q with log-odds ln(abstention / (1 - abstention)) + abstention_slope · d_q, d ~ N(0, 1) being how
difficult it is. Riggers are raters who, in a share of the pairs that show whom they favour, vote for that contender
where they vote at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from arena.errors import BadInput
from arena.ratings.simulation.checks import bounded, check_distinct, check_known, check_name, check_numbers

SHORTEST, LONGEST = 40, 100_000
"""Characters of an answer: enough to say that it is simulated, and no more than a file may hold."""
MOST_CONTENDERS = 1000
_MOST = 10_000_000
_MOST_VOTES = 2**31 - 1


@dataclass(frozen=True)
class Contender:
    """One contender: strength in logits, and the median length of its answers in characters.

    `length_sd` is the standard deviation of the logarithm of the length of its answers.
    """

    name: str
    strength: float = bounded(0.0, least=-50, most=50)
    family: str | None = None
    length: float = bounded(800.0, least=SHORTEST, most=50_000)
    length_sd: float = bounded(0.0, least=0, most=3)

    def __post_init__(self) -> None:
        check_name("name", self.name)
        if self.family is not None:
            check_name("family", self.family)
        check_numbers(self)


@dataclass(frozen=True)
class Category:
    """A category of questions: its weight among them, and what it adds to contenders' strengths, in logits."""

    name: str
    weight: float = bounded(1.0, least=1e-6)
    effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("name", self.name)
        check_numbers(self)


@dataclass(frozen=True)
class Questions:
    """How many questions, and the standard deviation of contender × question effects in logits."""

    number: int = bounded(200, least=1, most=_MOST)
    sd: float = bounded(0.0, least=0, most=20)


@dataclass(frozen=True)
class Raters:
    """The raters as a population; effects in logits, shares from 0 to 1. `both_bad` is a share of the ties."""

    number: int = bounded(10, least=0, most=_MOST)
    sd: float = bounded(0.0, least=0, most=20)
    slope_sd: float = bounded(0.0, least=0, most=3)
    side: float = bounded(0.0, least=-20, most=20)
    side_sd: float = bounded(0.0, least=0, most=20)
    length_effect: float = bounded(0.0, least=-20, most=20)
    tie_threshold: float = bounded(0.0, least=0, most=20)
    tie_threshold_sd: float = bounded(0.0, least=0, most=3)
    tie_share: float = bounded(0.0, least=0, most=1)
    both_bad: float = bounded(0.0, least=0, most=1)
    abstention: float = bounded(0.0, least=0, most=0.99)
    abstention_slope: float = bounded(0.0, least=-20, most=20)


@dataclass(frozen=True)
class Judge:
    """A language model that judges; effects in logits. `bias` by contender, or drawn with standard deviation `bias_sd`.

    It replies `repeats` times on each pairing that the raters see, in each order that `Assignment` asks for.
    """

    name: str
    slope: float = bounded(1.0, least=-20, most=20)
    bias: Mapping[str, float] = field(default_factory=dict)
    bias_sd: float = bounded(0.0, least=0, most=20)
    question_sd: float = bounded(0.0, least=0, most=20)
    position: float = bounded(0.0, least=-20, most=20)
    length_effect: float = bounded(0.0, least=-20, most=20)
    family: str | None = None
    family_effect: float = bounded(0.0, least=-20, most=20)
    tie_threshold: float = bounded(0.0, least=0, most=20)
    tie_share: float = bounded(0.0, least=0, most=1)
    repeats: int = bounded(1, least=1, most=1000)

    def __post_init__(self) -> None:
        check_name("name", self.name)
        check_numbers(self)
        if self.bias and self.bias_sd:
            raise BadInput("bias_sd: is given beside bias; state the biases, or let them be drawn")


@dataclass(frozen=True)
class Assignment:
    """Different pairs shown on each question, different raters who vote on each, and the orders that judges see.

    Which side a contender stands on is a fair coin; judges see both orders, unless `both_orders` is false.
    """

    pairs: int = bounded(10, least=1, most=_MOST)
    votes: int = bounded(1, least=1, most=_MOST)
    both_orders: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.both_orders, bool):
            raise BadInput(f"both_orders: must be true or false, not {self.both_orders!r}")


@dataclass(frozen=True)
class Riggers:
    """How many of the raters (the last ones) vote for one contender, and in which share of the pairs that show it."""

    number: int = bounded(0, least=0, most=_MOST)
    favours: str | None = None
    share: float = bounded(1.0, least=0, most=1)


def spread(count: int, sd: float = 0.6) -> tuple[Contender, ...]:
    """Contenders whose strengths are the quantiles of a normal distribution, the strongest first."""
    normal, width = NormalDist(0.0, 1.0), len(str(count))
    return tuple(
        Contender(f"contender-{at:0{width}}", round(-sd * normal.inv_cdf((at - 0.5) / count), 4))
        for at in range(1, count + 1)
    )


@dataclass(frozen=True)
class Truth:
    """Everything that a study is drawn from; every effect is none unless it is stated. Raises BadInput for what is not
    within its bounds or does not fit together."""

    contenders: tuple[Contender, ...] = field(default_factory=lambda: spread(8))
    questions: Questions = Questions()
    categories: tuple[Category, ...] = ()
    raters: Raters = Raters()
    judges: tuple[Judge, ...] = ()
    assignment: Assignment = Assignment()
    riggers: Riggers = Riggers()

    def __post_init__(self) -> None:
        for part in (self.questions, self.raters, self.assignment, self.riggers):
            _within(part)
        self._check_names()
        self._check_design()

    @property
    def names(self) -> list[str]:
        """The contenders' names, in the order stated."""
        return [contender.name for contender in self.contenders]

    @property
    def human_votes(self) -> int:
        """Replies of raters in a study, those that cannot judge among them."""
        return self.questions.number * self.assignment.pairs * self.assignment.votes if self.raters.number else 0

    @property
    def judge_votes(self) -> int:
        """Replies of all judges in a study."""
        orders = 2 if self.assignment.both_orders else 1
        each = self.questions.number * self.assignment.pairs * orders
        return each * sum(judge.repeats for judge in self.judges)

    def _check_names(self) -> None:
        names = self.names
        check_distinct("contenders", names)
        check_distinct("categories", [category.name for category in self.categories])
        check_distinct("judges", [judge.name for judge in self.judges])
        for place, category in enumerate(self.categories, 1):
            check_known(f"categories {place}, effects", category.effects, names)
        for place, judge in enumerate(self.judges, 1):
            check_known(f"judges {place}, bias", judge.bias, names)
        if self.riggers.number and self.riggers.favours not in names:
            raise BadInput(f"riggers.favours: must name a contender, not {self.riggers.favours!r}")

    def _check_design(self) -> None:
        n = len(self.contenders)
        if not 2 <= n <= MOST_CONTENDERS:
            raise BadInput(f"contenders: there must be 2 to {MOST_CONTENDERS:,}, not {n:,}")
        if self.assignment.pairs > n * (n - 1) // 2:
            raise BadInput(f"assignment.pairs: {n} contenders make {n * (n - 1) // 2} pairs; state no more")
        if self.raters.number and self.assignment.votes > self.raters.number:
            raise BadInput(
                f"assignment.votes: each is by another rater, and raters.number is {self.raters.number}; state no more"
            )
        if self.riggers.number and self.riggers.number >= self.raters.number:
            raise BadInput("riggers.number: riggers are some of the raters; it must be less than raters.number")
        if not 1 <= self.human_votes + self.judge_votes <= _MOST_VOTES:
            raise BadInput(f"there must be 1 to {_MOST_VOTES:,} votes; state raters or judges, or a smaller study")


def _within(part: Questions | Raters | Assignment | Riggers) -> None:
    try:
        check_numbers(part)
    except BadInput as error:
        raise BadInput(f"{type(part).__name__.lower()}.{error}") from None
