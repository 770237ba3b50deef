"""Files of recorded answers read as records of our own: question, contender, text, and all else as provenance."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Literal

from arena.errors import BadInput
from arena.services.files import Entry, Limits, RawRecord, Records, read_records
from arena.services.files.foreign import read_array
from arena.services.files.raw import BadField, shown
from arena.services.recorded.formats import READERS, Origin
from arena.services.recorded.shapes import Recorded

Match = Literal["id", "text"]
MATCHES: dict[Origin, tuple[Match, ...]] = {
    "lm-eval": ("id", "text"),
    "alpaca-eval": ("text",),
    "mt-bench": ("id",),
    "openai-batch": ("id",),
}
"""By what a format's records can be matched with questions; the first is what is done where nothing is said."""
_OURS = ("question_id", "contender", "text", "recorded_as")


def matched_by(origin: Origin, match: Match | None) -> Match:
    """By what the questions are found. Raises BadInput for what the format has not."""
    if match not in (None, *MATCHES[origin]):
        raise BadInput(f"--match {match}: answers of {origin} are matched by {' or '.join(MATCHES[origin])} only")
    return match or MATCHES[origin][0]


def read_recorded(
    source: Path | BinaryIO,
    *,
    name: str,
    origin: Origin,
    texts: Mapping[str, set[str]] | None,
    contender: str | None = None,
    limits: Limits | None = None,
) -> Records:
    """The answers in a file of the format `origin`, as records that `parse_answers` takes.

    `texts` are the ids of the questions that have a text: each record's question is the one of exactly its text. With
    None it is the one of its id, and the import says which ids are unknown. `contender` is whose answers they are;
    without it the file has to say so. What is neither question, contender nor answer is provenance, with the format's
    name as `recorded_as`. Raises BadInput for a contender that nobody names, and as `read_records`.
    """
    if origin == "lm-eval" and contender is None:
        raise BadInput("a file of lm-eval does not say whose answers it holds: give --contender NAME")
    limits = limits or Limits()
    if origin == "alpaca-eval":
        given = read_array(source, name=name, limits=limits)
    else:
        given = read_records(source, name=name, file_format="jsonl", limits=limits)
    resources = ExitStack()
    resources.enter_context(given)
    return Records(name, given.digest, _converted(given, origin, contender, texts), resources)


def _converted(
    given: Records, origin: Origin, contender: str | None, texts: Mapping[str, set[str]] | None
) -> Generator[Entry]:
    seen: dict[object, tuple[object, str]] = {}
    for entry in given:
        if not isinstance(entry, RawRecord):
            yield entry
            continue
        try:
            found = READERS[origin](entry.fields)
            if origin == "lm-eval" and _by_another_filter(entry.fields.get("filter"), found, seen):
                continue
            yield RawRecord(entry.where, _fields(found, origin, contender, texts))
        except BadField as problem:
            yield problem.at(entry.where)


def _by_another_filter(name: object, found: Recorded, seen: dict[object, tuple[object, str]]) -> bool:
    """Whether a response was read already: the harness writes a document once for each of its filters."""
    first, text = seen.setdefault(found.question, (name, found.text))
    return first != name and text == found.text


def _fields(
    found: Recorded, origin: Origin, contender: str | None, texts: Mapping[str, set[str]] | None
) -> dict[str, object]:
    rest = {f"recorded_{name}" if name in _OURS else name: _flat(value) for name, value in found.rest.items()}
    return {
        **rest,
        "question_id": found.question if texts is None else _matched(found.texts, texts),
        "contender": contender or found.contender,
        "text": found.text,
        "recorded_as": origin,
    }


def _flat(value: object) -> object:
    """What has parts as JSON text, which comes back the same from every format that we export."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _matched(found: tuple[str, ...], texts: Mapping[str, set[str]]) -> str:
    ids = {id_ for text in found for id_ in texts.get(text, ())}
    if len(ids) == 1:
        return ids.pop()
    asked = shown(found[0]) if found else "none"
    if not ids:
        raise BadField(None, f"the study has no question of exactly this text: {asked}")
    raise BadField(None, f"the study has {len(ids)} questions that this text may be: {asked}")
