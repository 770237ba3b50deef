"""What a look through a study's answers finds: where each contender's come from, and which name their system."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where an answer names a system: the words as they stand there, and the text around them. Hostile text, all."""

    question: str
    contender: str
    words: str
    before: str
    after: str


@dataclass
class AnswersOf:
    """The answers of one contender: how they came, by which models and versions, how many were cut, and how many name
    a system."""

    contender: str
    origin: str
    answers: int = 0
    models: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    cut: int = 0
    naming: int = 0


@dataclass(frozen=True)
class Scan:
    """All contenders of a study, by name, and every place in the order of the answers."""

    rows: list[AnswersOf]
    places: list[Place]
