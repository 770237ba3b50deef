"""Reads a study's ledger into its history, entry by entry, each checked against all before it.

Audit, restoring and rating a ledger all read it here, so that none accepts what another would refuse. An entry of a
kind that this version does not know is refused: it may change what is counted. Members that are not known within a
known kind are passed over: later versions add only such as change no board.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arena.domain import amending, payloads
from arena.domain import plan as plans
from arena.domain.history import History, Unfit, unless
from arena.domain.ledger import Entry, Kind, LedgerBroken
from arena.domain.study import ALLOWED, Act, check_name, check_title
from arena.domain.vocabulary import StudyState
from arena.domain.votes import Matchup, Vote
from arena.errors import BadInput

_MOVES = {StudyState.OPEN: Act.OPEN, StudyState.CLOSED: Act.CLOSE, StudyState.PUBLISHED: Act.PUBLISH}


def take(history: History, entry: Entry) -> None:
    """Take the next entry of the chain into the history. Raises LedgerBroken where it does not fit those before it."""
    if (entry.seq == 1) != (entry.kind == Kind.STUDY):
        raise LedgerBroken(entry.seq, "a study's ledger begins with its 'study' entry, and has one of them")
    read = _READ.get(entry.kind)
    if read is None:
        raise LedgerBroken(entry.seq, f"its kind '{entry.kind}' is not known to this version; use a newer one")
    try:
        read(history, entry, entry.payload)
    except (Unfit, BadInput) as error:
        raise LedgerBroken(entry.seq, str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerBroken(entry.seq, f"its payload is not one of a '{entry.kind}'") from error


def _study(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    history.name, history.title, history.created = payload["study"], payload["title"], entry.time
    check_name(history.name)
    check_title(history.title)


def _plan(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    plan = plans.from_mapping(payload["plan"])
    unless(plan.digest == payload["digest"], "its plan does not match its digest")
    history.plan = plan


def _state(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    old, new = StudyState(payload["from"]), StudyState(payload["to"])
    legal = old is history.state and new in _MOVES and old in ALLOWED[_MOVES[new]]
    unless(legal, f"the study was '{history.state}' and cannot go from '{old}' to '{new}'")
    unless(history.plan is not None, "a study is opened with its plan")
    history.state = new


def _import(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    unless(payload["what"] in ("questions", "answers", "votes"), "it imports what is not known")


def _question(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    question = payloads.text(payload["question"])
    unless(question not in history.categories, f"there is a question '{question}' already")
    unless(history.state is StudyState.DRAFT, "questions enter a draft only")
    history.categories[question] = payloads.text_or_none(payload["category"])


def _contender(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    name = payloads.text(payload["contender"])
    unless(name not in history.contenders, f"there is a contender '{name}' already")
    unless(history.state is StudyState.DRAFT, "contenders enter a draft only")
    history.contenders.append(name)


def _answer(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    question, contender = payloads.text(payload["question"]), payloads.text(payload["contender"])
    unless(question in history.categories, f"there is no question '{question}' before it")
    unless(contender in history.contenders, f"there is no contender '{contender}' before it")
    unless((question, contender) not in history.answers, "there is such an answer already")
    unless(history.state is StudyState.DRAFT, "answers enter a draft only")
    history.answers[question, contender] = payloads.text(payload["digest"])


def _consent(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    history.consented.add(payloads.text(payload["rater"]))


def _matchup(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    shown = payloads.read_matchup(entry.seq, entry.time, payload)
    unless(history.state is StudyState.OPEN, "pairs are shown in an open study only")
    unless(shown.token not in history.tokens, "its token was used before")
    unless(shown.model_a != shown.model_b, "it shows a contender beside itself")
    unless(shown.rater not in history.withdrawn, f"'{shown.rater}' has withdrawn before it")
    _check_answers(history, shown)
    once = (shown.rater, shown.question, *sorted((shown.model_a, shown.model_b)))
    unless(once not in history.shown, "its rater was shown this pair before")
    history.shown.add(once)
    history.tokens.add(shown.token)
    history.matchups[entry.seq] = shown


def _check_answers(history: History, of: Matchup | Vote) -> None:
    for contender, answer in ((of.model_a, of.answer_a), (of.model_b, of.answer_b)):
        unless(contender in history.contenders, f"there is no contender '{contender}' before it")
        if of.question is None:
            unless(answer is None, "it names an answer without a question")
        else:
            recorded = history.answers.get((of.question, contender))
            unless(
                recorded is not None and recorded == answer,
                f"'{contender}' has no such answer to the question '{of.question}'",
            )


def _vote(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    vote = payloads.read_vote(entry.seq, payload)
    unless(vote.key not in history.keys, "there is a vote with its id already")
    unless(vote.model_a != vote.model_b, "it compares a contender with itself")
    unless(history.state in ALLOWED[Act.IMPORT_VOTES], f"a {history.state} study takes no votes")
    unless(vote.rater not in history.withdrawn, f"'{vote.rater}' has withdrawn before it")
    _check_answers(history, vote)
    if vote.matchup_seq is not None:
        _check_matchup(history, vote, vote.matchup_seq)
        history.voted.add(vote.matchup_seq)
    history.keys.add(vote.key)
    history.votes.append(vote)
    history.vote_of[entry.seq] = vote
    history.seal(entry, payload)


def _check_matchup(history: History, vote: Vote, seq: int) -> None:
    """A vote on a matchup is by its rater, on its question and with the sides that were shown, once, while open."""
    shown = history.matchups.get(seq)
    if shown is None:
        raise Unfit(f"it votes on entry {seq}, which is no matchup before it")
    unless(seq not in history.voted, f"the matchup of entry {seq} has a vote already")
    unless(history.state is StudyState.OPEN, "raters vote in an open study only")
    said = (vote.rater, vote.question, vote.model_a, vote.model_b, vote.answer_a, vote.answer_b, vote.key)
    was = (shown.rater, shown.question, shown.model_a, shown.model_b, shown.answer_a, shown.answer_b)
    unless(said == (*was, payloads.matchup_key(shown.token)), f"it differs from the matchup of entry {seq}")


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
    Kind.CORRECTION: amending.correction,
    Kind.EXCLUSION: amending.exclusion,
    Kind.READMISSION: amending.exclusion,
    Kind.WITHDRAWAL: amending.withdrawal,
    Kind.ERASED: amending.erased,
}
