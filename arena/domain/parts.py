"""Parts: what an export carries beside an entry that holds it by digest only. An export may leave them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arena.domain import payloads
from arena.domain.canonical import Json, digest
from arena.domain.ledger import Entry, Kind, LedgerBroken, Sealed
from arena.domain.records import AnswerRecord, ContenderRecord, QuestionRecord

Parts = Mapping[str, Any]


def of_question(record: QuestionRecord) -> dict[str, Json]:
    """The parts of a question's entry."""
    return {"record": payloads.question_record(record)}


def of_contender(record: ContenderRecord) -> dict[str, Json]:
    """The parts of a contender's entry."""
    return {"record": payloads.contender_record(record)}


def of_answer(record: AnswerRecord) -> dict[str, Json]:
    """The parts of an answer's entry."""
    return {"record": payloads.answer_record(record)}


def of_sealed(texts: Mapping[str, Sealed]) -> dict[str, Json]:
    """The parts of an entry with sealed texts."""
    return {name: {"salt": sealed.salt, "text": sealed.text} for name, sealed in texts.items()}


def check(entry: Entry, parts: Parts) -> None:
    """Raise LedgerBroken where a part is not what its entry commits to."""
    for name, part in parts.items():
        if entry.kind in _WITH_RECORD and name == "record":
            matches = _is_record(entry, part)
        else:
            matches = _is_sealed(part) and _unsealed(part).commitment == _commitments(entry).get(name)
        if not matches:
            raise LedgerBroken(entry.seq, f"its part '{name}' is not what the entry commits to")


def sealed(parts: Parts) -> dict[str, Sealed]:
    """The sealed texts among checked parts."""
    return {name: _unsealed(part) for name, part in parts.items() if _is_sealed(part)}


def question(parts: Parts) -> QuestionRecord | None:
    """The question among checked parts of its entry; None where it was left out."""
    record = parts.get("record")
    return QuestionRecord(**record | {"must_have": tuple(record["must_have"])}) if record else None


def contender(parts: Parts) -> ContenderRecord | None:
    """The contender among checked parts of its entry; None where it was left out."""
    record = parts.get("record")
    return ContenderRecord(record["contender"], record["origin"], record["settings"]) if record else None


def answer(parts: Parts) -> AnswerRecord | None:
    """The answer among checked parts of its entry; None where it was left out."""
    record = parts.get("record")
    if not record:
        return None
    return AnswerRecord(record["question"], record["contender"], record["text"], record["provenance"])


def _is_record(entry: Entry, part: object) -> bool:
    """Whether a part is a whole record of its entry's kind, and gives the very payload of the entry."""
    read, payload_of = _WITH_RECORD[entry.kind]
    if not isinstance(part, dict) or digest(part) != entry.payload.get("digest"):
        return False
    try:
        record = read({"record": part})
        expected = payload_of(record)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return all(entry.payload.get(name) == value for name, value in expected.items())


_WITH_RECORD: dict[str, tuple[Callable[[Parts], Any], Callable[[Any], payloads.Payload]]] = {
    Kind.QUESTION: (question, payloads.question),
    Kind.CONTENDER: (contender, payloads.contender),
    Kind.ANSWER: (answer, payloads.answer),
}


def _is_sealed(part: object) -> bool:
    return isinstance(part, dict) and set(part) == {"salt", "text"} and all(isinstance(v, str) for v in part.values())


def _unsealed(part: Mapping[str, str]) -> Sealed:
    return Sealed(part["text"], part["salt"])


def _commitments(entry: Entry) -> Mapping[str, str]:
    commitments = entry.payload.get("sealed")
    return commitments if isinstance(commitments, dict) else {}
