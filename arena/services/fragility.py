"""How few of a study's votes, or a file's, the order of its board rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from arena.ratings import BothBad, Progress
from arena.ratings.fragility.analysis import fragility
from arena.ratings.fragility.result import Fragility
from arena.services.counted import Counted


def of_counted(
    votes: Counted, *, pair: tuple[str, str] | None, both_bad: BothBad, progress: Progress | None = None
) -> Fragility:
    """The analysis of the counted votes, with what a reader must know of those that are not, or are simulated."""
    found = fragility(votes.columns(), pair=pair, both_bad=both_bad, progress=progress)
    simulated = int(sum(votes.simulated))
    note = (f"{simulated} of the {len(votes.simulated)} votes are simulated.",) if simulated else ()
    return replace(found, warnings=(*votes.notes, *note, *found.warnings))


def origin(votes: Counted) -> Mapping[str, object]:
    """Where the votes come from: study, source and the ledger's head, null where there is none."""
    head = None if votes.head is None else {"position": votes.head.position, "head": votes.head.hash}
    return {"study": votes.study, "source": votes.source, "ledger": head}
