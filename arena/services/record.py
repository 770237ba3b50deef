"""A rater's own record: what was voted, whether it still stands in the ledger, and corrections of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from arena.domain import ledger as chains
from arena.domain import payloads
from arena.domain.access import Seat
from arena.domain.blinding import Ballot, BlindMatchup, OwnVote, Receipt
from arena.domain.canonical import canonical
from arena.domain.ledger import Draft, Kind, Linked, read_head
from arena.domain.study import Act
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import Vote, VoteChange, as_it_stands, corrected
from arena.errors import NotFound
from arena.services.voting import NO_PAIR, check_offered, cleaned, rater_of
from arena.store import changes, ledger, matchups, studies, votes
from arena.store.engine import Database, Transaction


def own_votes(db: Database, seat: Seat) -> list[OwnVote]:
    """The rater's votes, newest first, each checked against its entry in the ledger."""
    with db.read() as tx:
        rater_id = rater_of(tx, seat)
        cast = list(votes.votes(tx, seat.study_id, rater_id=rater_id))
        made = changes.changes(tx, seat.study_id)
        said = {vote.seq: [vote.seq, *_corrections(made.get(vote.seq, []))] for vote in cast}
        stored = ledger.at(tx, seat.study_id, [seq for seqs in said.values() for seq in seqs])
        shown = matchups.shown_to(tx, rater_id)
        return [
            _own(vote, made.get(vote.seq, []), [stored[seq] for seq in said[vote.seq]], shown)
            for vote in reversed(cast)
        ]


def find_receipt(own: list[OwnVote], text: str) -> OwnVote:
    """The own vote that a receipt (HASH, or POSITION:HASH) stands for.

    Raises BadInput for what is no receipt, NotFound where no vote of this rater has it.
    """
    asked = read_head(text)
    for vote in own:
        for receipt in (vote.receipt, vote.corrected):
            if receipt and receipt.hash == asked.hash and asked.position in (0, receipt.position):
                return vote
    raise NotFound(
        "None of your votes in this study has this receipt. If you copied it whole and it is yours, keep it and tell "
        "the person who invited you: the record may have been changed."
    )


def shown_again(db: Database, seat: Seat, token: str) -> tuple[BlindMatchup, Ballot]:
    """A matchup that the rater voted on, and the ballot as it stands. Raises NotFound, Conflict as `correct`."""
    with db.read() as tx:
        studies.by_id(tx, seat.study_id).allow(Act.CORRECT)
        matchup = matchups.shown(tx, rater_of(tx, seat), token)
        vote = _voted(tx, seat, token)
        if matchup is None or vote is None:
            raise NotFound(NO_PAIR)
        return matchup, _ballot(tx, seat.study_id, vote, token)


def correct(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    """Replace the rater's own vote by another ballot; the earlier one stays in the ledger.

    The ballot that stands already gives its receipt again. Raises NotFound for a token under which this rater has no
    vote, Conflict where the study is not open, BadInput for a ballot that is not complete.
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
        if _ballot(tx, study.id, vote, ballot.token) == ballot:
            seq = _said_at(tx, study.id, vote)
            return _receipt(ledger.at(tx, study.id, [seq])[seq])
        return _record(tx, seat, vote, ballot, now)


def _own(vote: Vote, made: list[VoteChange], said: list[Linked], shown: Mapping[int, tuple[str, str]]) -> OwnVote:
    assert vote.matchup_seq is not None  # imported votes are under other pseudonyms
    token, question = shown[vote.matchup_seq]
    return OwnVote(
        receipt=_receipt(said[0]),
        corrected=_receipt(said[-1]) if len(said) > 1 else None,
        token=token,
        question_text=question,
        choice=corrected(vote, made).choice,
        counts=as_it_stands(vote, made) is not None,
        intact=all(map(_is_intact, said)) and json.loads(said[0].body)["payload"]["choice"] == vote.choice,
    )


def _corrections(made: list[VoteChange]) -> list[int]:
    return [change.seq for change in made if change.kind is VoteChangeKind.CORRECTED]


def _is_intact(entry: Linked) -> bool:
    return chains.entry_hash(entry.body) == entry.hash and canonical(json.loads(entry.body)) == entry.body


def _receipt(entry: Linked) -> Receipt:
    return Receipt(entry.seq, entry.hash, chains.moment(json.loads(entry.body)["time"]))


def _voted(tx: Transaction, seat: Seat, token: str) -> Vote | None:
    issued = matchups.issued(tx, rater_of(tx, seat), token)
    return votes.vote_on(tx, issued.id) if issued else None


def _said_at(tx: Transaction, study_id: int, vote: Vote) -> int:
    """The entry that holds what the rater says now: the vote's own, or that of its last correction."""
    return [vote.seq, *_corrections(changes.changes(tx, study_id, of=vote.seq).get(vote.seq, []))][-1]


def _ballot(tx: Transaction, study_id: int, vote: Vote, token: str) -> Ballot:
    made = changes.changes(tx, study_id, of=vote.seq).get(vote.seq, [])
    now = corrected(vote, made)
    comment = ledger.sealed_text(tx, study_id, _said_at(tx, study_id, vote), "comment")
    return Ballot(token, now.choice, now.reason, comment.text if comment else None)


def _record(tx: Transaction, seat: Seat, vote: Vote, ballot: Ballot, now: datetime) -> Receipt:
    comment = {"comment": chains.seal(ballot.comment)} if ballot.comment else {}
    payload = payloads.correction(vote.seq, ballot.choice, ballot.reason, chains.nonce(), comment)
    [entry] = ledger.append(tx, seat.study_id, [Draft(Kind.CORRECTION, payload, seat.pseudonym)], now=now)
    change = VoteChange(entry.seq, vote.seq, VoteChangeKind.CORRECTED, ballot.choice, ballot.reason)
    changes.add(tx, seat.study_id, [change])
    ledger.seal(tx, seat.study_id, ((entry.seq, name, text) for name, text in comment.items()))
    return Receipt(entry.seq, entry.hash, now)
