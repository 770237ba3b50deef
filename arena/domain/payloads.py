"""What each kind of ledger entry holds. One function a kind, used to write an entry and to check a row against it."""

from __future__ import annotations

from collections.abc import Mapping

from arena.domain.canonical import Json, digest, sha256
from arena.domain.ledger import Sealed, timestamp
from arena.domain.plan import Plan
from arena.domain.records import AnswerRecord, QuestionRecord
from arena.domain.vocabulary import StudyState
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


def imported(what: str, file_digest: str, records: int) -> Payload:
    """A file that was imported: the entries of its records follow."""
    return {"what": what, "file": file_digest, "records": records}


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
