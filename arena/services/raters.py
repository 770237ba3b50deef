"""The report on the raters of a study, or of a file of votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from arena.ratings import Progress
from arena.ratings.raters import Raters, raters
from arena.services.counted import Counted


def of_counted(
    votes: Counted, *, rounds: int, seed: int, level: float, progress: Progress | None = None
) -> tuple[Raters, Mapping[str, object]]:
    """The report with what a reader must know of votes not counted or simulated, and where the votes come from."""
    found = raters(votes.columns(), rounds=rounds, seed=seed, level=level, progress=progress)
    simulated = int(sum(votes.simulated))
    note = (f"{simulated} of the {len(votes.simulated)} votes are simulated.",) if simulated else ()
    head = None if votes.head is None else {"position": votes.head.position, "head": votes.head.hash}
    origin = {"study": votes.study, "source": votes.source, "ledger": head}
    return replace(found, warnings=(*votes.notes, *note, *found.warnings)), origin
