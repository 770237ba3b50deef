"""Questions, contenders, answers and pairings in the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Row, func, insert, select

from arena.domain import payloads
from arena.domain.canonical import canonical, digest
from arena.domain.ledger import LedgerBroken
from arena.domain.records import GENERATED, AnswerRecord, ContenderRecord, QuestionRecord
from arena.store.base import table_of
from arena.store.engine import Transaction
from arena.store.tables import Answer, Contender, Pairing, Question


def add_questions(tx: Transaction, study_id: int, records: Iterable[tuple[int, QuestionRecord]]) -> None:
    """Store questions, each with the number of its ledger entry."""
    rows = [
        {
            "study_id": study_id,
            "seq": seq,
            "key": record.id,
            "text": record.text,
            "context": record.context,
            "task": record.task,
            "category": record.category,
            "language": record.language,
            "source": record.source,
            "reference": record.reference,
            "must_have": canonical(list(record.must_have)),
            "extra": record.extra,
        }
        for seq, record in records
    ]
    if rows:
        tx.execute(insert(Question), rows)


def add_contenders(tx: Transaction, study_id: int, records: Iterable[tuple[int, ContenderRecord]]) -> None:
    """Store contenders, each with the number of its ledger entry."""
    rows = [
        {
            "study_id": study_id,
            "seq": seq,
            "name": record.name,
            "origin": record.origin,
            "settings": record.settings,
        }
        for seq, record in records
    ]
    if rows:
        tx.execute(insert(Contender), rows)


def add_answers(tx: Transaction, study_id: int, records: Iterable[tuple[int, AnswerRecord]]) -> None:
    """Store answers, each with the number of its ledger entry."""
    questions, contenders = question_ids(tx, study_id), contender_ids(tx, study_id)
    rows = [
        {
            "study_id": study_id,
            "seq": seq,
            "question_id": questions[record.question_id],
            "contender_id": contenders[record.contender],
            "text": record.text,
            "provenance": record.provenance,
            "digest": digest(payloads.answer_record(record)),
        }
        for seq, record in records
    ]
    if rows:
        tx.execute(insert(Answer), rows)


def question_ids(tx: Transaction, study_id: int, *, only: Collection[str] | None = None) -> dict[str, int]:
    """The row numbers of a study's questions (or `only` of these), by their ids in the files."""
    query = select(Question.key, Question.id).where(Question.study_id == study_id)
    return dict(tx.execute(query if only is None else query.where(Question.key.in_(only))).all())


def contender_ids(tx: Transaction, study_id: int) -> dict[str, int]:
    """The row numbers of a study's contenders, by name."""
    query = select(Contender.name, Contender.id).where(Contender.study_id == study_id)
    return dict(tx.execute(query).all())


def questions(tx: Transaction, study_id: int) -> list[tuple[int, QuestionRecord]]:
    """A study's questions with their ledger entries, in the order in which they were imported."""
    query = select(*table_of(Question).columns).where(Question.study_id == study_id).order_by(Question.seq)
    return [(row.seq, _question(row)) for row in tx.execute(query)]


def categories(tx: Transaction, study_id: int) -> dict[str, str | None]:
    """The category of each question of a study, by their ids in the files."""
    return dict(tx.execute(select(Question.key, Question.category).where(Question.study_id == study_id)).all())


def contenders(tx: Transaction, study_id: int) -> list[tuple[int, ContenderRecord]]:
    """A study's contenders with their ledger entries, in the order of the ledger."""
    query = select(Contender.seq, Contender.name, Contender.origin, Contender.settings)
    query = query.where(Contender.study_id == study_id).order_by(Contender.seq)
    return [(seq, ContenderRecord(*fields)) for seq, *fields in tx.execute(query)]


def answers(tx: Transaction, study_id: int) -> list[tuple[int, AnswerRecord, str]]:
    """A study's answers with their ledger entries and stored digests, in the order in which they were imported."""
    query = (
        select(Answer.seq, Question.key, Contender.name, Answer.text, Answer.provenance, Answer.digest)
        .join(Question, Question.id == Answer.question_id)
        .join(Contender, Contender.id == Answer.contender_id)
        .where(Answer.study_id == study_id)
        .order_by(Answer.seq)
    )
    return [(seq, AnswerRecord(*fields), stored) for seq, *fields, stored in tx.execute(query)]


def answered(
    tx: Transaction, study_id: int, *, only: Collection[str] | None = None
) -> dict[tuple[str, str], tuple[int, str]]:
    """The row number and digest of every answer (or those to `only` these questions), by question and contender."""
    query = (
        select(Question.key, Contender.name, Answer.id, Answer.digest)
        .join(Answer, Answer.question_id == Question.id)
        .join(Contender, Contender.id == Answer.contender_id)
        .where(Answer.study_id == study_id)
    )
    rows = tx.execute(query if only is None else query.where(Question.key.in_(only)))
    return {(question, contender): (id_, stored) for question, contender, id_, stored in rows}


def unpaired(tx: Transaction, study_id: int) -> int:
    """How many questions have fewer than two answers."""
    answers = (
        select(Question.id)
        .outerjoin(Answer, Answer.question_id == Question.id)
        .where(Question.study_id == study_id)
        .group_by(Question.id)
        .having(func.count(Answer.id) < 2)
    )
    return tx.scalar(select(func.count()).select_from(answers.subquery())) or 0


def count(tx: Transaction, table: type[Question | Contender | Answer | Pairing], study_id: int) -> int:
    """How many rows of `table` a study has."""
    return tx.scalar(select(func.count()).select_from(table).where(table.study_id == study_id)) or 0


def _question(row: Row[*tuple[Any, ...]]) -> QuestionRecord:
    try:
        must_have = tuple(json.loads(row.must_have))
    except (ValueError, TypeError):
        raise LedgerBroken(row.seq, "its row in the database has statements that are no JSON list") from None
    return QuestionRecord(
        id=row.key,
        text=row.text,
        context=row.context,
        task=row.task,
        category=row.category,
        language=row.language,
        source=row.source,
        reference=row.reference,
        must_have=must_have,
        extra=row.extra,
    )


def has_generated(tx: Transaction, study_id: int) -> bool:
    """Whether a study has answers that were made here."""
    query = select(Answer.id).join(Contender, Contender.id == Answer.contender_id)
    query = query.where(Answer.study_id == study_id, Contender.origin == GENERATED)
    return tx.execute(query.limit(1)).first() is not None
