"""`arena contenders`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from arena.cli.common import say, write
from arena.contenders import catalogue, serving
from arena.contenders.catalogue import Entry
from arena.contenders.serving import Machine, Storage
from arena.domain.text import printable

Name = Annotated[str, typer.Argument(metavar="NAME", help="The contender's name; case is all one.", show_default=False)]
Own = Annotated[
    list[Path] | None,
    typer.Option("--file", help="A file of one's own in the catalogue's form; may be repeated.", show_default=False),
]


def list_() -> None:
    """List the systems that can be compared: name, how each is reached, its id, and its maker, separated by tabs.

    Example: arena contenders list
    """
    for entry in catalogue.catalogue().values():
        write(f"{entry.name}\t{entry.reached}\t{entry.id or '-'}\t{entry.maker}\n")


def show(name: Name, file: Own = None) -> None:
    """Show what is known of a system: how it is reached, how its prompts are written, its licence and its needs.

    Example: arena contenders show Med42-v2-8B
    """
    write("".join(f"{label:<13} {printable(value)}\n" for label, value in _described(catalogue.find(name, file or ()))))


def serve(
    name: Name,
    gpus: Annotated[int, typer.Option(min=1, max=64, help="GPUs that share the weights.")] = 1,
    gpu_memory: Annotated[float, typer.Option(min=1, max=10_000, help="Memory of each, in GB.")] = 80,
    storage: Annotated[
        Storage | None,
        typer.Option(help="How weights are stored; by default the first of these that fits.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 8000,
    file: Own = None,
) -> None:
    """Print the command with which vLLM serves a system on the GPUs at hand, or say why it does not fit.

    Example: arena contenders serve Med42-v2-70B --gpus 2 --gpu-memory 80
    """
    entry = catalogue.find(name, file or ())
    command = serving.command(entry, Machine(gpus, gpu_memory), port=port, storage=storage)
    write(shlex.join(command) + "\n")
    for note in serving.notes(entry, command):
        say(f"note: {printable(note)}")


def _described(entry: Entry) -> list[tuple[str, str]]:
    lines = [
        ("name", entry.name),
        ("maker", entry.maker),
        ("reached by", entry.reached + (f", retired on {entry.retired}" if entry.retired else "")),
        ("id", entry.id or "-"),
        ("revision", entry.revision or "not pinned"),
        ("context", f"{entry.context:,} tokens" if entry.context else "-"),
        ("format", (entry.format or "-") + ("" if entry.system_role else ", without a system role")),
        ("stops", " ".join(entry.stop) or "-"),
        ("licence", entry.licence + (", gated" if entry.gated else "")),
        ("gives away", ", ".join(entry.gives_away)),
    ]
    if entry.card_sampling:
        stated = entry.card_sampling.model_dump(exclude_none=True)
        lines.append(("card samples", ", ".join(f"{key} {value:g}" for key, value in stated.items())))
    if entry.memory:
        sizes = f"{entry.memory.bf16:g} GB bf16, {entry.memory.fp8:g} GB fp8, {entry.memory.int4:g} GB 4-bit"
        lines.append(("weights", f"{sizes}; cache {entry.memory.kv_mib_per_token:g} MiB a token"))
    return [*lines, ("notes", entry.notes or "-")]
