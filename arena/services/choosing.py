"""Which two contenders a rater is given next, by the plan's pair policy.

`balanced`: those that have met least. `active`: drawn, with the probabilities of `ratings.selection` by the human votes
so far, among those that have a place left for this rater; until every two contenders with a pairing hold a place, as
`balanced`. Each pair keeps a share of `FLOOR` spread over all alike. The probability is recorded with what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from weakref import WeakKeyDictionary

import numpy as np

from arena.domain import pairing
from arena.domain.pairing import Candidate, ContenderPair
from arena.domain.plan import PairPolicy
from arena.domain.study import Study
from arena.domain.vocabulary import HUMAN, Choice, Winner
from arena.ratings.selection import current, pair_chances
from arena.store import changes, ledger, pairings, votes
from arena.store.engine import Transaction

FLOOR = 0.2
SOONEST, GROWTH = 20, 0.02
"""The probabilities are computed anew after so many more votes, or this share more, whichever is later."""

_POINTS = {Winner.MODEL_A: (1.0, 0.0), Winner.MODEL_B: (0.0, 1.0), Winner.TIE: (0.5, 0.5), Winner.BOTH_BAD: (0.5, 0.5)}


@dataclass(frozen=True)
class _Known:
    """What was computed at one position of a study's ledger, from so many votes.

    `sizes` are the numbers of pairings of two contenders, `chances` the probabilities of these.
    """

    position: int
    votes: int
    sizes: Mapping[ContenderPair, int]
    chances: Mapping[ContenderPair, float]


_KNOWN: WeakKeyDictionary[object, dict[int, _Known]] = WeakKeyDictionary()
"""By the database's engine and the study, so that not every pair counts all votes. The ledger has what was drawn by."""


def candidates(tx: Transaction, study: Study, rater_id: int, rng: Random) -> tuple[list[Candidate], float | None]:
    """The pairings of two contenders from which the next is to be taken; none where nothing is left for this rater.

    With them comes the probability with which the contenders were drawn; None where they were not drawn.
    """
    known = _known(tx, study.id) if study.plan.pair_policy is PairPolicy.ACTIVE else None
    places = study.plan.raters_per_pairing
    if known is None:
        return _balanced(tx, study.id, rater_id, places, rng), None
    left = _left(tx, study.id, rater_id, places, known.sizes)
    if not left:
        return [], None
    pair, chance = pairing.drawn({pair: known.chances[pair] for pair in left}, rng)
    return pairings.candidates(tx, study.id, rater_id, pair, places), chance


def _left(
    tx: Transaction, study_id: int, rater_id: int, places: int, sizes: Mapping[ContenderPair, int]
) -> list[ContenderPair]:
    """The pairs of contenders with a pairing that has a free place and of which this rater holds none."""
    served, held = pairings.served(tx, study_id), pairings.held(tx, rater_id)
    is_even = not pairings.has_beyond(tx, study_id, places)

    def is_left(pair: ContenderPair) -> bool:
        mine = held.get(pair, 0)
        # A full pairing that is not the rater's takes all its places from those of others: there are no more of these.
        if sizes[pair] > mine + (served[pair] - mine) // places:
            return True
        if mine == sizes[pair] or (is_even and served[pair] == sizes[pair] * places):
            return False
        return bool(pairings.candidates(tx, study_id, rater_id, pair, places))

    return [pair for pair in sizes if is_left(pair)]


def _balanced(tx: Transaction, study_id: int, rater_id: int, places: int, rng: Random) -> list[Candidate]:
    """The pairings of those contenders that are needed most and have any left for this rater."""
    most, *others = pairing.by_need(pairings.served(tx, study_id), rng)
    if found := pairings.candidates(tx, study_id, rater_id, most, places):
        return found
    if not pairings.remaining(tx, study_id, rater_id, places):
        return []
    # Where answers are few, most pairs of contenders have no pairing at all: they are not asked for one by one.
    left = pairings.with_candidates(tx, study_id, rater_id, places)
    pair = next((pair for pair in others if pair in left), None)
    return pairings.candidates(tx, study_id, rater_id, pair, places) if pair else []


def _known(tx: Transaction, study_id: int) -> _Known | None:
    """The probabilities, not many votes old; None while two contenders with a pairing hold no place."""
    kept = _KNOWN.setdefault(tx.engine, {})
    known = kept.get(study_id)
    if known is None or votes.behind(tx, study_id, HUMAN, known.position) >= max(SOONEST, GROWTH * known.votes):
        sizes, served = pairings.sizes(tx, study_id), pairings.served(tx, study_id)
        if not sizes or not all(served[pair] for pair in sizes):
            return None
        known = kept[study_id] = _computed(tx, study_id, sizes)
    return known


def _computed(tx: Transaction, study_id: int, sizes: Mapping[ContenderPair, int]) -> _Known:
    """Of contenders that have a pairing. Votes count as on a board, each as one: likeness of votes is left out."""
    place = {contender: at for at, contender in enumerate(sorted({one for pair in sizes for one in pair}))}
    points, counted = np.zeros((len(place), len(place))), 0
    for a, b, choice, count in changes.counted(tx, study_id, HUMAN):
        counted += count
        winner = Choice(choice).winner
        if winner is not None and a in place and b in place:
            for_a, for_b = _POINTS[winner]
            points[place[a], place[b]] += for_a * count
            points[place[b], place[a]] += for_b * count
    found = pair_chances(*current(points), target="widths", floor=FLOOR)
    found += found.T
    chances = {(low, high): float(found[place[low], place[high]]) for low, high in sizes}
    return _Known(ledger.chain_of(tx, study_id).head.position, counted, sizes, chances)
