"""What the exchange files hold, one dataclass for each kind of record, as it is before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from arena.domain.vocabulary import CannotJudgeReason, Choice


@dataclass(frozen=True)
class QuestionRecord:
    """One clinical question. `extra` holds the fields that we do not know, as canonical JSON text."""

    id: str
    text: str
    context: str | None = None
    task: str | None = None
    category: str | None = None
    language: str | None = None
    source: str | None = None
    reference: str | None = None
    must_have: tuple[str, ...] = ()
    extra: str = "{}"


@dataclass(frozen=True)
class AnswerRecord:
    """One contender's text on one question. `provenance` holds all other fields, as canonical JSON text."""

    question_id: str
    contender: str
    text: str
    provenance: str = "{}"


GENERATED = "generated"
"""The origin of contenders whose answers are made here."""


@dataclass(frozen=True)
class ContenderRecord:
    """One system under test. `origin` says how its answers come; `settings`, canonical JSON, what shapes their text."""

    name: str
    origin: str
    settings: str = "{}"


@dataclass(frozen=True)
class VoteRecord:
    """One preference between two contenders, in the sides of the file.

    `key` is the vote's identity within the study: its own `id`, else the file's digest and the record's number.
    """

    key: str
    model_a: str
    model_b: str
    choice: Choice
    question_id: str | None = None
    rater: str | None = None
    voted_at: datetime | None = None
    reason: CannotJudgeReason | None = None
    comment: str | None = None
    simulated: bool = False
    extra: str = "{}"


T = TypeVar("T")


@dataclass(frozen=True)
class Located(Generic[T]):
    """A record with the place in its file that an error names ("line 3")."""

    where: str
    record: T
