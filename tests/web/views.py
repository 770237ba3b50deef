"""Invented view data for every template, used by the template tests and by the gallery that is looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from arena.domain.access import Invitation, Seat
from arena.domain.blinding import BlindMatchup, OwnVote, Progress, Receipt, Reveal
from arena.domain.ledger import Head
from arena.domain.plan import Plan
from arena.domain.study import Study
from arena.domain.vocabulary import CannotJudgeReason, Choice, Role, StudyState
from arena.ratings import Board, rate
from arena.ratings.agreement.comparing import agreement
from arena.ratings.covariates import control
from arena.ratings.fragility.analysis import fragility
from arena.ratings.prediction_powered.combined import combine
from arena.ratings.raters import raters
from arena.ratings.settled import settle
from arena.reports.published import published_table
from arena.services.erasure import Withdrawal
from arena.web.analysis import TOO_LARGE
from arena.web.asked import LEVELS
from arena.web.findings.order import first_place, settling
from arena.web.findings.people import agreeing, on_raters
from arena.web.findings.ratings import in_style, together
from arena.web.findings.section import Absent, Section, each_once
from arena.web.public import PageQuery, board_view

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HASH = "9f2c41d07be35a6288e1c4d3f0a97b165e8d2c3b4a59687f1e0d9c8b7a695847"
RECEIPT = Receipt(position=42, hash=HASH, recorded_at=NOW)
RATER = Seat(7, 1, "sample", Role.RATER, "rater-k4m2", consented=True)
ANALYST = Seat(9, 1, "sample", Role.ANALYST, "analyst-p8q1", consented=False)

ANSWER_A = """\
Start with a **focused history**: onset, radiation, exertional component, \
and whether the pain changes with breathing.

1. 12-lead ECG within ten minutes of arrival
2. High-sensitivity troponin at 0 and 1–3 hours
3. Chest radiograph where a pulmonary cause is possible

| Finding | Points towards |
|---|---|
| ST elevation in adjacent leads | acute coronary occlusion |
| Tearing pain, unequal pulses | aortic dissection |

Do not give nitrates before you have asked about *phosphodiesterase inhibitors*. See [the guideline](https://example.org/chest-pain)."""
ANSWER_B = """## Likely causes

A 58-year-old with chest pressure on exertion most often has stable angina, but new, \
worsening or rest pain has to be treated as an acute coronary \
syndrome until it is shown not to be.

### What to do

- ECG at once, repeated if the pain returns
- Aspirin 300 mg to chew unless contraindicated
- Troponin on arrival and again after the interval that your assay asks for

If the blood pressure differs between the arms, think of dissection **before** anticoagulating.

Arrange follow-up within two weeks for those who go home; tell them \
in plain words what should bring them back \
sooner, and write it down for them: pain at rest, \
 pain lasting more than fifteen minutes, fainting, or breathlessness."""
MATCHUP = BlindMatchup(
    token="t" * 43,
    question="A 58-year-old man has had chest pressure on climbing stairs for three weeks. What should be done first?",
    context="Smoker, 30 pack-years.\nBP 148/92 mmHg, pulse 84/min.\nTakes amlodipine 5 mg.",
    language="en",
    answer_a=ANSWER_A,
    answer_b=ANSWER_B,
)


ARABIC = BlindMatchup(
    token="a" * 43,
    question="رجل عمره 58 سنة يشكو من ضغط في الصدر. ما الجرعة الأولى؟",
    context=None,
    language="ar",
    answer_a="يعطى كلوبيدوغريل 75 mg يوميا مع الأسبرين."
    "\n\n- تخطيط القلب خلال 10 min\n- التروبونين\n\nSee the ESC guideline.",
    answer_b="## الجرعة\n\nأسبرين 300 mg، ثم 75 mg/day.\n\n1. تخطيط القلب\n2. التروبونين",
)


def study(state: StudyState = StudyState.OPEN) -> Study:
    """A study in a given state."""
    return Study(1, "u" * 32, "sample", "Sample study: four contenders, twenty questions", state, Plan())


def ballot(**changes: Any) -> dict[str, Any]:
    """The view data of the voting page."""
    return {
        "matchup": MATCHUP,
        "choices": tuple(Choice),
        "reasons": list(CannotJudgeReason),
        "progress": Progress(votes=7, remaining=43),
        "receipt": RECEIPT,
        "problem": None,
        "chosen": "",
        "given_reason": "",
        "comment": "",
    } | changes


def done(state: StudyState = StudyState.OPEN, **changes: Any) -> dict[str, Any]:
    """The view data of the page between or after pairs."""
    return {
        "study": study(state),
        "progress": Progress(votes=50, remaining=0),
        "waiting": False,
        "receipt": RECEIPT,
        "reveals": [],
    } | changes


REVEALS = [
    Reveal(41, "What should be done first?", Choice.A_MUCH_BETTER, "sample-thorough", "sample-terse"),
    Reveal(42, "Which vaccine is due at the age of two months?", Choice.TIE_BAD, "sample-erratic", "sample-cautious"),
]
DESK = {
    "seat": ANALYST,
    "study": study(),
    "sees_board": True,
    "counts": [("questions", 20), ("answers", 80), ("contenders", 4), ("pairings", 120), ("votes", 212), ("raters", 9)],
    "coverage": {"done": 212, "needed": 360},
    "exports": [("votes", [("JSON lines", "/x"), ("CSV", "/x")]), ("ledger", [("JSON lines", "/x")])],
}
PAIRS = (
    ("thorough", "cautious", 14, 9, 4, 1),
    ("thorough", "terse", 19, 6, 3, 2),
    ("thorough", "erratic", 16, 10, 2, 4),
    ("cautious", "terse", 15, 11, 5, 0),
    ("cautious", "erratic", 13, 12, 1, 3),
    ("terse", "erratic", 12, 14, 2, 2),
)


def board(contenders: tuple[str, ...] = ()) -> Board:
    """A board of invented votes."""
    outcomes = ("model_a", "model_b", "tie", "both_bad")
    rows = [
        (f"sample-{a}", f"sample-{b}", outcome, f"q{(7 * i + 3 * j) % 20}")
        for i, (a, b, *counts) in enumerate(PAIRS)
        for j, outcome in enumerate(o for o, n in zip(outcomes, counts, strict=True) for _ in range(n))
    ]
    columns = dict(zip(("model_a", "model_b", "winner", "question_id"), zip(*rows, strict=True), strict=True))
    ledger = {"position": 421, "head": HASH}
    return rate(columns, rounds=200, study="sample", ledger=ledger, contenders=contenders)


def ratings(**changes: Any) -> dict[str, Any]:
    """The view data of a leaderboard."""
    made = board(("sample-new",))
    common = {
        "study": study(StudyState.PUBLISHED),
        "settings": PageQuery(study="sample"),
        "desk": True,
        "methods": ("bradley-terry", "elo"),
        "sources": ("human",),
        "levels": LEVELS,
        "published": published_table(),
        "simulated": 12,
    }
    return common | board_view(study(), PageQuery(study="sample"), made, {}) | changes


def grouped() -> dict[str, Any]:
    """The view data of a leaderboard by category: two groups that share a warning, one of few votes, one of none."""
    made = board()
    few = replace(made, votes=9, warnings=("Few.", "Only of neurology."))
    groups: dict[str, Board | str] = {
        "Cardiology": replace(made, warnings=("Few.",)),
        "Neurology": few,
        "Paediatrics": "no votes",
    }
    query = PageQuery(study="sample", by="category")
    return ratings() | board_view(study(), query, made, groups) | {"settings": query}


def cast(raters_each: int, questions: int) -> dict[str, list[str]]:
    """Invented votes by people of three contenders, each pair judged by so many on every question."""
    names = ("sample-thorough", "sample-cautious", "sample-terse")
    rows = [
        (names[a], names[b], ("model_a", "model_b", "model_a", "tie", "model_a")[(q * q + r + a) % 5], f"q{q}", f"r{r}")
        for q in range(questions)
        for a, b in ((0, 1), (1, 2), (2, 0))
        for r in range(raters_each)
    ]
    columns = ("model_a", "model_b", "winner", "question_id", "rater")
    return {name: list(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}


def analysed(*, named: bool, **changes: Any) -> dict[str, Any]:
    """The view data of the page of analyses, on a few invented votes."""
    votes, judged = cast(3, 6), cast(1, 12)
    sources = ["human"] * len(votes["winner"]) + ["judge:j1"] * len(judged["winner"])
    both = {name: votes[name] + judged[name] for name in votes} | {"source": sources}
    sections: dict[str, Section | Absent] = {
        "fragility": first_place(fragility(votes), named=named),
        "agreement": agreeing(agreement(both, rounds=100)),
        "settled": settling(settle(votes)),
        "combine": together(combine(votes, judged, rounds=100, judge_name="judge:j1")),
        "style": in_style(control(votes, {"length": [i % 7 * 80.0 - 240 for i in range(54)]}, position=True)),
    }
    if named:
        sections["raters"] = on_raters(raters(votes, rounds=200))
        sections["style"] = Absent(TOO_LARGE)
    return {
        "study": study(StudyState.OPEN if named else StudyState.PUBLISHED),
        "desk": named,
        "named": named,
        "source": "human",
        "sources": ("human", "judge:j1", "judge:j2"),
        "judge": "judge:j1",
        "judges": ["judge:j1", "judge:j2"],
        "votes": 90,
        "simulated": 36,
        "sections": sections,
        "warnings": dict(zip(sections, each_once(list(sections.values())), strict=True)),
    } | changes


OTHER = Receipt(position=57, hash=HASH[::-1], recorded_at=NOW)
OWN = [
    OwnVote(RECEIPT, OTHER, "t", MATCHUP.question, Choice.TIE_BAD, excluded=None, intact=True),
    OwnVote(
        Receipt(41, HASH, NOW),
        None,
        "u",
        "Which vaccine?",
        Choice.A_BETTER,
        excluded="a test of the projector",
        intact=True,
    ),
    OwnVote(Receipt(40, HASH, NOW), None, "v", ARABIC.question, Choice.B_MUCH_BETTER, excluded=None, intact=False),
]


def receipts(**changes: Any) -> dict[str, Any]:
    """The view data of a rater's own votes."""
    return {
        "study": study(),
        "seat": RATER,
        "own": OWN,
        "asked": "",
        "found": None,
        "is_change": False,
        "problem": None,
        "can_correct": True,
        "head": Head(421, HASH),
    } | changes


def leaving(**changes: Any) -> dict[str, Any]:
    """The view data of the page on which a rater leaves."""
    foreseen = Withdrawal("rater-k4m2", votes=7, votes_withdrawn=7, texts=2, name=True)
    return {
        "study": study(),
        "seat": RATER,
        "foreseen": foreseen,
        "votes_go": True,
        "excluded": 2,
        "problem": None,
    } | changes


ERROR = {
    "status": 404,
    "heading": "There is nothing here",
    "message": "The link may be mistyped, used already or expired, or what it led to is not public.",
    "next_steps": [("/", "Start page")],
}

VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "home": (
        "home.html",
        {"studies": [study(StudyState.PUBLISHED)], "rater": RATER, "rater_study": study(), "desk": None},
    ),
    "home-empty": ("home.html", {"studies": [], "rater": None, "rater_study": None, "desk": ANALYST}),
    "join": (
        "join.html",
        {"invitation": Invitation("Sample study", Role.RATER, NOW), "secret": "s" * 43, "seat": None, "seat_title": ""},
    ),
    "join-another": (
        "join.html",
        {"invitation": Invitation("Sample study", Role.RATER, NOW), "secret": "s", "seat": RATER, "seat_title": "K-QA"},
    ),
    "consent": ("consent.html", {"seat": RATER, "study": study()}),
    "vote": ("vote.html", ballot()),
    "vote-arabic": ("vote.html", ballot(matchup=ARABIC)),
    "vote-twins": ("vote.html", ballot(matchup=replace(MATCHUP, answer_a=ANSWER_B))),
    "vote-refused": (
        "vote.html",
        ballot(problem="Say why you cannot judge this pair.", chosen="cannot_judge", comment="two\nlines"),
    ),
    "vote-five-choices": ("vote.html", ballot(choices=tuple(Choice)[1:5], receipt=None)),
    "next": ("done.html", done(waiting=True, progress=Progress(3, 17))),
    "done": ("done.html", done()),
    "done-draft": ("done.html", done(StudyState.DRAFT, receipt=None, progress=Progress(0, 0))),
    "done-revealed": ("done.html", done(StudyState.PUBLISHED, reveals=REVEALS)),
    "late": (
        "late.html",
        {"study": study(StudyState.CLOSED), "progress": Progress(7, 0), "comment": "Two\nlines of a remark."},
    ),
    "correct": ("correct.html", ballot(chosen="tie_bad", comment="As I said.")),
    "correct-refused": ("correct.html", ballot(problem="Choose one of the replies first.")),
    "receipts": ("receipt.html", receipts()),
    "receipts-none": ("receipt.html", receipts(own=[], can_correct=False)),
    "receipts-found": ("receipt.html", receipts(asked=f"42:{HASH}", found=OWN[0])),
    "receipts-change": ("receipt.html", receipts(asked=f"57:{HASH[::-1]}", found=OWN[0], is_change=True)),
    "late-change": (
        "late.html",
        {"study": study(StudyState.CLOSED), "progress": Progress(7, 0), "comment": "A remark.", "is_change": True},
    ),
    "receipts-excluded": ("receipt.html", receipts(asked=f"41:{HASH}", found=OWN[1])),
    "receipts-changed": ("receipt.html", receipts(asked=f"40:{HASH}", found=OWN[2])),
    "receipts-unknown": ("receipt.html", receipts(asked="12", problem="None of your votes has this receipt.")),
    "withdraw": ("withdraw.html", leaving()),
    "withdraw-unsure": ("withdraw.html", leaving(votes_go=False, problem="Tick the box first: this cannot be undone.")),
    "withdrawn": ("withdrawn.html", {}),
    "boards": ("boards.html", {"studies": [study(), study()]}),
    "boards-empty": ("boards.html", {"studies": []}),
    "leaderboard": ("leaderboard.html", ratings()),
    "leaderboard-grouped": ("leaderboard.html", grouped()),
    "leaderboard-empty": ("leaderboard.html", ratings(board=None, empty="There is no vote yet.", simulated=0)),
    "analysis": ("analysis.html", analysed(named=False)),
    "analysis-analyst": ("analysis.html", analysed(named=True)),
    "analysis-empty": (
        "analysis.html",
        analysed(named=False, votes=0, sections={}, warnings={}, sources=(), judge=None, simulated=0),
    ),
    "desk": ("desk.html", DESK),
    "desk-empty": ("desk.html", DESK | {"study": study(StudyState.DRAFT), "coverage": {"done": 0, "needed": 0}}),
    "desk-reviewer": ("desk.html", DESK | {"sees_board": False}),
    "signed-out": ("signed_out.html", {}),
    "error": ("error.html", ERROR),
    "error-rater": ("error.html", ERROR | {"status": 403, "heading": "One seat at a time", "is_rater": True}),
    "error-401": ("error.html", ERROR | {"status": 401, "heading": "Please sign in"}),
}
