"""What each kind of ledger entry holds. One function a kind, used to write an entry and to check a row against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arena.domain.canonical import Json, digest, sha256
from arena.domain.ledger import Sealed, moment, timestamp
from arena.domain.plan import Plan, WithdrawalRule
from arena.domain.records import AnswerRecord, ContenderRecord, QuestionRecord
from arena.domain.vocabulary import CannotJudgeReason, Choice, StudyState, VoteChangeKind
from arena.domain.votes import Matchup, Vote, VoteChange

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


def contender_record(record: ContenderRecord) -> Payload:
    """A system under test in full: the part that an export may leave out."""
    return {"contender": record.name, "origin": record.origin, "settings": record.settings}


def contender(record: ContenderRecord) -> Payload:
    """A system under test: its name, and by digest all that shapes its text."""
    return {"contender": record.name, "origin": record.origin, "digest": digest(contender_record(record))}


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
    """What is about to be shown to a rater, committed before the vote; with a chance where contenders were drawn."""
    drawn: Payload = {} if shown.chance is None else {"chance": _decimal(shown.chance)}
    return {
        "token": shown.token,
        "rater": shown.rater,
        "question": shown.question,
        "model_a": shown.model_a,
        "model_b": shown.model_b,
        "answer_a": shown.answer_a,
        "answer_b": shown.answer_b,
    } | drawn


def vote(cast: Vote) -> Payload:
    """What the ratings need of a vote. A nonce and the commitments to sealed texts are added by who records it."""
    return {
        "vote": cast.key,
        "matchup": cast.matchup_seq,
        "question": cast.question,
        "model_a": cast.model_a,
        "model_b": cast.model_b,
        "answer_a": cast.answer_a,
        "answer_b": cast.answer_b,
        "choice": cast.choice,
        "reason": cast.reason,
        "source": cast.source,
        "rater": cast.rater,
        "simulated": cast.simulated,
        "voted_at": timestamp(cast.voted_at) if cast.voted_at else None,
    }


def recorded_vote(cast: Vote, nonce: str, sealed: Mapping[str, Sealed]) -> Payload:
    """A vote as it enters the ledger: unguessable from its hash, its free texts by commitment only."""
    return vote(cast) | {"nonce": nonce, "sealed": {name: text.commitment for name, text in sealed.items()}}


def correction(
    vote: int, choice: Choice, reason: CannotJudgeReason | None, nonce: str, sealed: Mapping[str, Sealed]
) -> Payload:
    """What a rater says instead of the own vote in entry `vote`; as unguessable as a vote."""
    commitments: dict[str, Json] = {name: text.commitment for name, text in sealed.items()}
    return {"vote": vote, "choice": choice, "reason": reason, "nonce": nonce, "sealed": commitments}


def exclusion(votes: Sequence[int], reason: str) -> Payload:
    """Votes, by their entries, that are not counted any more, or are again (a readmission), and why."""
    return {"votes": list(votes), "reason": reason}


def withdrawal(rater: str, rule: WithdrawalRule) -> Payload:
    """A rater leaves; by the plan's rule the votes so far stay or go."""
    return {"rater": rater, "votes": rule}


def erased(entry: int, name: str) -> Payload:
    """The sealed text `name` of an entry has been erased."""
    return {"entry": entry, "text": name}


def recorded_matchup(shown: Matchup, nonce: str) -> Payload:
    """A matchup as it enters the ledger: who knows both texts cannot find out from its hash which stood where."""
    return matchup(shown) | {"nonce": nonce}


def consent(rater: str, plan_digest: str) -> Payload:
    """A rater's consent to the text of the plan of that moment."""
    return {"rater": rater, "plan": plan_digest}


def seat(study_uid: str, pseudonym: str, role: str) -> Payload:
    """A seat that was granted, in the instance's chain."""
    return {"study": study_uid, "seat": pseudonym, "role": role}


def seat_event(study_uid: str, pseudonym: str) -> Payload:
    """What happened to a seat: its link was renewed or redeemed, or it was revoked."""
    return {"study": study_uid, "seat": pseudonym}


def token(study_uid: str | None, name: str, role: str, secret_hash: str, expires_at: datetime) -> Payload:
    """An API token that was made; its secret is 256 random bits, so that the hash gives nothing away."""
    return {
        "study": study_uid,
        "token": name,
        "role": role,
        "secret_hash": secret_hash,
        "expires_at": timestamp(expires_at),
    }


def read_vote(seq: int, payload: Mapping[str, Any]) -> Vote:
    """The vote that an entry's payload holds. Raises KeyError, TypeError or ValueError where it holds none."""
    if type(payload["simulated"]) is not bool or type(payload["matchup"]) not in (int, type(None)):
        raise TypeError("a member of the vote has the wrong type")
    reason, voted_at = text_or_none(payload["reason"]), text_or_none(payload["voted_at"])
    return Vote(
        seq=seq,
        key=text(payload["vote"]),
        matchup_seq=payload["matchup"],
        question=text_or_none(payload["question"]),
        model_a=text(payload["model_a"]),
        model_b=text(payload["model_b"]),
        answer_a=text_or_none(payload["answer_a"]),
        answer_b=text_or_none(payload["answer_b"]),
        choice=Choice(payload["choice"]),
        reason=None if reason is None else CannotJudgeReason(reason),
        source=text(payload["source"]),
        rater=text_or_none(payload["rater"]),
        simulated=payload["simulated"],
        voted_at=None if voted_at is None else moment(voted_at),
    )


def read_correction(seq: int, payload: Mapping[str, Any]) -> VoteChange:
    """The change that a correction's payload holds. Raises as `read_vote`."""
    reason = text_or_none(payload["reason"])
    return VoteChange(
        seq,
        number(payload["vote"]),
        VoteChangeKind.CORRECTED,
        Choice(payload["choice"]),
        None if reason is None else CannotJudgeReason(reason),
    )


def read_matchup(seq: int, time: str, payload: Mapping[str, Any]) -> Matchup:
    """The matchup that an entry's payload holds. Raises as `read_vote`."""
    return Matchup(
        seq=seq,
        token=text(payload["token"]),
        rater=text(payload["rater"]),
        question=text(payload["question"]),
        model_a=text(payload["model_a"]),
        model_b=text(payload["model_b"]),
        answer_a=text(payload["answer_a"]),
        answer_b=text(payload["answer_b"]),
        issued_at=moment(time),
        chance=_chance(payload["chance"]) if "chance" in payload else None,
    )


def _decimal(value: float) -> str:
    """A probability as the canonical form can hold it: its decimals, at most 12 of them."""
    return f"{value:.12f}".rstrip("0").rstrip(".")


def _chance(value: object) -> float:
    """A member that must be a probability above 0, as `_decimal` writes it. Raises TypeError or ValueError."""
    written = text(value)
    found = float(written)
    if not 0.0 < found <= 1.0 or _decimal(found) != written:
        raise ValueError(f"{written!r} is not a probability")
    return found


def number(value: object) -> int:
    """A member that must be a whole number. Raises TypeError."""
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def text(value: object) -> str:
    """A member that must be a text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def text_or_none(value: object) -> str | None:
    """A member that may be null. Raises TypeError."""
    return None if value is None else text(value)


def matchup_key(token: str) -> str:
    """A vote's identity, where it answers a matchup; the token itself is not given away by exports."""
    return "matchup:" + sha256(token)[:32]
