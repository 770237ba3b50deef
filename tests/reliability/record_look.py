"""All that the services say of a study, compared with the model of it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import pytest

from arena.domain.access import Seat
from arena.domain.blinding import Receipt
from arena.domain.views import Overview
from arena.errors import Conflict, NotAllowed
from arena.services import access, audit, exports, leaderboard, record, studies, voting
from arena.services.leaderboard import BoardRequest
from arena.store import ledger
from arena.store.engine import Database
from docs.verify_ledger import verify
from tests.reliability.record_model import ANSWERED, CONTENDERS, WINNERS, Model, Said, Vote

STUDY = "s"
COLUMNS = ("winner", "judge", "choice", "reason", "comment", "source", "simulated", "ledger_position", "arm")
What = Literal["votes", "answers", "questions", "ledger"]


def exported(
    db: Database, what: What, source: str | None = None, file_format: Literal["jsonl", "csv"] = "jsonl"
) -> bytes:
    """One kind of the study's records."""
    buffer = io.BytesIO()
    exports.export(db, studies.get(db, STUDY), what, buffer, file_format, source=source)
    return buffer.getvalue()


def check_heads(db: Database, model: Model) -> None:
    """Both chains are as long as the model says: nothing is missing, and nothing else was recorded."""
    study = studies.get(db, STUDY)
    assert study.state == model.state
    with db.read() as tx:
        assert ledger.chain_of(tx, study.id).head.position == model.position
        assert ledger.chain_of(tx, None).head.position == model.instance


def check_all(db: Database, model: Model, seats: Mapping[str, Seat], now: datetime) -> None:
    """Audit, exports, counts, boards, and what each rater is told."""
    study = studies.get(db, STUDY)
    assert {name: study.plan.to_json()[name] for name in model.plan} == model.plan
    audited = audit.audit_study(db, study.id)
    assert audited.head.position == model.position
    assert (audited.texts_missing, audited.texts_erased) == (0, list(model.texts.values()).count(None))
    assert audit.audit_instance(db).head.position == model.instance
    assert verify(exported(db, "ledger")) == f"{audited.head.position}:{audited.head.hash}"
    _check_votes(db, model)
    check_overview(studies.overview(db, study), model)
    for source in ("human", "judge:x"):
        _check_board(db, model, source)
    for pseudonym, seat in seats.items():
        _check_seat(db, model, pseudonym, now)
        if model.bars_rater(pseudonym):
            for asked in (voting.sitting, record.own_votes, voting.reveals):
                with pytest.raises(NotAllowed):
                    asked(db, seat)
        else:
            _check_rater(db, model, pseudonym, seat)


def _check_votes(db: Database, model: Model) -> None:
    rows = [json.loads(line) for line in exported(db, "votes").splitlines()]
    assert [_row(row) for row in rows] == [_expected(model, vote) for vote in model.standing]


def _row(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row.get(name) for name in ("id", "question_id", "model_a", "model_b", *COLUMNS)}


def _expected(model: Model, vote: Vote) -> dict[str, object]:
    now = vote.said[-1]
    extra = json.loads(model.texts.get((vote.seq, "extra")) or "{}")
    known = (vote.key.removeprefix("id:"), vote.question, *vote.sides, WINNERS[now.choice], vote.rater, now.choice)
    more = (now.reason, model.comment(now), vote.source, vote.simulated, vote.seq, extra.get("arm"))
    return dict(zip(("id", "question_id", "model_a", "model_b", *COLUMNS), (*known, *more), strict=True))


def check_overview(seen: Overview, model: Model) -> None:
    """The counts of a study."""
    by_source: dict[str, list[Vote]] = {}
    for vote in model.votes.values():
        by_source.setdefault(vote.source, []).append(vote)
    counted = [
        (
            source,
            len(cast),
            sum(vote.said[0].choice == "cannot_judge" for vote in cast),
            sum(vote.simulated for vote in cast),
            sum(not vote.counts for vote in cast),
        )
        for source, cast in sorted(by_source.items())
    ]
    assert [(s.source, s.votes, s.cannot_judge, s.simulated, s.set_aside) for s in seen.sources] == counted
    pairings = len(model.pairings())
    answers = sum(map(len, ANSWERED.values()))
    assert (seen.questions, seen.contenders, seen.answers, seen.unpaired) == (
        len(ANSWERED),
        len(CONTENDERS),
        answers,
        1,
    )
    filled = sum(not claim.is_open for claim in model.claims.values())
    assert (seen.pairings, seen.places, seen.filled) == (
        pairings,
        pairings * seen.study.plan.raters_per_pairing,
        filled,
    )
    voters = {vote.rater for vote in by_source.get("human", ()) if vote.rater is not None}
    assert (seen.raters, seen.head.position) == (len(voters), model.position)


def _check_board(db: Database, model: Model, source: str) -> None:
    tally: dict[str, Counter[str]] = {name: Counter() for name in CONTENDERS}
    counted = [vote for vote in model.standing if vote.source == source and WINNERS[vote.said[-1].choice]]
    for vote in counted:
        winner = WINNERS[vote.said[-1].choice]
        for side, name in zip(("model_a", "model_b"), vote.sides, strict=True):
            tied = winner in ("tie", "both_bad")
            tally[name][str(winner) if tied else "win" if winner == side else "loss"] += 1
    request = BoardRequest(rounds=1, source=source)
    if not counted:
        with pytest.raises(Conflict, match="no vote to count"):
            leaderboard.board(db, studies.get(db, STUDY), request)
        return
    board = leaderboard.board(db, studies.get(db, STUDY), request)
    seen = {row.model: (row.wins, row.losses, row.ties, row.both_bad) for row in board.rows}
    assert seen == {name: (c["win"], c["loss"], c["tie"], c["both_bad"]) for name, c in tally.items()}
    withdrawn = sum(vote.withdrawn for vote in model.votes.values() if vote.source == source)
    assert any(f"{withdrawn} vote" in warning and "withdrawn" in warning for warning in board.warnings) == bool(
        withdrawn
    )


def _check_seat(db: Database, model: Model, pseudonym: str, now: datetime) -> None:
    sitter = model.sitters[pseudonym]
    seat = access.seat_of(db, sitter.session, now=now) if sitter.session else None
    assert (seat is not None) == (sitter.session is not None and not sitter.revoked)
    assert seat is None or (seat.pseudonym, seat.consented) == (pseudonym, sitter.consented)


def _check_rater(db: Database, model: Model, pseudonym: str, seat: Seat) -> None:
    own, open_token = model.of_rater(pseudonym), model.open_token(pseudonym)
    now = voting.sitting(db, seat)
    left = len(model.left_for(pseudonym)) + (open_token is not None)
    assert (now.progress.votes, now.progress.remaining) == (len(own), left)
    shown = open_token if model.state == "open" else None  # a closed study shows no pair; the claim on it stays
    assert (now.matchup.token if now.matchup else None) == shown
    assert (_short(now.receipt) if now.receipt else None) == (_said(own[-1].said[0]) if own else None)
    for vote, told in zip(reversed(own), record.own_votes(db, seat), strict=True):
        assert told.intact
        assert (told.token, told.choice, told.excluded is None) == (vote.token, vote.said[-1].choice, vote.counts)
        assert _short(told.receipt) == _said(vote.said[0])
        corrected = _said(vote.said[-1]) if len(vote.said) > 1 else None
        assert (_short(told.corrected) if told.corrected else None) == corrected
    is_told = model.plan["reveal"] == "when_published" and model.state == "published"
    told_of = [(r.position, r.choice, r.contender_a, r.contender_b) for r in voting.reveals(db, seat)]
    assert told_of == [(v.seq, v.said[-1].choice, *v.sides) for v in own if is_told]


def _short(receipt: Receipt) -> tuple[int, str]:
    return receipt.position, receipt.hash


def _said(said: Said) -> tuple[int, str]:
    return said.seq, said.hash
