"""What a study's ledger adds up to: read entry by entry, each checked against all before it.

Audit, restoring and rating a ledger all read it here, so that none accepts what another would refuse. An entry of a
kind that this version does not know is refused: it may change what is counted. Members that are not known within a
known kind are passed over: later versions add only such as change no board.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from arena.domain import payloads
from arena.domain import plan as plans
from arena.domain.ledger import Entry, Kind, LedgerBroken
from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.study import ALLOWED, Act, check_name, check_reason, check_title
from arena.domain.vocabulary import StudyState, VoteChangeKind
from arena.domain.votes import Matchup, Vote, VoteChange, as_it_stands, is_excluded
from arena.errors import BadInput

_MOVES = {StudyState.OPEN: Act.OPEN, StudyState.CLOSED: Act.CLOSE, StudyState.PUBLISHED: Act.PUBLISH}


@dataclass
class History:
    """A study as its ledger tells it, up to the last entry that was taken."""

    name: str = ""
    title: str = ""
    created: str = ""
    state: StudyState = StudyState.DRAFT
    plan: Plan | None = None
    categories: dict[str, str | None] = field(default_factory=dict)
    contenders: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    consented: set[str] = field(default_factory=set)
    matchups: dict[int, Matchup] = field(default_factory=dict)
    votes: list[Vote] = field(default_factory=list)
    changes: dict[int, list[VoteChange]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    sealed: dict[int, Mapping[str, str]] = field(default_factory=dict)
    erased: dict[int, set[str]] = field(default_factory=dict)
    _at: dict[int, Vote] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)
    _tokens: set[str] = field(default_factory=set)
    _shown: set[tuple[str, ...]] = field(default_factory=set)
    _voted: set[int] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Take the next entry of the chain. Raises LedgerBroken where it does not fit those before it."""
        if (entry.seq == 1) != (entry.kind == Kind.STUDY):
            raise LedgerBroken(entry.seq, "a study's ledger begins with its 'study' entry, and has one of them")
        read = _READ.get(entry.kind)
        if read is None:
            raise LedgerBroken(entry.seq, f"its kind '{entry.kind}' is not known to this version; use a newer one")
        try:
            read(self, entry, entry.payload)
        except (_Unfit, BadInput) as error:
            raise LedgerBroken(entry.seq, str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerBroken(entry.seq, f"its payload is not one of a '{entry.kind}'") from error

    @property
    def standing(self) -> list[Vote]:
        """The votes that count, as their corrections left them."""
        now = (as_it_stands(vote, self.changes.get(vote.seq, ())) for vote in self.votes)
        return [vote for vote in now if vote is not None]

    @property
    def holding(self) -> set[int]:
        """The matchups that hold a place for good: those with a vote that was not withdrawn."""
        gone = {seq for seq, made in self.changes.items() if any(c.kind is VoteChangeKind.WITHDRAWN for c in made)}
        return {vote.matchup_seq for vote in self.votes if vote.matchup_seq is not None and vote.seq not in gone}

    def check_erased(self, kept: Mapping[int, Collection[str]]) -> None:
        """Raise LedgerBroken where one of the texts that are `kept` (by entry and name) was erased by the ledger."""
        for seq in sorted(self.erased):
            for name in sorted(self.erased[seq].intersection(kept.get(seq, ()))):
                raise LedgerBroken(seq, f"its {name} was erased by a later entry and is still there")


class _Unfit(Exception):
    """An entry contradicts one before it."""


def _unless(fits: bool, reason: str) -> None:
    if not fits:
        raise _Unfit(reason)


def _study(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    history.name, history.title, history.created = payload["study"], payload["title"], entry.time
    check_name(history.name)
    check_title(history.title)


def _plan(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    plan = plans.from_mapping(payload["plan"])
    _unless(plan.digest == payload["digest"], "its plan does not match its digest")
    history.plan = plan


def _state(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    old, new = StudyState(payload["from"]), StudyState(payload["to"])
    legal = old is history.state and new in _MOVES and old in ALLOWED[_MOVES[new]]
    _unless(legal, f"the study was '{history.state}' and cannot go from '{old}' to '{new}'")
    _unless(history.plan is not None, "a study is opened with its plan")
    history.state = new


def _import(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    _unless(payload["what"] in ("questions", "answers", "votes"), "it imports what is not known")


def _question(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    question = payloads.text(payload["question"])
    _unless(question not in history.categories, f"there is a question '{question}' already")
    _unless(history.state is StudyState.DRAFT, "questions enter a draft only")
    history.categories[question] = payloads.text_or_none(payload["category"])


def _contender(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    name = payloads.text(payload["contender"])
    _unless(name not in history.contenders, f"there is a contender '{name}' already")
    _unless(history.state is StudyState.DRAFT, "contenders enter a draft only")
    history.contenders.append(name)


def _answer(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    question, contender = payloads.text(payload["question"]), payloads.text(payload["contender"])
    _unless(question in history.categories, f"there is no question '{question}' before it")
    _unless(contender in history.contenders, f"there is no contender '{contender}' before it")
    _unless((question, contender) not in history.answers, "there is such an answer already")
    _unless(history.state is StudyState.DRAFT, "answers enter a draft only")
    history.answers[question, contender] = payloads.text(payload["digest"])


def _consent(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    history.consented.add(payloads.text(payload["rater"]))


def _matchup(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    shown = payloads.read_matchup(entry.seq, entry.time, payload)
    _unless(history.state is StudyState.OPEN, "pairs are shown in an open study only")
    _unless(shown.token not in history._tokens, "its token was used before")
    _unless(shown.model_a != shown.model_b, "it shows a contender beside itself")
    _unless(shown.rater not in history.withdrawn, f"'{shown.rater}' has withdrawn before it")
    _check_answers(history, shown)
    once = (shown.rater, shown.question, *sorted((shown.model_a, shown.model_b)))
    _unless(once not in history._shown, "its rater was shown this pair before")
    history._shown.add(once)
    history._tokens.add(shown.token)
    history.matchups[entry.seq] = shown


def _check_answers(history: History, of: Matchup | Vote) -> None:
    for contender, answer in ((of.model_a, of.answer_a), (of.model_b, of.answer_b)):
        _unless(contender in history.contenders, f"there is no contender '{contender}' before it")
        if of.question is None:
            _unless(answer is None, "it names an answer without a question")
        else:
            recorded = history.answers.get((of.question, contender))
            _unless(
                recorded is not None and recorded == answer,
                f"'{contender}' has no such answer to the question '{of.question}'",
            )


def _vote(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    vote = payloads.read_vote(entry.seq, payload)
    _unless(vote.key not in history._keys, "there is a vote with its id already")
    _unless(vote.model_a != vote.model_b, "it compares a contender with itself")
    _unless(history.state in ALLOWED[Act.IMPORT_VOTES], f"a {history.state} study takes no votes")
    _unless(vote.rater not in history.withdrawn, f"'{vote.rater}' has withdrawn before it")
    _check_answers(history, vote)
    if vote.matchup_seq is not None:
        _check_matchup(history, vote, vote.matchup_seq)
        history._voted.add(vote.matchup_seq)
    history._keys.add(vote.key)
    history.votes.append(vote)
    history._at[entry.seq] = vote
    _seal(history, entry, payload)


def _seal(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    history.sealed[entry.seq] = {name: payloads.text(value) for name, value in payload["sealed"].items()}


def _check_matchup(history: History, vote: Vote, seq: int) -> None:
    """A vote on a matchup is by its rater, on its question and with the sides that were shown, once, while open."""
    shown = history.matchups.get(seq)
    if shown is None:
        raise _Unfit(f"it votes on entry {seq}, which is no matchup before it")
    _unless(seq not in history._voted, f"the matchup of entry {seq} has a vote already")
    _unless(history.state is StudyState.OPEN, "raters vote in an open study only")
    said = (vote.rater, vote.question, vote.model_a, vote.model_b, vote.answer_a, vote.answer_b, vote.key)
    was = (shown.rater, shown.question, shown.model_a, shown.model_b, shown.answer_a, shown.answer_b)
    _unless(said == (*was, payloads.matchup_key(shown.token)), f"it differs from the matchup of entry {seq}")


def _vote_at(history: History, seq: int) -> Vote:
    vote = history._at.get(seq)
    if vote is None:
        raise _Unfit(f"entry {seq} is no vote before it")
    return vote


def _correction(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    change = payloads.read_correction(entry.seq, payload)
    vote = _vote_at(history, change.vote)
    _unless(history.state in ALLOWED[Act.CORRECT], "votes are corrected in an open study only")
    _unless(vote.matchup_seq is not None and vote.rater == entry.actor, "only the rater of a vote corrects it")
    _unless(vote.rater not in history.withdrawn, f"'{vote.rater}' has withdrawn before it")
    history.changes.setdefault(vote.seq, []).append(change)
    _seal(history, entry, payload)


def _exclusion(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    kind = VoteChangeKind.EXCLUDED if entry.kind == Kind.EXCLUSION else VoteChangeKind.READMITTED
    _unless(history.state in ALLOWED[Act.EXCLUDE], f"a {history.state} study excludes and readmits no votes")
    _unless(bool(payload["votes"]), "it names no vote")
    for seq in payload["votes"]:
        made = history.changes.setdefault(_vote_at(history, payloads.number(seq)).seq, [])
        already = "excluded already" if kind is VoteChangeKind.EXCLUDED else "not excluded"
        _unless(is_excluded(made) != (kind is VoteChangeKind.EXCLUDED), f"the vote of entry {seq} is {already}")
        made.append(VoteChange(entry.seq, seq, kind))
    history.reasons[entry.seq] = payloads.text(payload["reason"])
    check_reason(history.reasons[entry.seq])


def _withdrawal(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    rater, rule = payloads.text(payload["rater"]), WithdrawalRule(payload["votes"])
    _unless(rater not in history.withdrawn, f"'{rater}' has withdrawn before it")
    _unless(history.plan is None or history.plan.withdrawal is rule, "the plan has another rule for withdrawals")
    history.withdrawn[rater] = entry.seq
    if rule is WithdrawalRule.WITHDRAW_VOTES:
        for vote in history.votes:
            if vote.rater == rater:
                change = VoteChange(entry.seq, vote.seq, VoteChangeKind.WITHDRAWN)
                history.changes.setdefault(vote.seq, []).append(change)


def _erased(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    seq, name = payloads.number(payload["entry"]), payloads.text(payload["text"])
    _unless(name in history.sealed.get(seq, {}), f"entry {seq} has no sealed '{name}' before it")
    _unless(name not in history.erased.get(seq, ()), f"the {name} of entry {seq} was erased before")
    history.erased.setdefault(seq, set()).add(name)


_READ: dict[str, Callable[[History, Entry, Mapping[str, Any]], None]] = {
    Kind.STUDY: _study,
    Kind.PLAN: _plan,
    Kind.STATE: _state,
    Kind.IMPORT: _import,
    Kind.QUESTION: _question,
    Kind.CONTENDER: _contender,
    Kind.ANSWER: _answer,
    Kind.CONSENT: _consent,
    Kind.MATCHUP: _matchup,
    Kind.VOTE: _vote,
    Kind.CORRECTION: _correction,
    Kind.EXCLUSION: _exclusion,
    Kind.READMISSION: _exclusion,
    Kind.WITHDRAWAL: _withdrawal,
    Kind.ERASED: _erased,
}
