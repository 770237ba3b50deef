"""From raw records to questions, answers and votes; every record is checked before any is given."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from arena.domain.records import AnswerRecord, Located, QuestionRecord, VoteRecord
from arena.domain.vocabulary import CannotJudgeReason, Choice, Winner
from arena.errors import BadRecords, Problem
from arena.services.files.fields import Fields
from arena.services.files.raw import BadField, Entry, RawRecord, shown

T = TypeVar("T")

_ALIASES = {"tie (bothbad)": Winner.BOTH_BAD}  # LMArena's word for it
_SOURCE_CHARS = 2000  # a citation or an address

Identity = tuple[str, Hashable, str]
"""What two records of a file must not share: the field to name, the value, and the value in words."""


def parse_questions(records: Iterable[Entry], *, name: str, limit: int = 10) -> list[Located[QuestionRecord]]:
    """All questions of the file `name`, or BadRecords with its first `limit` problems."""
    return collect(records, name, limit, _question, lambda question: ("id", question.id, shown(question.id)))


def parse_answers(records: Iterable[Entry], *, name: str, limit: int = 10) -> list[Located[AnswerRecord]]:
    """All answers of the file `name`, or BadRecords with its first `limit` problems."""
    return collect(records, name, limit, _answer, _answer_identity)


def parse_votes(records: Iterable[Entry], *, name: str, digest: str, limit: int = 10) -> list[Located[VoteRecord]]:
    """All votes of the file `name`, or BadRecords with its first `limit` problems, as `each_vote` gives them."""
    return list(each_vote(records, name=name, digest=digest, limit=limit))


def each_vote(records: Iterable[Entry], *, name: str, digest: str, limit: int = 10) -> Iterator[Located[VoteRecord]]:
    """The votes of the file `name` as they are read; at the end, BadRecords with its first `limit` problems.

    So nothing may be made of them before the end. A vote without an `id` is known by `digest` (of the file) and its
    number among the file's records, from 1: equal rows are distinct votes, and the same file gives the same keys again.
    """

    def vote(fields: Fields, number: int) -> VoteRecord:
        return _vote(fields, f"file:{digest}:{number}")

    return _each(records, name, limit, vote, _vote_identity)


def collect(
    records: Iterable[Entry],
    name: str,
    limit: int,
    build: Callable[[Fields, int], T],
    identity: Callable[[T], Identity | None] | None = None,
) -> list[Located[T]]:
    """What `build` makes of each record and its number, from 1, or BadRecords with the first `limit` problems.

    Without an `identity`, two records may be alike.
    """
    return list(_each(records, name, limit, build, identity))


def _each(
    records: Iterable[Entry],
    name: str,
    limit: int,
    build: Callable[[Fields, int], T],
    identity: Callable[[T], Identity | None] | None,
) -> Iterator[Located[T]]:
    """The same, as they are read. BadRecords comes at the end."""
    problems: list[Problem] = []
    seen: dict[Hashable, str] = {}
    try:
        for number, entry in enumerate(records, 1):
            found = entry if isinstance(entry, Problem) else _located(entry, number, build)
            if identity and not isinstance(found, Problem) and (known_by := identity(found.record)):
                found = _unless_seen(found, known_by, seen)
            if isinstance(found, Problem):
                problems.append(found)
            elif not problems:
                yield found
            if len(problems) >= limit:
                break
    except BadRecords as error:
        problems.extend(error.problems)
    if problems:
        raise BadRecords(name, problems[:limit])


def _located(raw: RawRecord, number: int, build: Callable[[Fields, int], T]) -> Located[T] | Problem:
    try:
        return Located(raw.where, build(Fields(raw.fields), number))
    except BadField as problem:
        return problem.at(raw.where)


def _unless_seen(found: Located[T], identity: Identity, seen: dict[Hashable, str]) -> Located[T] | Problem:
    field, value, words = identity
    first = seen.setdefault(value, found.where)
    return found if first == found.where else Problem(found.where, field, f"{words} stands in {first} already")


def _vote_identity(vote: VoteRecord) -> Identity | None:
    """What a vote's place in the file tells apart needs no memory."""
    return ("id", vote.key, shown(vote.key.removeprefix("id:"))) if vote.key.startswith("id:") else None


def _question(fields: Fields, _: int) -> QuestionRecord:
    return QuestionRecord(
        id=fields.name("id"),
        text=fields.text("text"),
        context=fields.optional_text("context"),
        task=fields.label("task"),
        category=fields.label("category"),
        language=fields.label("language"),
        source=fields.label("source", _SOURCE_CHARS),
        reference=fields.optional_text("reference"),
        must_have=fields.texts("must_have"),
        extra=fields.rest(),
    )


def _answer(fields: Fields, _: int) -> AnswerRecord:
    return AnswerRecord(
        question_id=fields.name("question_id"),
        contender=fields.name("contender"),
        text=fields.text("text"),
        provenance=fields.rest(),
    )


def _answer_identity(answer: AnswerRecord) -> Identity:
    words = f"an answer of {shown(answer.contender)} to the question {shown(answer.question_id)}"
    return "contender", (answer.question_id, answer.contender), words


def _vote(fields: Fields, key: str) -> VoteRecord:
    own_id = fields.optional_name("id")
    model_a, model_b = contenders_of(fields)
    choice = _choice(fields)
    reason = fields.word("reason", CannotJudgeReason)
    if reason and choice is not Choice.CANNOT_JUDGE:
        raise BadField("reason", f"is given with the choice {choice}; only cannot_judge has a reason")
    return VoteRecord(
        key=key if own_id is None else f"id:{own_id}",
        model_a=model_a,
        model_b=model_b,
        choice=choice,
        question_id=fields.optional_name("question_id"),
        rater=rater_of(fields),
        voted_at=fields.moment("tstamp"),
        reason=reason,
        comment=fields.optional_text("comment"),
        simulated=fields.flag("simulated"),
        extra=fields.rest(),
    )


def _choice(fields: Fields) -> Choice:
    """The choice, from `winner` and, in our own exports, the finer `choice`. Whatever is not known is no tie."""
    winner = fields.optional_text("winner")
    choice = fields.word("choice", Choice)
    outcome = None if winner is None else _ALIASES.get(winner) or _winner(winner)
    if choice is None:
        if outcome is None:
            raise BadField("winner", f"is missing or empty; it must be one of {', '.join(Winner)}")
        return outcome.choice
    if outcome is not choice.winner:
        wanted = choice.winner or "empty"
        raise BadField("winner", f"is {winner or 'empty'}, but the choice {choice} means that it is {wanted}")
    return choice


def _winner(text: str) -> Winner:
    try:
        return Winner(text)
    except ValueError:
        raise BadField("winner", f"is {shown(text)}; it must be one of {', '.join(Winner)}") from None


def contenders_of(fields: Fields) -> tuple[str, str]:
    """The two that are compared."""
    model_a, model_b = fields.name("model_a"), fields.name("model_b")
    if model_a == model_b:
        raise BadField("model_b", f"is {shown(model_b)}, as model_a is; a vote compares two contenders")
    return model_a, model_b


def rater_of(fields: Fields) -> str | None:
    """Who voted, by any of the three names that data sets use."""
    given = {field: value for field in ("rater", "judge", "worker") if (value := fields.optional_name(field))}
    if len(set(given.values())) > 1:
        raise BadField(next(iter(given)), f"differs from {' and '.join(list(given)[1:])}; they all say who voted")
    return next(iter(given.values()), None)
