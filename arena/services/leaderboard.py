"""Boards: of a study in the database, of a ledger file, or of a file of votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from arena.domain.study import Study
from arena.domain.vocabulary import HUMAN
from arena.errors import BadInput
from arena.ratings import Board, BothBad, Cluster, Estimand, IntervalMethod, Method, Progress, Votes, rate
from arena.reports.tables import Groups
from arena.services import counted
from arena.services.counted import Counted
from arena.services.files import Records, parse_counts
from arena.store.engine import Database

Field = Literal["category"]
NO_VALUE = "(none)"
"""The group of the questions that have no value in the field that a board is grouped by."""


@dataclass(frozen=True)
class BoardRequest:
    """The settings of a board. `at` is the ledger position whose state is rated; None: the newest."""

    method: Method = "bradley-terry"
    rounds: int = 1000
    seed: int = 0
    level: float = 0.95
    anchor: tuple[str, float] | None = None
    source: str = HUMAN
    both_bad: BothBad = "half"
    by: Field | None = None
    at: int | None = None
    interval: IntervalMethod = "bootstrap"
    cluster: Cluster = "auto"
    estimand: Estimand = "questions-like-these"


def board(db: Database, study: Study, request: BoardRequest, *, progress: Progress | None = None) -> Board:
    """The board of a study's votes from one source. Raises Conflict where there is no vote, BadInput as `rate`."""
    return _board(counted.of_study(db, study, request.source, at=request.at), request, progress)


def grouped(
    db: Database, study: Study, request: BoardRequest, *, progress: Progress | None = None
) -> tuple[Board, Groups]:
    """The same, and one board for each value of `request.by`; in a group without ratings the reason stands instead."""
    return _grouped(counted.of_study(db, study, request.source, at=request.at), request, progress)


def of_ledger(
    source: BinaryIO, name: str, request: BoardRequest, *, progress: Progress | None = None
) -> tuple[Board, Groups]:
    """The board of an exported ledger, which is checked while it is read. Raises LedgerBroken besides."""
    return _grouped(counted.of_ledger(source, name, request.source, at=request.at), request, progress)


def of_votes(records: Records, request: BoardRequest, *, progress: Progress | None = None) -> tuple[Board, Groups]:
    """The board of a file of votes, without any study. A column `category` serves for `by`.

    Votes whose column `source` states another source than the request's are left out, as in our own exports.
    """
    if request.at is not None:
        raise BadInput("a file of votes has no ledger positions; leave out --at")
    return _grouped(counted.of_votes(records, request.source, grouped=request.by is not None), request, progress)


def of_counted(votes: Counted, request: BoardRequest, *, progress: Progress | None = None) -> tuple[Board, Groups]:
    """The board of votes that were read already."""
    return _grouped(votes, request, progress)


def of_counts(records: Records, request: BoardRequest, *, progress: Progress | None = None) -> Board:
    """The board of a file of counts, which have no order and belong to no study."""
    if request.at is not None:
        raise BadInput("a file of counts has no ledger positions; leave out --at")
    if request.by is not None:
        raise BadInput("a file of counts has no categories; leave out --by")
    with records:
        columns = parse_counts(records, name=records.name)
    return _settled(columns, request, progress=progress)


def _board(votes: Counted, request: BoardRequest, progress: Progress | None) -> Board:
    votes.require_votes()
    rated = _rate(votes, request, None, votes.contenders, progress)
    return replace(rated, warnings=(*votes.notes, *rated.warnings))


def _grouped(votes: Counted, request: BoardRequest, progress: Progress | None) -> tuple[Board, Groups]:
    overall = _board(votes, request, progress)
    if request.by is None:
        return overall, {}
    groups: dict[str, Board | str] = {}
    for value, rows in votes.by_category(NO_VALUE).items():
        try:
            groups[value] = _rate(votes, request, rows, [], None)
        except BadInput as error:
            groups[value] = str(error)
    return overall, groups


def _rate(
    votes: Counted,
    request: BoardRequest,
    rows: npt.NDArray[np.intp] | None,
    contenders: Sequence[str],
    progress: Progress | None,
) -> Board:
    simulated = votes.simulated if rows is None else votes.simulated[rows]
    rated = _settled(
        votes.votes if rows is None else votes.votes.chosen(rows),
        request,
        study=votes.study,
        ledger={"position": votes.head.position, "head": votes.head.hash} if votes.head else None,
        contenders=contenders,
        progress=progress,
    )
    number = int(simulated.sum())
    note = (f"{number} of the {len(simulated)} votes are simulated.",) if number else ()
    return replace(rated, warnings=(*note, *rated.warnings), settings={**rated.settings, "source": request.source})


def _settled(
    votes: Mapping[str, Sequence[object]] | Votes,
    request: BoardRequest,
    *,
    study: str | None = None,
    ledger: Mapping[str, object] | None = None,
    contenders: Sequence[str] = (),
    progress: Progress | None,
) -> Board:
    """The board of these votes with the settings of a request."""
    return rate(
        votes,
        method=request.method,
        interval=request.interval,
        cluster=request.cluster,
        estimand=request.estimand,
        rounds=request.rounds,
        seed=request.seed,
        level=request.level,
        anchor=request.anchor,
        both_bad=request.both_bad,
        study=study,
        ledger=ledger,
        contenders=contenders,
        progress=progress,
    )
