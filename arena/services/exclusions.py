"""Votes that are not counted, by decision of the study's admin and in public: each exclusion has its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from arena.domain import payloads
from arena.domain.ledger import Draft, Kind
from arena.domain.study import Act, Study, check_reason
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import VoteChange, is_excluded
from arena.errors import Conflict, NotFound
from arena.services.studies import held
from arena.store import changes, ledger, raters, votes
from arena.store.engine import Database, Transaction


def exclude(
    db: Database,
    study_name: str,
    *,
    reason: str,
    now: datetime,
    entries: Collection[int] = (),
    rater: str | None = None,
    readmit: bool = False,
) -> int:
    """Exclude votes, named by their ledger entries or by their rater, or with `readmit` count them again.

    Of a rater all votes cast so far are taken that this changes. Returns how many votes were changed. Raises BadInput
    for the reason, NotFound for what is not there, Conflict where a vote is excluded already (or is not).
    """
    check_reason(reason)
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.EXCLUDE)
        made = changes.changes(tx, study.id)
        if rater is not None:
            own = (seq for seq in _of_rater(tx, study, rater) if not _is_withdrawn(made.get(seq, ())))
            entries = [seq for seq in own if is_excluded(made.get(seq, ())) == readmit]
        chosen = sorted(set(entries))
        _check(tx, study, chosen, made, readmit)
        kind = Kind.READMISSION if readmit else Kind.EXCLUSION
        [entry] = ledger.append(tx, study.id, [Draft(kind, payloads.exclusion(chosen, reason))], now=now)
        what = VoteChangeKind.READMITTED if readmit else VoteChangeKind.EXCLUDED
        changes.add(tx, study.id, (VoteChange(entry.seq, seq, what) for seq in chosen))
        return len(chosen)


def tally(made: Iterable[Collection[VoteChange]], reasons: Mapping[int, str]) -> tuple[int, Counter[str]]:
    """Of the changes of each vote: how many votes were withdrawn, and how many are excluded for which reason."""
    withdrawn, excluded = 0, Counter[str]()
    for of_vote in made:
        if _is_withdrawn(of_vote):
            withdrawn += 1
        elif is_excluded(of_vote):
            excluded[_reason(of_vote, reasons)] += 1
    return withdrawn, excluded


def excluded(db: Database, study: Study) -> dict[str, list[int]]:
    """The votes that are excluded at present, by reason: their ledger entries."""
    with db.read() as tx:
        changed, found = changes.changes(tx, study.id), dict[str, list[int]]()
        reasons = reasons_of(tx, study.id, changed.values())
        for seq, made in sorted(changed.items()):
            if is_excluded(made) and not _is_withdrawn(made):
                found.setdefault(_reason(made, reasons), []).append(seq)
        return found


def reasons_of(tx: Transaction, study_id: int, made: Iterable[Collection[VoteChange]]) -> dict[int, str]:
    """The reasons of the exclusions among the changes of each vote, by their entries."""
    kind = VoteChangeKind.EXCLUDED
    return ledger.reasons(tx, study_id, {c.seq for of_vote in made for c in of_vote if c.kind is kind})


def _is_withdrawn(of_vote: Iterable[VoteChange]) -> bool:
    return any(change.kind is VoteChangeKind.WITHDRAWN for change in of_vote)


def _reason(of_vote: Iterable[VoteChange], reasons: Mapping[int, str]) -> str:
    return reasons[max(change.seq for change in of_vote if change.kind is VoteChangeKind.EXCLUDED)]


def _of_rater(tx: Transaction, study: Study, rater: str) -> list[int]:
    rater_id = raters.named(tx, study.id, rater)
    if rater_id is None:
        raise NotFound(f"'{study.name}' has no rater '{rater}'")
    return [vote.seq for vote in votes.votes(tx, study.id, rater_id=rater_id)]


def _check(
    tx: Transaction, study: Study, chosen: list[int], made: Mapping[int, list[VoteChange]], readmit: bool
) -> None:
    if not chosen:
        raise Conflict(f"there is no vote to {'readmit' if readmit else 'exclude'}")
    there = votes.ids(tx, study.id, chosen)
    for seq in chosen:
        if seq not in there:
            vote = changes.vote_of(tx, study.id, seq)
            hint = (
                f"it corrects the vote {vote}: name that" if vote else "exports name a vote's entry as ledger_position"
            )
            raise NotFound(f"entry {seq} of '{study.name}' is no vote; {hint}")
        if _is_withdrawn(made.get(seq, ())):
            raise Conflict(f"the vote of entry {seq} was withdrawn by its rater: it does not count in any case")
        if is_excluded(made.get(seq, ())) != readmit:
            raise Conflict(f"the vote of entry {seq} is {'not excluded' if readmit else 'excluded already'}")
