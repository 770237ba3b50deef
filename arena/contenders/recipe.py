"""A contender as a study holds it: all that shapes its text but the plan, as settings whose digest is in the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from arena.contenders.catalogue import Entry
from arena.contenders.formats import FORMATS, PromptFormat, messages
from arena.errors import BadInput


@dataclass(frozen=True)
class Recipe:
    """How a contender's answers are made. `card` are its card's sampling settings, numbers as text."""

    id: str
    revision: str | None
    context: int
    format: PromptFormat
    system_role: bool
    stop: tuple[str, ...]
    card: dict[str, str]
    gives_away: tuple[str, ...]

    def to_json(self) -> str:
        """The settings as text, the same for the same recipe."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def prompt(self, system: str, question: str) -> str | None:
        """The written prompt; None where the server writes it by its own template."""
        return None if self.format == "chat" else FORMATS[self.format].render(system, question)

    def turns(self, system: str, question: str) -> tuple[tuple[str, str], ...]:
        """The turns of a chat, for a server that writes the prompt."""
        if self.format != "chat":
            return ()
        return tuple(
            (turn["role"], turn["content"]) for turn in messages(system, question, system_role=self.system_role)
        )


def of(entry: Entry) -> Recipe:
    """The recipe of a system that can be asked. Raises BadInput for one of which there are only recorded answers."""
    if entry.id is None or entry.context is None or entry.format is None or entry.reached == "recorded":
        raise BadInput(f"'{entry.name}' can no longer be asked: import recorded answers (arena import answers)")
    stated = entry.card_sampling.model_dump(exclude_none=True) if entry.card_sampling else {}
    return Recipe(
        id=entry.id,
        revision=entry.revision,
        context=entry.context,
        format=entry.format,
        system_role=entry.system_role,
        stop=entry.stop,
        card={name: repr(value) for name, value in stated.items()},
        gives_away=entry.gives_away,
    )


def read(name: str, settings: str) -> Recipe:
    """The recipe that a study holds. Raises BadInput where it holds none that we understand."""
    try:
        found = json.loads(settings)
        return Recipe(**found | {"stop": tuple(found["stop"]), "gives_away": tuple(found["gives_away"])})
    except (ValueError, TypeError, KeyError):
        raise BadInput(f"the settings of the contender '{name}' say not how it is asked") from None
