"""What a rater does: get a matchup, vote on it, get a receipt.

The transaction is committed inside `cast_vote`, before anything is answered: an acknowledged vote is a stored vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random, SystemRandom

from arena.domain import ledger as chains
from arena.domain import pairing, payloads
from arena.domain.access import Seat
from arena.domain.blinding import Ballot, BlindMatchup, Progress, Receipt, Reveal, Sitting
from arena.domain.ledger import Draft, Kind
from arena.domain.plan import RevealRule
from arena.domain.study import Act, Study
from arena.domain.text import refused_character
from arena.domain.vocabulary import HUMAN, Choice, Role, StudyState
from arena.domain.votes import Matchup, Vote, corrected
from arena.errors import BadInput, Conflict, NotAllowed, NotFound
from arena.services.choosing import candidates
from arena.store import access, changes, content, ledger, matchups, pairings, studies, votes
from arena.store.engine import Database, Transaction
from arena.store.matchups import Issued, Place
from arena.store.pairings import Pair

COMMENT_CHARS = 2000
NO_PAIR = "there is no such pair for you; ask for the next one"
"""Said alike of another rater's matchup and of one that never was."""


def next_matchup(db: Database, seat: Seat, *, now: datetime, rng: Random | None = None) -> BlindMatchup | None:
    """Give the rater a matchup: the open one again, else a new one. None when nothing is left for this rater.

    Raises Conflict where the study is not open. `rng` decides ties and sides; by default the system's.
    """
    with db.write(seat.study_id) as tx:
        rater_id = _hold_chain(tx, seat)
        _give(tx, seat, rater_id, now, rng or SystemRandom())
        return matchups.open_matchup(tx, rater_id)


def cast_vote(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    """Record a vote and return its receipt; the same ballot again returns the same receipt.

    Raises NotFound for a token that is not this rater's, Conflict for another choice on a token that is voted on, or
    where the pair has been passed on or the study is not open, BadInput for a ballot that is not complete.
    """
    with db.write(seat.study_id) as tx:
        return _cast(tx, seat, _hold_chain(tx, seat), ballot, now)


def cast_and_go_on(db: Database, seat: Seat, ballot: Ballot, *, now: datetime) -> Receipt:
    """`cast_vote`, and the next matchup is issued in the same transaction: one turn at the database instead of two.

    Raises as `cast_vote`; that there is no next matchup is no error.
    """
    with db.write(seat.study_id) as tx:
        rater_id = _hold_chain(tx, seat)
        receipt = _cast(tx, seat, rater_id, ballot, now)
        with suppress(Conflict):  # a repeated ballot in a study that was closed since: nothing was written
            _give(tx, seat, rater_id, now, SystemRandom())
        return receipt


def _hold_chain(tx: Transaction, seat: Seat) -> int:
    """Wait for one's turn at the study, and then see what was recorded meanwhile. Returns the rater's row number."""
    ledger.chain_of(tx, seat.study_id, lock=True)
    return rater_of(tx, seat)


def _give(tx: Transaction, seat: Seat, rater_id: int, now: datetime, rng: Random) -> None:
    study = studies.by_id(tx, seat.study_id)
    study.allow(Act.VOTE)
    if not matchups.has_open(tx, rater_id):
        _issue(tx, study, seat, rater_id, now, rng)


def _cast(tx: Transaction, seat: Seat, rater_id: int, ballot: Ballot, now: datetime) -> Receipt:
    issued = matchups.issued(tx, rater_id, ballot.token)
    if issued is None:
        raise NotFound(NO_PAIR)
    ballot = cleaned(ballot)
    earlier = votes.vote_on(tx, issued.id)
    if earlier is not None:
        return _same(tx, seat.study_id, earlier, ballot)
    study = studies.by_id(tx, seat.study_id)
    study.allow(Act.VOTE)
    check_offered(study, ballot)
    _hold(tx, study, rater_id, issued, now)
    return _record(tx, study, seat, issued, ballot, now)


def sitting(db: Database, seat: Seat) -> Sitting:
    """Where the rater stands. Reads only."""
    with db.read() as tx:
        rater_id, study = rater_of(tx, seat), studies.by_id(tx, seat.study_id)
        held = matchups.open_matchup(tx, rater_id)
        left = pairings.remaining(tx, study.id, rater_id, study.plan.raters_per_pairing)
        last = votes.last_vote(tx, rater_id)
        return Sitting(
            study,
            held if study.state is StudyState.OPEN else None,
            Progress(votes.count(tx, rater_id), left + (held is not None)),
            _receipt(tx, study.id, last) if last else None,
        )


def reveals(db: Database, seat: Seat) -> Sequence[Reveal]:
    """Which contender wrote what, for the rater's own votes; empty unless the plan and the study's state allow it."""
    with db.read() as tx:
        rater_id = rater_of(tx, seat)
        study = studies.by_id(tx, seat.study_id)
        if study.plan.reveal is not RevealRule.WHEN_PUBLISHED or study.state is not StudyState.PUBLISHED:
            return []
        texts = {record.id: record.text for _, record in content.questions(tx, study.id)}
        made = changes.changes(tx, study.id)
        own = [corrected(vote, made.get(vote.seq, ())) for vote in votes.votes(tx, study.id, rater_id=rater_id)]
        return [Reveal(v.seq, texts.get(v.question or "", ""), v.choice, v.model_a, v.model_b) for v in own]


def rater_of(tx: Transaction, seat: Seat) -> int:
    """The rater's row number. Raises NotAllowed for other seats, and before consent."""
    rater_id = access.rater_of(tx, seat.id)
    if seat.role is not Role.RATER or rater_id is None:
        raise NotAllowed("only raters vote")
    if not seat.consented:
        raise NotAllowed("consent comes before the first pair")
    return rater_id


def _issue(tx: Transaction, study: Study, seat: Seat, rater_id: int, now: datetime, rng: Random) -> None:
    """Let the rater hold a place on the pairing that is needed most, where any is left for this rater."""
    matchups.release_expired(tx, study.id, now=now)
    places = study.plan.raters_per_pairing
    found, chance = candidates(tx, study, rater_id, rng)
    if not found:
        return
    pair = pairings.pair(tx, pairing.choose(found, rng).pairing_id)
    place = Place(
        study_id=study.id,
        pairing_id=pair.id,
        place=pairing.free_place(pair.taken, places),
        rater_id=rater_id,
        until=now + timedelta(minutes=study.plan.claim_minutes),
    )
    # A pairing that this rater was shown and let go comes back as it was shown.
    matchup_id = matchups.earlier(tx, rater_id, pair.id) or _show(tx, place, pair, seat, now, rng, chance)
    matchups.claim(tx, place, matchup_id)


def _show(
    tx: Transaction, place: Place, pair: Pair, seat: Seat, now: datetime, rng: Random, chance: float | None
) -> int:
    """Record what the rater is about to see, before it is seen. Returns the matchup's row number."""
    sides = pairing.toss(pair.low, pair.high, rng)
    shown = Matchup(
        seq=0,
        token=pairing.new_token(),
        rater=seat.pseudonym,
        question=pair.question,
        model_a=sides.a.contender,
        model_b=sides.b.contender,
        answer_a=sides.a.digest,
        answer_b=sides.b.digest,
        issued_at=now,
        chance=chance,
    )
    draft = Draft(Kind.MATCHUP, payloads.recorded_matchup(shown, chains.nonce()), seat.pseudonym)
    [entry] = ledger.append(tx, place.study_id, [draft], now=now)
    return matchups.add(tx, place, replace(shown, seq=entry.seq), (sides.a.answer_id, sides.b.answer_id))


def cleaned(ballot: Ballot) -> Ballot:
    """The ballot as it is recorded: a reason belongs to `cannot_judge` only, an empty comment is none.

    Raises BadInput where it is not complete.
    """
    comment = (ballot.comment or "").replace("\r\n", "\n").strip() or None
    if comment and len(comment) > COMMENT_CHARS:
        raise BadInput(f"the comment has {len(comment):,} characters; {COMMENT_CHARS:,} are allowed")
    if comment and (found := refused_character(comment)):
        raise BadInput(f"the comment holds the character U+{ord(found[0]):04X}, which cannot be stored; remove it")
    cannot = ballot.choice is Choice.CANNOT_JUDGE
    if cannot and ballot.reason is None:
        raise BadInput("say why you cannot judge this pair: choose a reason")
    return replace(ballot, comment=comment, reason=ballot.reason if cannot else None)


def check_offered(study: Study, ballot: Ballot) -> None:
    """Raise BadInput where the study does not offer the ballot's choice."""
    if ballot.choice not in study.plan.choices:
        raise BadInput(f"this study does not offer the choice '{ballot.choice}'")


def _hold(tx: Transaction, study: Study, rater_id: int, issued: Issued, now: datetime) -> None:
    """Settle the matchup's place; one that had lapsed is taken again where the pairing still has a free one."""
    if issued.is_claimed:
        matchups.settle(tx, issued.id)
        return
    taken, places = pairings.taken(tx, issued.pairing_id), study.plan.raters_per_pairing
    if len(taken) >= places:
        raise Conflict("this pair was passed on to another rater, because it had been open for long; take the next one")
    place = pairing.free_place(taken, places)
    matchups.claim(tx, Place(study.id, issued.pairing_id, place, rater_id, now, is_open=False), issued.id)


def _same(tx: Transaction, study_id: int, earlier: Vote, ballot: Ballot) -> Receipt:
    sealed = ledger.sealed_text(tx, study_id, earlier.seq, "comment")
    recorded = (earlier.choice, earlier.reason, sealed.text if sealed else None)
    if recorded != (ballot.choice, ballot.reason, ballot.comment):
        raise Conflict("this pair has your vote already, and it was another one; the recorded vote stands")
    return _receipt(tx, study_id, earlier)


def _record(tx: Transaction, study: Study, seat: Seat, issued: Issued, ballot: Ballot, now: datetime) -> Receipt:
    vote = Vote(
        seq=0,
        key=payloads.matchup_key(ballot.token),
        matchup_seq=issued.shown.seq,
        question=issued.shown.question,
        model_a=issued.shown.model_a,
        model_b=issued.shown.model_b,
        answer_a=issued.shown.answer_a,
        answer_b=issued.shown.answer_b,
        choice=ballot.choice,
        reason=ballot.reason,
        source=HUMAN,
        rater=seat.pseudonym,
        simulated=False,
        voted_at=now,
    )
    comment = chains.seal(ballot.comment) if ballot.comment else None
    payload = payloads.recorded_vote(vote, chains.nonce(), {"comment": comment} if comment else {})
    [entry] = ledger.append(tx, study.id, [Draft(Kind.VOTE, payload, seat.pseudonym)], now=now)
    votes.add_cast(tx, study.id, replace(vote, seq=entry.seq), issued.rows)
    if comment:
        ledger.seal(tx, study.id, [(entry.seq, "comment", comment)])
    return Receipt(entry.seq, entry.hash, now)


def _receipt(tx: Transaction, study_id: int, vote: Vote) -> Receipt:
    assert vote.voted_at is not None  # votes cast here have their moment; imported ones are under other pseudonyms
    return Receipt(vote.seq, ledger.entry_hash(tx, study_id, vote.seq), vote.voted_at)
