"""Answers that name their system or its maker, and where the answers of each contender come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from arena.contenders import recipe
from arena.contenders.catalogue import catalogue
from arena.domain.leaks import leaks
from arena.domain.naming import AnswersOf, Place, Scan
from arena.domain.records import GENERATED, AnswerRecord, ContenderRecord
from arena.domain.study import Study
from arena.errors import BadInput
from arena.store import content
from arena.store.engine import Database

CONTEXT_CHARS = 40
"""Characters on each side of a name that are shown with it."""
_LEAST_OWN = 4
_MODEL = ("model", "model_id", "generator")
"""Under which names provenance says what model it was: by ourselves, MT-Bench and AlpacaEval."""


def scan(db: Database, study: Study, *, progress: Callable[[int, int], None] | None = None) -> Scan:
    """Look through all answers of a study. `progress(done, total)` is told now and then."""
    with db.read() as tx:
        contenders = [record for _, record in content.contenders(tx, study.id)]
        answers = [record for _, record, _ in content.answers(tx, study.id)]
    rows = {record.name: AnswersOf(record.name, record.origin) for record in contenders}
    own = own_words(contenders)
    places: list[Place] = []
    for number, answer in enumerate(answers, 1):
        found = [_place(answer, leak.start, leak.end) for leak in leaks(answer.text, own[answer.contender])]
        places += found
        _count(rows[answer.contender], answer, bool(found))
        if progress and (number % 100 == 0 or number == len(answers)):
            progress(number, len(answers))
    return Scan(sorted(rows.values(), key=lambda row: row.contender), places)


def own_words(contenders: Iterable[ContenderRecord]) -> dict[str, tuple[str, ...]]:
    """The words that would give each contender away: its recipe's or the catalogue's, and its own name.

    A name counts only where it has a digit (`vicuna-13b`): other names may be words that clinicians write.
    """
    known = {name.casefold(): entry.gives_away for name, entry in catalogue().items()}
    return {record.name: (*_stated(record, known), *_name(record.name)) for record in contenders}


def _stated(record: ContenderRecord, known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if record.origin == GENERATED:
        try:
            return recipe.read(record.name, record.settings).gives_away
        except BadInput:  # of a later version; its name may still be known
            pass
    return known.get(record.name.casefold(), ())


def _name(name: str) -> tuple[str, ...]:
    letters = [sign for sign in name if sign.isascii() and sign.isalnum()]
    is_told = len(letters) >= _LEAST_OWN and any(map(str.isdigit, letters)) and any(map(str.isalpha, letters))
    return (name,) if is_told else ()


def _place(answer: AnswerRecord, start: int, end: int) -> Place:
    text = answer.text
    before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
    return Place(answer.question_id, answer.contender, text[start:end], before, after)


def _count(row: AnswersOf, answer: AnswerRecord, is_naming: bool) -> None:
    stated = json.loads(answer.provenance)
    row.answers += 1
    row.naming += is_naming
    row.cut += stated.get("is_cut") is True
    row.models |= {stated[name] for name in _MODEL if isinstance(stated.get(name), str)}
    if isinstance(stated.get("version"), str):
        row.versions.add(stated["version"])
