"""Questions of a study found by their text, for formats that have no ids of it."""

from __future__ import annotations

from arena.domain.study import Study
from arena.services.generation import asked
from arena.store import content
from arena.store.engine import Database


def by_text(db: Database, study: Study) -> dict[str, set[str]]:
    """The ids of the questions that have a text, by itself or after the record that it is about."""
    found: dict[str, set[str]] = {}
    with db.read() as tx:
        for _, record in content.questions(tx, study.id):
            for text in (record.text, asked(record.text, record.context)):
                found.setdefault(text, set()).add(record.id)
    return found
