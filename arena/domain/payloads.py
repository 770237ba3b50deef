"""What each kind of ledger entry holds. One function a kind, used to write an entry and to check a row against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arena.domain.canonical import Json, digest, sha256
from arena.domain.ledger import Sealed, moment, timestamp
from arena.domain.plan import Plan
from arena.domain.records import AnswerRecord, QuestionRecord
from arena.domain.vocabulary import CannotJudgeReason, Choice, StudyState
from arena.domain.votes import Matchup, Vote

Payload = dict[str, Json]


def study(name: str, title: str) -> Payload:
    """The first entry of a study's chain."""
    return {"study": name, "title": title}


def plan(new: Plan, reason: str | None) -> Payload:
    """The whole plan: at opening, and at every later change with its reason."""
    return {"plan": new.to_json(), "digest": new.digest, "reason": reason}


def state(old: StudyState, new: StudyState) -> Payload:
    """A change of the study's state."""
    return {"from": old, "to": new}


def imported(what: str, file_digest: str, entries: int) -> Payload:
    """A file that was imported: so many entries that came of it follow, new contenders among them."""
    return {"what": what, "file": file_digest, "entries": entries}


def question_record(record: QuestionRecord) -> Payload:
    """A question in full: the part that an export may leave out."""
    return {
        "id": record.id,
        "text": record.text,
        "context": record.context,
        "task": record.task,
        "category": record.category,
        "language": record.language,
        "source": record.source,
        "reference": record.reference,
        "must_have": list(record.must_have),
        "extra": record.extra,
    }


def question(record: QuestionRecord) -> Payload:
    """A question: what boards are grouped by stands here, the rest by digest."""
    return {"question": record.id, "category": record.category, "digest": digest(question_record(record))}


def contender(name: str, origin: str) -> Payload:
    """A system under test."""
    return {"contender": name, "origin": origin}


def answer_record(record: AnswerRecord) -> Payload:
    """An answer in full: the part that an export may leave out."""
    return {
        "question": record.question_id,
        "contender": record.contender,
        "text": record.text,
        "provenance": record.provenance,
    }


def answer(record: AnswerRecord) -> Payload:
    """An answer, by digest."""
    return {"question": record.question_id, "contender": record.contender, "digest": digest(answer_record(record))}


def matchup(shown: Matchup) -> Payload:
    """What is about to be shown to a rater, committed before the vote."""
    return {
        "token": shown.token,
        "rater": shown.rater,
        "question": shown.question,
        "model_a": shown.model_a,
        "model_b": shown.model_b,
        "answer_a": shown.answer_a,
        "answer_b": shown.answer_b,
        "place": shown.place,
    }


def vote(cast: Vote) -> Payload:
    """What the ratings need of a vote. A nonce and the commitments to sealed texts are added by who records it."""
    return {
        "vote": cast.key,
        "matchup": cast.matchup_seq,
        "question": cast.question,
        "model_a": cast.model_a,
        "model_b": cast.model_b,
        "choice": cast.choice,
        "reason": cast.reason,
        "source": cast.source,
        "rater": cast.rater,
        "simulated": cast.simulated,
        "voted_at": timestamp(cast.voted_at) if cast.voted_at else None,
    }


def matchup_key(token: str) -> str:
    """A vote's identity, where it answers a matchup; the token itself is not given away by exports."""
    return "matchup:" + sha256(token)[:32]


def recorded_vote(cast: Vote, nonce: str, sealed: Mapping[str, Sealed]) -> Payload:
    """A vote as it enters the ledger: unguessable from its hash, its free texts by commitment only."""
    return vote(cast) | {"nonce": nonce, "sealed": {name: text.commitment for name, text in sealed.items()}}


def read_vote(seq: int, payload: Mapping[str, Any]) -> Vote:
    """The vote that an entry's payload holds. Raises KeyError, TypeError or ValueError where it holds none."""
    return Vote(
        seq=seq,
        key=_text(payload["vote"]),
        matchup_seq=payload["matchup"],
        question=payload["question"],
        model_a=_text(payload["model_a"]),
        model_b=_text(payload["model_b"]),
        choice=Choice(payload["choice"]),
        reason=CannotJudgeReason(payload["reason"]) if payload["reason"] is not None else None,
        source=_text(payload["source"]),
        rater=payload["rater"],
        simulated=payload["simulated"] is True,
        voted_at=moment(payload["voted_at"]) if payload["voted_at"] is not None else None,
    )


def read_matchup(seq: int, time: str, payload: Mapping[str, Any]) -> Matchup:
    """The matchup that an entry's payload holds. Raises as `read_vote`."""
    return Matchup(
        seq=seq,
        token=_text(payload["token"]),
        rater=_text(payload["rater"]),
        question=_text(payload["question"]),
        model_a=_text(payload["model_a"]),
        model_b=_text(payload["model_b"]),
        answer_a=_text(payload["answer_a"]),
        answer_b=_text(payload["answer_b"]),
        place=int(payload["place"]),
        issued_at=moment(time),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
