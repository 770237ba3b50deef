"""A rater's own record: what was voted, whether it still stands in the ledger, and corrections of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from arena.domain import ledger as chains
from arena.domain import payloads
from arena.domain.access import Seat
from arena.domain.blinding import Ballot, BlindMatchup, OwnVote, Receipt
from arena.domain.canonical import canonical
from arena.domain.ledger import Draft, Kind, Linked
from arena.domain.study import Act
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import Vote, VoteChange, corrected, is_excluded
from arena.errors import BadInput, Conflict, NotFound
from arena.services.exclusions import reasons_of
from arena.services.voting import NO_PAIR, check_offered, cleaned, rater_of
from arena.store import changes, ledger, matchups, studies, votes
from arena.store.engine import Database, Transaction

HASH_CHARS = 64
BEGINNING = 10
"""Characters of a hash that a table shows, and that are enough to find a receipt among the own ones."""
CORRECTIONS = 20
"""How often one vote can be corrected: far more often than a person does, and too seldom for a program to fill the
ledger, of which nothing is ever taken out."""


def own_votes(db: Database, seat: Seat) -> list[OwnVote]:
    """The rater's votes, newest first, each checked against its entry in the ledger."""
    with db.read() as tx:
        rater_id = rater_of(tx, seat)
        cast = list(votes.votes(tx, seat.study_id, rater_id=rater_id))
        made = changes.changes(tx, seat.study_id, rater_id=rater_id)
        said = [change.seq for of_vote in made.values() for change in of_vote]
        stored = ledger.at(tx, seat.study_id, [*(vote.seq for vote in cast), *said])
        shown = matchups.shown_to(tx, rater_id)
        reasons = reasons_of(tx, seat.study_id, made.values())
        return [_own(vote, made.get(vote.seq, []), stored, shown, reasons) for vote in reversed(cast)]


def find_receipt(own: list[OwnVote], text: str) -> OwnVote:
    """The own vote whose receipt stands in `text`: its hash or the beginning of it, with or without the position.

    Raises BadInput for what holds no receipt, NotFound where no vote of this rater has it.
    """
    hashes = [word for word in re.findall(r"[0-9a-f]+", text.lower()) if len(word) >= BEGINNING]
    if len(hashes) != 1 or len(hashes[0]) > HASH_CHARS:
        raise BadInput(
            f"this is no receipt: a receipt has {HASH_CHARS} characters of 0-9 and a-f, of which the first {BEGINNING} "
            "are enough"
        )
    for vote in own:
        if any(receipt and receipt.hash.startswith(hashes[0]) for receipt in (vote.receipt, vote.corrected)):
            return vote
    raise NotFound(
        "None of your votes has this receipt. It may be from another study, or from a vote under another seat. If it "
        "is of a vote that you cast here, keep it and tell the person who invited you: the record may be changed."
    )


def shown_again(db: Database, seat: Seat, token: str) -> tuple[BlindMatchup, Ballot]:
    """A matchup that the rater voted on, and the ballot as it stands. Raises NotFound, Conflict as `correct`."""
    with db.read() as tx:
        studies.by_id(tx, seat.study_id).allow(Act.CORRECT)
        matchup = matchups.shown(tx, rater_of(tx, seat), token)
        vote = _voted(tx, seat, token)
        if matchup is None or vote is None:
            raise NotFound(NO_PAIR)
        said = _said(tx, seat.study_id, vote)
        _check_room(said)
        return matchup, _ballot(tx, seat.study_id, said[-1], token)


def correct(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    """Replace the rater's own vote by another ballot; the earlier one stays in the ledger.

    The ballot that stands already gives its receipt again. Raises NotFound for a token under which this rater has no
    vote, Conflict where the study is not open or the vote was corrected CORRECTIONS times, BadInput for a ballot that
    is not complete.
    """
    with db.write(seat.study_id) as tx:
        ledger.chain_of(tx, seat.study_id, lock=True)
        vote = _voted(tx, seat, ballot.token)
        if vote is None:
            raise NotFound(NO_PAIR)
        study = studies.by_id(tx, seat.study_id)
        study.allow(Act.CORRECT)
        ballot = cleaned(ballot)
        check_offered(study, ballot)
        said = _said(tx, study.id, vote)
        if _ballot(tx, study.id, said[-1], ballot.token) == ballot:
            return _receipt(ledger.at(tx, study.id, [said[-1].seq])[said[-1].seq], said[-1])
        _check_room(said)
        return _record(tx, seat, vote, ballot, now)


def _own(
    vote: Vote,
    made: list[VoteChange],
    stored: Mapping[int, Linked],
    shown: Mapping[int, tuple[str, str]],
    reasons: Mapping[int, str],
) -> OwnVote:
    assert vote.matchup_seq is not None  # imported votes are under other pseudonyms
    token, question = shown[vote.matchup_seq]
    corrections = [change for change in made if change.kind is VoteChangeKind.CORRECTED]
    said: list[Vote | VoteChange] = [vote, *corrections]
    return OwnVote(
        receipt=_receipt(stored.get(vote.seq), vote),
        corrected=_receipt(stored.get(corrections[-1].seq), corrections[-1]) if corrections else None,
        token=token,
        question_text=question,
        choice=corrected(vote, made).choice,
        excluded=_reason(made, reasons),
        intact=all(_is_intact(stored.get(one.seq), one) for one in said),
    )


def _reason(made: list[VoteChange], reasons: Mapping[int, str]) -> str | None:
    """Why a vote does not count; None where it does."""
    if not is_excluded(made):
        return None
    return reasons.get(max(change.seq for change in made if change.kind is VoteChangeKind.EXCLUDED), "")


def _is_intact(entry: Linked | None, said: Vote | VoteChange) -> bool:
    """Whether an entry is there, has its own hash, and says what the row beside it says."""
    fields = _fields(entry)
    if entry is None or fields is None or chains.entry_hash(entry.body) != entry.hash:
        return False
    payload = fields.get("payload", {})
    return canonical(fields) == entry.body and (payload.get("choice"), payload.get("reason")) == (
        said.choice,
        said.reason,
    )


def _receipt(entry: Linked | None, said: Vote | VoteChange) -> Receipt:
    """The receipt of what was said; where its entry is gone or cannot be read, as far as it is known."""
    fields = _fields(entry)
    moment = chains.moment(fields["time"]) if fields else getattr(said, "voted_at", None)
    return Receipt(said.seq, entry.hash if entry else "", moment or datetime.fromtimestamp(0, UTC))


def _fields(entry: Linked | None) -> dict[str, Any] | None:
    try:
        fields = json.loads(entry.body) if entry else None
        return fields if isinstance(fields, dict) and chains.moment(fields["time"]) else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _voted(tx: Transaction, seat: Seat, token: str) -> Vote | None:
    issued = matchups.issued(tx, rater_of(tx, seat), token)
    return votes.vote_on(tx, issued.id) if issued else None


def _said(tx: Transaction, study_id: int, vote: Vote) -> list[Vote | VoteChange]:
    """What the rater said, in order: the vote and its corrections."""
    made = changes.changes(tx, study_id, of=vote.seq).get(vote.seq, [])
    return [vote, *(change for change in made if change.kind is VoteChangeKind.CORRECTED)]


def _check_room(said: Sequence[Vote | VoteChange]) -> None:
    """Raise Conflict where a vote was corrected as often as it can be."""
    if len(said) > CORRECTIONS:
        raise Conflict(
            f"this vote has been corrected {CORRECTIONS} times and cannot be corrected again; what you said last stands"
        )


def _ballot(tx: Transaction, study_id: int, said: Vote | VoteChange, token: str) -> Ballot:
    assert said.choice is not None
    comment = ledger.sealed_text(tx, study_id, said.seq, "comment")
    return Ballot(token, said.choice, said.reason, comment.text if comment else None)


def _record(tx: Transaction, seat: Seat, vote: Vote, ballot: Ballot, now: datetime) -> Receipt:
    comment = {"comment": chains.seal(ballot.comment)} if ballot.comment else {}
    payload = payloads.correction(vote.seq, ballot.choice, ballot.reason, chains.nonce(), comment)
    [entry] = ledger.append(tx, seat.study_id, [Draft(Kind.CORRECTION, payload, seat.pseudonym)], now=now)
    change = VoteChange(entry.seq, vote.seq, VoteChangeKind.CORRECTED, ballot.choice, ballot.reason)
    changes.add(tx, seat.study_id, [change])
    ledger.seal(tx, seat.study_id, ((entry.seq, name, text) for name, text in comment.items()))
    return Receipt(entry.seq, entry.hash, now)
