"""Missing answers as OpenAI batch files: what would be asked of a server is written down, and results are stored.

A request is known by the digest of all that is asked, with the study and the contender: a result can only be stored
with the question, the prompt and the settings that it answers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from arena.backends.base import Ask, Failed
from arena.backends.server import reply_to, request
from arena.domain.canonical import sha256
from arena.domain.leaks import leaks
from arena.domain.study import Act, Study
from arena.errors import BadRecords, Conflict, Problem
from arena.services import generation, studies
from arena.services.files import Entry, Records
from arena.services.files.raw import BadField, shown
from arena.services.files.writing import replacing
from arena.services.generation import Given, Job, Missing
from arena.services.imports import PROBLEMS_SHOWN
from arena.services.recorded.batch import Result, result
from arena.services.studies import held
from arena.store.engine import Database

AS_WRITTEN = "{{ messages[0]['content'] }}"
"""A chat template that gives its one message back as it is: the prompt that was written here."""
_DIGITS = 40


@dataclass(frozen=True)
class Request:
    """One line of a batch file, and what it asks of whom."""

    wanted: Missing
    job: Job
    ask: Ask
    custom_id: str
    url: str
    body: Mapping[str, object]

    def line(self) -> bytes:
        """The request as the file holds it."""
        fields = {"custom_id": self.custom_id, "method": "POST", "url": self.url, "body": self.body}
        return f"{json.dumps(fields, ensure_ascii=False)}\n".encode()


@dataclass
class Imported:
    """How an import ended. `known` answers were there already; `failed` names contender, question and reason; `cut` and
    `naming` count new answers that were cut or name their system, and `missing` what the contenders still lack."""

    stored: int = 0
    known: int = 0
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    naming: Counter[str] = field(default_factory=Counter)
    missing: dict[str, int] = field(default_factory=dict)


def export(study: Study, wanted: Sequence[Missing], target: Path | BinaryIO) -> int:
    """Write what is missing as a batch file, whole or not at all. Returns the number of requests.

    Raises Conflict where the study takes no answers any more.
    """
    study.allow(Act.IMPORT_CONTENT)
    lines = [one.line() for each in wanted for one in requests(study, each)]
    if isinstance(target, Path):
        with replacing(target) as file:
            file.writelines(lines)
    else:
        target.writelines(lines)
    return len(lines)


def requests(study: Study, wanted: Missing) -> Iterator[Request]:
    """What is asked of one contender: the same prompts and settings as `arena generate` sends.

    `vllm run-batch` knows chats only. So a prompt that is written here goes as the one message of a chat, with that
    message as its template, which gives the model the same text.
    """
    for job in generation.jobs(wanted, study.plan):
        ask = Ask(wanted.recipe.id, job.sampling, job.prompt, job.turns)
        if job.prompt is None:
            url, body = request(ask)
        else:
            url, body = request(Ask(ask.model, ask.sampling, messages=(("user", job.prompt),)))
            body |= {"chat_template": AS_WRITTEN, "add_special_tokens": False}
        told = json.dumps([study.uid, wanted.contender, job.question, url, body], sort_keys=True)
        yield Request(wanted, job, ask, f"arena-{sha256(told)[:_DIGITS]}", url, body)


def import_results(db: Database, study_name: str, records: Records, *, now: datetime) -> Imported:
    """Store the answers of a batch's results as those that `arena generate` makes; what is there is passed over.

    Requests that failed and answers that are none are listed and not stored. Raises BadRecords, and stores nothing,
    for lines that are not of the form or answer no request of the study as it is planned now; Conflict for its state.
    """
    study = studies.get(db, study_name)
    study.allow(Act.IMPORT_CONTENT)
    every = generation.missing(db, study, with_answered=True)
    found = _answered(records, {one.custom_id: one for each in every for one in requests(study, each)})
    done, kept = Imported(), []
    for one, came in found:
        try:
            kept.append((one, _given(one, came)))
        except Failed as error:
            done.failed.append((one.wanted.contender, one.job.question, str(error)))
    pairs = [(one, generation.record_of(one.wanted, study.plan, one.job, given)) for one, given in kept]
    with db.write() as tx:
        current = held(tx, study_name)
        current.allow(Act.IMPORT_CONTENT)
        if current.plan != study.plan:
            raise Conflict(f"the plan of '{study_name}' was changed meanwhile; export the batch again")
        new = generation.keep_new(tx, study, [record for _, record in pairs], now=now)
    stored = {(record.question_id, record.contender) for record in new}
    done.stored, done.known = len(new), len(pairs) - len(new)
    for one, given in kept:
        if (one.job.question, one.wanted.contender) in stored:
            done.cut[one.wanted.contender] += given.reply.finish == "length"
            done.naming[one.wanted.contender] += bool(leaks(given.reply.text, one.wanted.recipe.gives_away))
    asked = sorted({one.wanted.contender for one, _ in found})
    done.missing = {one.contender: len(one.questions) for one in generation.missing(db, study, asked) if one.questions}
    return done


def _answered(records: Records, known: Mapping[str, Request]) -> list[tuple[Request, Result]]:
    """What the file's lines answer. Raises BadRecords with the first that answer nothing, or what another does."""
    found: list[tuple[Request, Result]] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    with records:
        for entry in records:
            came = _result(entry)
            if isinstance(came, Result):
                came = _fitting(came, entry.where, known, seen)
            if isinstance(came, Problem):
                problems.append(came)
            elif not problems:
                found.append((known[came.custom_id], came))
            if len(problems) == PROBLEMS_SHOWN:
                break
    if problems:
        raise BadRecords(records.name, problems)
    return found


def _result(entry: Entry) -> Result | Problem:
    if isinstance(entry, Problem):
        return entry
    try:
        return result(entry.fields)
    except BadField as problem:
        return problem.at(entry.where)


def _fitting(came: Result, where: str, known: Mapping[str, Request], seen: dict[str, str]) -> Result | Problem:
    if came.custom_id not in known:
        reason = f"{shown(came.custom_id)} is no request of this study as it is planned now; export the batch again"
        return Problem(where, "custom_id", reason)
    first = seen.setdefault(came.custom_id, where)
    return came if first == where else Problem(where, "custom_id", f"stands in {first} already")


def _given(one: Request, came: Result) -> Given:
    """The reply to a request. Raises Failed where there is none, or none that can be kept."""
    if came.body is None:
        raise Failed(came.failure or "nothing came")
    return generation.accepted(reply_to(one.ask, came.body, None), one.ask, None)
