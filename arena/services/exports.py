"""A study out of the database: votes, questions and answers as exchange files, the ledger as its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from arena.domain import parts
from arena.domain.canonical import Json
from arena.domain.study import Study
from arena.domain.vocabulary import VoteChangeKind
from arena.domain.votes import as_it_stands
from arena.errors import BadInput
from arena.services.files import FileFormat, write_records
from arena.services.files.writing import replacing
from arena.services.ledgerfile import Header, entry_line, write_lines
from arena.store import changes, content, ledger, matchups, votes
from arena.store.engine import Database, Transaction

What = Literal["votes", "answers", "questions", "ledger"]
Row = Mapping[str, object]

QUESTION_COLUMNS = ("id", "text", "context", "task", "category", "language", "source", "reference", "must_have")
ANSWER_COLUMNS = ("question_id", "contender", "text")
VOTE_COLUMNS = (
    "id",
    "question_id",
    "model_a",
    "model_b",
    "winner",
    "judge",
    "tstamp",
    "choice",
    "reason",
    "comment",
    "source",
    "simulated",
    "ledger_position",
)


def export(
    db: Database,
    study: Study,
    what: What,
    target: Path | BinaryIO,
    file_format: FileFormat,
    *,
    source: str | None = None,
) -> None:
    """Write one kind of a study's records; of the votes, those from `source` only where one is given.

    A ledger is always JSON lines. The same state gives the same bytes.
    """
    with db.read() as tx:
        if what == "ledger":
            if file_format != "jsonl":
                raise BadInput("a ledger is exported as JSON lines; use --format jsonl or an ending of .jsonl")
            _export_ledger(tx, study, target)
            return
        rows, columns = _votes(tx, study.id, source) if what == "votes" else _READ[what](tx, study.id)
        further = sorted({key for row in rows for key in row} - set(columns))
        if file_format == "parquet":
            rows = [_texts(row, further) for row in rows]
        write_records(rows, (*columns, *further), target, file_format)


def _questions(tx: Transaction, study_id: int) -> tuple[list[Row], Sequence[str]]:
    rows: list[Row] = []
    for _, record in content.questions(tx, study_id):
        known = {name: getattr(record, name) for name in QUESTION_COLUMNS}
        rows.append(_without_clash(record.extra, known) | known)
    return rows, QUESTION_COLUMNS


def _answers(tx: Transaction, study_id: int) -> tuple[list[Row], Sequence[str]]:
    rows: list[Row] = []
    for _, record, _ in content.answers(tx, study_id):
        known = {name: getattr(record, name) for name in ANSWER_COLUMNS}
        rows.append(_without_clash(record.provenance, known) | known)
    return rows, ANSWER_COLUMNS


def _votes(tx: Transaction, study_id: int, source: str | None) -> tuple[list[Row], Sequence[str]]:
    """The votes that count, as their corrections left them; the ledger has the others."""
    sealed, changed, drawn = (
        ledger.sealed_texts(tx, study_id),
        changes.changes(tx, study_id),
        matchups.chances(tx, study_id),
    )
    rows: list[Row] = []
    for cast in votes.votes(tx, study_id, source=source):
        made = changed.get(cast.seq, [])
        vote = as_it_stands(cast, made)
        if vote is None:
            continue
        said_at = [cast.seq, *(change.seq for change in made if change.kind is VoteChangeKind.CORRECTED)][-1]
        comment, extra = sealed.get(said_at, {}).get("comment"), sealed.get(cast.seq, {}).get("extra")
        known: dict[str, object] = {
            "id": vote.key.removeprefix("id:"),
            "question_id": vote.question,
            "model_a": vote.model_a,
            "model_b": vote.model_b,
            "winner": vote.winner,
            "judge": vote.rater,
            "tstamp": vote.voted_at,
            "choice": vote.choice,
            "reason": vote.reason,
            "comment": comment.text if comment else None,
            "source": vote.source,
            "simulated": vote.simulated,
            "ledger_position": vote.seq,
        }
        if drawn:
            known["chance"] = None if vote.matchup_seq is None else drawn.get(vote.matchup_seq)
        rows.append(_without_clash(extra.text if extra else "{}", known) | known)
    return rows, (*VOTE_COLUMNS, "chance") if drawn else VOTE_COLUMNS


_READ = {"questions": _questions, "answers": _answers}


def _without_clash(extra: str, known: Row) -> dict[str, object]:
    """The fields of the file that we do not know, less those that have a name of ours."""
    return {key: value for key, value in json.loads(extra).items() if key not in known}


def _texts(row: Row, columns: Sequence[str]) -> Row:
    """A Parquet column has one type: what the file brought along is written as text there."""
    texts = {
        name: row[name] if isinstance(row[name], str) else json.dumps(row[name], ensure_ascii=False)
        for name in columns
        if row.get(name) is not None
    }
    return {**row, **texts}


def _export_ledger(tx: Transaction, study: Study, target: Path | BinaryIO) -> None:
    chain = ledger.chain_of(tx, study.id)
    header = Header(chain.uid, study.name, chain.head)
    if not isinstance(target, Path):
        write_lines(header, _ledger_lines(tx, study.id), target)
        return
    with replacing(target) as file:
        write_lines(header, _ledger_lines(tx, study.id), file)


def _ledger_lines(tx: Transaction, study_id: int) -> Iterator[str]:
    of_entry: dict[int, dict[str, Json]] = {}
    of_entry.update((seq, parts.of_question(record)) for seq, record in content.questions(tx, study_id))
    of_entry.update((seq, parts.of_contender(record)) for seq, record in content.contenders(tx, study_id))
    of_entry.update((seq, parts.of_answer(record)) for seq, record, _ in content.answers(tx, study_id))
    of_entry.update((seq, parts.of_sealed(texts)) for seq, texts in ledger.sealed_texts(tx, study_id).items())
    for linked in ledger.entries(tx, study_id):
        yield entry_line(linked, of_entry.get(linked.seq, {}))
