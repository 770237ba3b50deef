"""Answers for a study: every question that a contender has not answered yet is asked, and what comes is kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from arena.backends.base import Ask, Failed, Reply, Sampling
from arena.backends.server import Server
from arena.contenders import recipe
from arena.contenders.catalogue import Entry
from arena.contenders.recipe import Recipe
from arena.domain import payloads
from arena.domain.canonical import Json, canonical, sha256
from arena.domain.leaks import leaks
from arena.domain.ledger import Draft, Kind
from arena.domain.plan import Plan, SamplingRule
from arena.domain.records import GENERATED, AnswerRecord, ContenderRecord
from arena.domain.study import Act, Study
from arena.domain.text import without_refused
from arena.errors import BadInput, Conflict, Incomplete, NotFound
from arena.services.studies import held
from arena.services.work import Done, Lane, Pace, Work
from arena.store import content, ledger
from arena.store.engine import Database, Transaction

MAX_ANSWER_CHARS = 200_000
SERVER_CHARS = 200
COMPARED_BY_NAME = 1000


@dataclass(frozen=True)
class Job:
    """One question for one contender: its id, and the prompt or the turns."""

    question: str
    prompt: str | None
    turns: tuple[tuple[str, str], ...]
    sampling: Sampling


@dataclass(frozen=True)
class Given:
    """A reply, and which server gave it."""

    reply: Reply
    ask: Ask
    version: str | None


@dataclass(frozen=True)
class Missing:
    """What a contender has not answered yet: ids of questions, with the text that is asked."""

    contender: str
    recipe: Recipe
    questions: Mapping[str, str]


@dataclass
class Generated:
    """How a run ended. `given_up` names contender, question and reason; `naming` counts answers that name their system;
    `unserved` are contenders that no server has."""

    stored: int = 0
    failures: int = 0
    given_up: list[tuple[str, str, str]] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    naming: Counter[str] = field(default_factory=Counter)
    unserved: list[str] = field(default_factory=list)
    stopped: bool = False


def add_contenders(db: Database, study_name: str, entries: Sequence[Entry], *, now: datetime) -> list[str]:
    """Add systems of the catalogue to a draft; those it has already are passed over. Returns the names of the new ones.

    Raises BadInput for a system that can no longer be asked, Conflict where the study has another of that name.
    """
    records = [ContenderRecord(entry.name, GENERATED, recipe.of(entry).to_json()) for entry in entries]
    with db.write() as tx:
        study = held(tx, study_name)
        study.allow(Act.IMPORT_CONTENT)
        there = {record.name: record for _, record in content.contenders(tx, study.id)}
        for record in records:
            if record.name in there and there[record.name] != record:
                raise Conflict(
                    f"the study '{study_name}' has a contender '{record.name}' with other settings or with imported"
                    " answers; a contender's settings do not change"
                )
        new = [record for record in records if record.name not in there]
        if new:
            linked = ledger.append(tx, study.id, [Draft(Kind.CONTENDER, payloads.contender(r)) for r in new], now=now)
            content.add_contenders(tx, study.id, zip((entry.seq for entry in linked), new, strict=True))
        return [record.name for record in new]


def names(db: Database, study: Study) -> set[str]:
    """The names of a study's contenders."""
    with db.read() as tx:
        return set(content.contender_ids(tx, study.id))


def missing(db: Database, study: Study, names: Sequence[str] = (), *, with_answered: bool = False) -> list[Missing]:
    """What the contenders whose answers are made here (or those named) have not answered; or all that they are asked.

    Raises NotFound, BadInput.
    """
    with db.read() as tx:
        records = {record.name: record for _, record in content.contenders(tx, study.id)}
        for name in names:
            if name not in records:
                raise NotFound(
                    f"the study '{study.name}' has no contender '{name}'; add it first:"
                    f" arena study contenders add {study.name} '{name}'"
                )
            if records[name].origin != GENERATED:
                raise BadInput(f"the answers of '{name}' were imported; they are not made here")
        chosen = names or [name for name, record in records.items() if record.origin == GENERATED]
        answered = content.answered(tx, study.id)
        texts = {record.id: asked(record.text, record.context) for _, record in content.questions(tx, study.id)}
    return [
        Missing(
            name,
            recipe.read(name, records[name].settings),
            {question: text for question, text in texts.items() if with_answered or (question, name) not in answered},
        )
        for name in chosen
    ]


def generate(
    db: Database,
    study: Study,
    wanted: Sequence[Missing],
    servers: Sequence[Server],
    *,
    pace: Pace,
    clock: Callable[[], datetime],
    report: Callable[[int, int], None],
) -> Generated:
    """Ask for all that is missing and keep it. Ctrl-C lets what is in flight come in; a second one breaks off.

    `report(done, total)` is called as answers are kept or given up. Raises Conflict where the study is no draft,
    Incomplete where no server can be reached.
    """
    study.allow(Act.IMPORT_CONTENT)
    return asyncio.run(_generate(db, study, wanted, servers, pace, clock, report))


async def _generate(
    db: Database,
    study: Study,
    wanted: Sequence[Missing],
    servers: Sequence[Server],
    pace: Pace,
    clock: Callable[[], datetime],
    report: Callable[[int, int], None],
) -> Generated:
    found, total = Generated(), sum(len(one.questions) for one in wanted)
    progress: dict[str, int] = {}

    def told(contender: str, done: Done[Job]) -> None:
        progress[contender] = done.kept + len(done.given_up)
        report(sum(progress.values()), total)

    async with AsyncExitStack() as stack:
        serving = await _serving([await stack.enter_async_context(server) for server in servers])
        works: dict[str, Work[Job, Given]] = {}
        for one in wanted:
            lanes = [
                Lane(server.origin, _asking(server, model, one.recipe.context, limit, version))
                for server, models, version in serving
                for model, limit in models.items()
                if model in (one.contender, one.recipe.id)
            ]
            if one.questions and not lanes:
                found.unserved.append(one.contender)
            elif one.questions:
                keep, tell = _keeping(db, study, one, found, clock), partial(told, one.contender)
                works[one.contender] = Work(jobs(one, study.plan), lanes, keep, pace=pace, report=tell)
        with _stoppable(list(works.values())):
            ends = await asyncio.gather(*(work.run() for work in works.values()), return_exceptions=True)
    for error in ends:
        if isinstance(error, BaseException):
            raise error
    for contender, done in ((name, work.done) for name, work in works.items()):
        found.stored += done.kept
        found.failures += done.failures
        found.stopped |= done.stopped
        found.given_up += [(contender, job.question, reason) for job, reason in done.given_up]
    return found


async def _serving(servers: Sequence[Server]) -> list[tuple[Server, dict[str, int | None], str | None]]:
    """The servers that answer, each with its models and version. Raises Incomplete where one does not."""
    found = []
    for server in servers:
        try:
            found.append((server, await server.models(), await server.version()))
        except Failed as error:
            raise Incomplete(f"{server.origin} cannot be used: {error}") from error
    return found


def _asking(
    server: Server, model: str, context: int, limit: int | None, version: str | None
) -> Callable[[Job], Awaitable[Given]]:
    """How a lane asks: what will not fit is refused before it is sent."""
    context = min(context, limit or context)

    async def ask(job: Job) -> Given:
        made = Ask(model, job.sampling, job.prompt, job.turns)
        if made.size + job.sampling.max_tokens > context:
            tokens = await server.count(made)
            if tokens is not None and tokens + job.sampling.max_tokens > context:
                raise Failed(
                    f"the prompt takes {tokens:,} tokens, and with {job.sampling.max_tokens:,} for the answer it does"
                    f" not fit into {context:,}",
                    is_final=True,
                )
        return accepted(await server.ask(made), made, version)

    return ask


def accepted(reply: Reply, ask: Ask, version: str | None) -> Given:
    """The reply, where it is one that can be kept. Raises Failed for one that is too long."""
    if len(reply.text) > MAX_ANSWER_CHARS:
        raise Failed(f"the answer has more than {MAX_ANSWER_CHARS:,} characters", is_final=True)
    return Given(reply, ask, version)


def jobs(wanted: Missing, plan: Plan) -> Iterator[Job]:
    """The requests, made as they are needed: by the study's neutral system prompt, and its sampling or the card's."""
    card = wanted.recipe.card if plan.sampling is SamplingRule.CARD else {}
    sampling = Sampling(
        max_tokens=min(int(card.get("max_tokens", plan.answer_tokens)), plan.answer_tokens),
        temperature=float(card.get("temperature", plan.temperature)),
        top_p=float(card["top_p"]) if "top_p" in card else None,
        top_k=int(card["top_k"]) if "top_k" in card else None,
        seed=plan.seed,
        stop=wanted.recipe.stop,
    )
    for question, text in wanted.questions.items():
        recipe_of = wanted.recipe
        yield Job(
            question, recipe_of.prompt(plan.system_prompt, text), recipe_of.turns(plan.system_prompt, text), sampling
        )


def _keeping(
    db: Database, study: Study, wanted: Missing, found: Generated, clock: Callable[[], datetime]
) -> Callable[[list[tuple[Job, Given]]], int]:
    """How a batch is stored: in one transaction, and nothing that somebody else has stored meanwhile."""

    def keep(batch: list[tuple[Job, Given]]) -> int:
        records = [record_of(wanted, study.plan, job, given) for job, given in batch]
        with db.write() as tx:
            current = held(tx, study.name)
            current.allow(Act.IMPORT_CONTENT)
            if current.plan.answering != study.plan.answering:
                raise Conflict(f"the plan of '{study.name}' was changed meanwhile; run the command again")
            new = keep_new(tx, study, records, now=clock())
        found.cut[wanted.contender] += sum(given.reply.finish == "length" for _, given in batch)
        found.naming[wanted.contender] += sum(bool(leaks(r.text, wanted.recipe.gives_away)) for r in new)
        return len(new)

    return keep


def keep_new(tx: Transaction, study: Study, records: Sequence[AnswerRecord], *, now: datetime) -> list[AnswerRecord]:
    """Store the answers that the study has not yet, whoever stored the others. Returns those that were new."""
    # A database takes so many names in one query and no more; a long file is compared with all that is there.
    only = {record.question_id for record in records} if len(records) <= COMPARED_BY_NAME else None
    there = content.answered(tx, study.id, only=only)
    new = [record for record in records if (record.question_id, record.contender) not in there]
    if new:
        drafts = [Draft(Kind.ANSWER, payloads.answer(record)) for record in new]
        linked = ledger.append(tx, study.id, drafts, now=now)
        content.add_answers(tx, study.id, zip((entry.seq for entry in linked), new, strict=True))
    return new


def record_of(wanted: Missing, plan: Plan, job: Job, given: Given) -> AnswerRecord:
    """The answer as it is stored: without the characters that no text may hold; the raw text is kept where they differ.

    A cut answer says so. Numbers with a fraction are written as text.
    """
    reply = given.reply
    text = without_refused(reply.text).strip()
    sampling = {name: repr(v) if isinstance(v, float) else v for name, v in job.sampling.body().items()}
    provenance: dict[str, Json] = {
        "origin": GENERATED,
        "model": _kept(reply.model),
        "version": _kept(given.version),
        "fingerprint": _kept(reply.fingerprint),
        "request_id": _kept(reply.request_id),
        "system_prompt": sha256(plan.system_prompt),
        "prompt": sha256(given.ask.prompt if given.ask.prompt is not None else canonical(job.turns)),
        "sampling": cast("Json", sampling),
        "finish": _kept(reply.finish),
        "stop_reason": reply.stop_reason if isinstance(reply.stop_reason, int) else _kept(reply.stop_reason),
        "is_cut": reply.finish == "length",
        "prompt_tokens": reply.prompt_tokens,
        "tokens": reply.tokens,
        "cached_tokens": reply.cached_tokens,
        "seconds": None if reply.seconds is None else repr(reply.seconds),
    }
    if text != reply.text.strip():
        provenance["raw"] = json.dumps(reply.text)  # in ASCII, where every character can be kept
    return AnswerRecord(job.question, wanted.contender, text, canonical(provenance))


def _kept(text: str | None) -> str | None:
    """What a server says of itself, as it can be stored."""
    return None if text is None else without_refused(text)[:SERVER_CHARS]


def asked(text: str, context: str | None) -> str:
    """What is put to a model: the question, after the record that it is about."""
    return text if context is None else f"{context}\n\n{text}"


@contextlib.contextmanager
def _stoppable(works: Sequence[Work[Job, Given]]) -> Iterator[None]:
    """While this holds, the first Ctrl-C stops the works in good order; the next one interrupts."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        for work in works:
            work.stop()

    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # not in the main thread, or not on this system
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
