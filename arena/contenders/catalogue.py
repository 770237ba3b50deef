"""The catalogue: one TOML file a system in `catalogue/`, and files of one's own in the same form."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from arena.contenders.formats import FORMATS, PromptFormat
from arena.errors import BadInput, NotFound

Reached = Literal["vllm", "api", "recorded"]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Argument = Annotated[str, Field(pattern=r"^[A-Za-z0-9][^\s]*$", max_length=300)]
"""What stands in a command: nothing that could be taken for an option."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sampling(_Strict):
    """How a model card samples. A study uses it only where its plan says so."""

    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)


class Memory(_Strict):
    """What the weights take, in GB, by how they are stored; the cache of one token, in MiB; and the attention heads,
    which a tensor-parallel size has to divide."""

    bf16: float = Field(gt=0)
    fp8: float = Field(gt=0)
    int4: float = Field(gt=0)
    kv_mib_per_token: float = Field(gt=0)
    attention_heads: int = Field(ge=1)


class Entry(_Strict):
    """One system. `reached`: by `vllm`, by an `api`, or only as `recorded` answers.

    `id` is what a server calls it, `revision` the commit of its weights (none: whatever the server has), `format` how
    its prompts are written, `gives_away` the words by which an answer would name it.
    """

    name: Text
    maker: Text
    reached: Reached
    id: Argument | None = None
    revision: Argument | None = None
    context: int | None = Field(default=None, ge=1)
    format: PromptFormat | None = None
    stop: tuple[Text, ...] = ()
    system_role: bool = True
    licence: Text
    gated: bool = False
    retired: date | None = None
    gives_away: tuple[Text, ...] = Field(min_length=1)
    notes: str = ""
    card_sampling: Sampling | None = None
    memory: Memory | None = None

    @model_validator(mode="after")
    def _whole(self) -> Entry:
        if self.reached != "recorded" and None in (self.id, self.context, self.format):
            raise ValueError("a system that can be asked needs id, context and format")
        if self.format is not None and self.system_role and not FORMATS[self.format].system_role:
            raise ValueError(f"the format {self.format} has no system role; set system_role = false")
        return self


def catalogue() -> dict[str, Entry]:
    """The systems that come with the package, by name, in the order of the alphabet."""
    folder = Path(str(files("arena.contenders").joinpath("catalogue")))
    entries = (read(path) for path in sorted(folder.glob("*.toml")))
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name.casefold())}


def find(name: str, own: Iterable[Path] = ()) -> Entry:
    """The system called `name`, in files of one's `own` or in the catalogue; case does not matter. Raises NotFound."""
    known = catalogue() | {entry.name: entry for entry in map(read, own)}
    wanted = {known_name.casefold(): entry for known_name, entry in known.items()}
    if name.casefold() not in wanted:
        raise NotFound(f"there is no contender '{name}'; `arena contenders list` shows those there are")
    return wanted[name.casefold()]


def read(path: Path) -> Entry:
    """A system's file. Raises BadInput, naming the file and what is wrong in it."""
    try:
        return Entry.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: is not TOML: {error}") from error
    except RecursionError:
        raise BadInput(f"{path}: is nested too deeply") from None
    except ValidationError as error:
        lines = [f"{path}: {_where(problem['loc'])}{problem['msg']}" for problem in error.errors()]
        raise BadInput("\n".join(lines)) from error


def _where(place: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, place))}: " if place else ""
