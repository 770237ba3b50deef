"""What a study needs, what to show next, and what is settled: from counted votes or from assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from arena.errors import BadInput
from arena.ratings import Progress
from arena.ratings.needed import Needed, Work, needed_for_width, needed_to_separate
from arena.ratings.pilot import from_pilot
from arena.ratings.planning import Field, assumed, stated
from arena.ratings.selection import Selection, Target, select
from arena.ratings.settled import Settled, settle
from arena.services.counted import Counted


@dataclass(frozen=True)
class Assumptions:
    """What is said of the field; None is not said. In Elo points, `ties` as a share."""

    contenders: int | None = None
    gap: float | None = None
    ties: float | None = None
    question_sd: float | None = None
    rater_sd: float | None = None


def work(raters: Sequence[int], votes_per_pairing: Sequence[int], pairs: int | None, minutes: float | None) -> Work:
    """Each number of raters with each number of votes per pairing that they can give. Raises BadInput for none."""
    designs = [(number, votes) for number in raters for votes in votes_per_pairing if votes <= number]
    if not designs:
        raise BadInput("there are fewer raters than votes per pairing, and a rater votes once on a pairing")
    return Work(designs, pairs, minutes)


def width(pilot: Counted | None, said: Assumptions, done: Work, within: float, level: float) -> Needed:
    """What every interval within so many Elo points needs. Raises BadInput."""
    if pilot is not None and said.gap is not None:
        raise BadInput("the pilot says how far contenders are apart: leave --gap out")
    return _noted(needed_for_width(_field(pilot, said), within, done, level=level), pilot)


def separate(
    pilot: Counted | None, said: Assumptions, done: Work, between: Sequence[str], power: float, level: float
) -> Needed:
    """What telling two contenders apart needs: those named, of a pilot, or two neighbours. Raises BadInput."""
    if pilot is None:
        if between:
            raise BadInput("--between names contenders of a pilot: give --study, --votes or --ledger with it")
        if not said.gap:
            raise BadInput("say how far the two are apart: --gap POINTS, or a pilot and --between twice")
    elif len(between) != 2 or between[0] == between[1]:
        raise BadInput("say which two contenders of the pilot: --between NAME --between NAME")
    field = _field(pilot, said if pilot is None else replace(said, gap=None))
    unknown = [name for name in between if name not in field.contenders]
    if unknown:
        raise BadInput(f"the pilot has no counted vote on {unknown[0]!r}")
    middle = (len(field.contenders) - 1) // 2
    pair = (field.contenders.index(between[0]), field.contenders.index(between[1])) if between else (middle, middle + 1)
    return _noted(needed_to_separate(field, pair, done, gap=said.gap, power=power, level=level), pilot)


def following(votes: Counted, target: Target, floor: float, ahead: int) -> Selection:
    """With which probability to show which pair next, a study's contenders without a vote among them."""
    found = select(votes.columns(), target=target, floor=floor, ahead=ahead, contenders=votes.contenders)
    return replace(found, warnings=(*_notes(votes), *found.warnings))


def settled(votes: Counted, level: float, contenders: Sequence[str], progress: Progress | None = None) -> Settled:
    """Which pairs are settled."""
    found = settle(votes.columns(), level=level, contenders=contenders, field=votes.contenders, progress=progress)
    return replace(found, warnings=(*_notes(votes), *found.warnings))


def _field(pilot: Counted | None, said: Assumptions) -> Field:
    if pilot is None:
        return assumed(
            contenders=8 if said.contenders is None else said.contenders,
            gap=said.gap or 0.0,
            ties=said.ties or 0.0,
            question_sd=said.question_sd or 0.0,
            rater_sd=said.rater_sd or 0.0,
        )
    for name, value in (("contenders", said.contenders), ("ties", said.ties)):
        if value is not None:
            raise BadInput(f"the pilot says it: leave --{name} out")
    return stated(from_pilot(pilot.columns()), said.question_sd, said.rater_sd)


def _noted(found: Needed, pilot: Counted | None) -> Needed:
    return found if pilot is None else replace(found, warnings=(*_notes(pilot), *found.warnings))


def _notes(votes: Counted) -> tuple[str, ...]:
    """What a reader must know of the votes: those that do not count, and those that nobody cast."""
    simulated = int(votes.simulated.sum())
    said = (f"{simulated:,} of the {len(votes.simulated):,} votes are simulated.",) if simulated else ()
    return (*said, *votes.notes)
