"""How a ledger's later entries change what its votes say: corrections, exclusions, withdrawals, erasures.

Each raises Unfit, BadInput or what a payload of another shape leads to; `reading` says it of the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arena.domain import payloads
from arena.domain.history import History, unless
from arena.domain.ledger import Entry, Kind
from arena.domain.plan import WithdrawalRule
from arena.domain.study import ALLOWED, Act, check_reason
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import VoteChange, is_excluded


def correction(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    """A rater replaces what an own vote says."""
    change = payloads.read_correction(entry.seq, payload)
    vote = history.vote_at(change.vote)
    unless(history.state in ALLOWED[Act.CORRECT], "votes are corrected in an open study only")
    unless(vote.matchup_seq is not None and vote.rater == entry.actor, "only the rater of a vote corrects it")
    unless(vote.rater not in history.withdrawn, f"'{vote.rater}' has withdrawn before it")
    history.changes.setdefault(vote.seq, []).append(change)
    history.seal(entry, payload)


def exclusion(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    """Votes are not counted any more, or counted again."""
    kind = VoteChangeKind.EXCLUDED if entry.kind == Kind.EXCLUSION else VoteChangeKind.READMITTED
    unless(history.state in ALLOWED[Act.EXCLUDE], f"a {history.state} study excludes and readmits no votes")
    unless(bool(payload["votes"]), "it names no vote")
    for seq in payload["votes"]:
        made = history.changes.setdefault(history.vote_at(payloads.number(seq)).seq, [])
        already = "excluded already" if kind is VoteChangeKind.EXCLUDED else "not excluded"
        unless(is_excluded(made) != (kind is VoteChangeKind.EXCLUDED), f"the vote of entry {seq} is {already}")
        made.append(VoteChange(entry.seq, seq, kind))
    history.reasons[entry.seq] = payloads.text(payload["reason"])
    check_reason(history.reasons[entry.seq])


def withdrawal(history: History, entry: Entry, payload: Mapping[str, Any]) -> None:
    """A rater leaves, with the votes or without."""
    rater, rule = payloads.text(payload["rater"]), WithdrawalRule(payload["votes"])
    unless(rater not in history.withdrawn, f"'{rater}' has withdrawn before it")
    unless(history.plan is None or history.plan.withdrawal is rule, "the plan has another rule for withdrawals")
    history.withdrawn[rater] = entry.seq
    if rule is WithdrawalRule.WITHDRAW_VOTES:
        for vote in history.votes:
            if vote.rater == rater:
                change = VoteChange(entry.seq, vote.seq, VoteChangeKind.WITHDRAWN)
                history.changes.setdefault(vote.seq, []).append(change)


def erased(history: History, _: Entry, payload: Mapping[str, Any]) -> None:
    """A sealed text was deleted."""
    seq, name = payloads.number(payload["entry"]), payloads.text(payload["text"])
    unless(name in history.sealed.get(seq, {}), f"entry {seq} has no sealed '{name}' before it")
    unless(name not in history.erased.get(seq, ()), f"the {name} of entry {seq} was erased before")
    history.erased.setdefault(seq, set()).add(name)
