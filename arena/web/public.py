"""What anyone may see: the start page, published boards, static files."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from arena.domain.study import Study
from arena.domain.vocabulary import HUMAN, StudyState
from arena.errors import BadInput, Conflict, NotFound
from arena.ratings import Board
from arena.reports.plots import interval_plot
from arena.reports.published import published_table
from arena.services import studies
from arena.web.asked import (
    LEVELS,
    BoardQuery,
    DeskCaller,
    Groups,
    board_request,
    computed,
    readable_study,
    visible_studies,
)
from arena.web.context import Here
from arena.web.pages import sentence
from arena.web.sessions import MaybeDesk, MaybeRater

FOR_EVER = "public, max-age=31536000, immutable"
FEW_VOTES = 10
"""Votes below which a group's board is a table only: a chart would show its lines and not how little they rest on."""
_NUMBER = re.compile(r"(?<=^Only )\d+(?= )|(?<=^In )\d+(?= )")
_ALL_SIMULATED = re.compile(r"^(\d+) of the \1 votes are simulated\.$")

router = APIRouter(include_in_schema=False)


class PageQuery(BoardQuery):
    """A board's settings in the address of its page."""

    study: str = ""


@router.get("/")
def home(here: Here, rater: MaybeRater, desk: MaybeDesk) -> HTMLResponse:
    """Say what this is and where to go."""
    published = [study for study in studies.listed(here.db) if study.state is StudyState.PUBLISHED]
    rated = studies.by_id(here.db, rater.study_id) if rater else None
    return here.pages("home.html", studies=published, rater=rater, rater_study=rated, desk=desk)


@router.get("/static/{name}")
def static(here: Here, name: str) -> Response:
    """A static file under the name that holds its digest: it never changes."""
    file = here.pages.static.get(name)
    if file is None:
        raise NotFound("There is no such file.")
    return Response(file.body, media_type=file.media_type, headers={"Cache-Control": FOR_EVER})


@router.get("/leaderboard", response_model=None)
def leaderboard_page(
    here: Here, who: DeskCaller, query: Annotated[PageQuery, Query()]
) -> HTMLResponse | RedirectResponse:
    """The board of a study that is published, or that the desk seat belongs to."""
    if not query.study:
        seen = visible_studies(here, who)
        if len(seen) == 1:
            return RedirectResponse(f"/leaderboard?{urlencode({'study': seen[0].name})}", status_code=303)
        return here.pages("boards.html", studies=seen)
    study = readable_study(here, who, query.study)
    request = board_request(here, who, study, query)
    overview = studies.overview(here.db, study)
    common: dict[str, Any] = {
        "study": study,
        "settings": query,
        "desk": who.role is not None,
        "methods": ("bradley-terry", "elo"),
        "sources": tuple(dict.fromkeys((HUMAN, *(count.source for count in overview.sources), query.source))),
        "simulated": sum(count.simulated for count in overview.sources if count.source == query.source),
        "levels": LEVELS if query.level in LEVELS else (*LEVELS, query.level),
        "published": published_table(),
    }
    try:
        board, groups = computed(here, study, request)
    except (BadInput, Conflict) as reason:
        return here.pages("leaderboard.html", board=None, empty=sentence(str(reason)), **common)
    return here.pages("leaderboard.html", **common, **board_view(study, query, board, groups))


def board_view(study: Study, query: BoardQuery, board: Board, groups: Groups) -> dict[str, Any]:
    """What the leaderboard template shows of computed boards."""
    left = {value: _left(board, of_group) for value, of_group in groups.items()}
    repeated = {kind: told for kind, told in _kinds(left).items() if len(told) > 1}
    address = f"/api/v1/studies/{study.name}/leaderboard"
    settings = query.model_dump(exclude_defaults=True, exclude={"study"})
    return {
        "board": board,
        "plot": Markup(interval_plot(board)),  # noqa: S704 - drawn and escaped by reports.plots
        "groups": [
            _group(value, of_group, [warning for warning in left[value] if _kind(warning) not in repeated])
            for value, of_group in groups.items()
        ],
        "repeated": [(_spanned(list(told.values())), list(told)) for told in repeated.values()],
        "downloads": [
            (name, f"{address}?{urlencode({'format': file_format, **settings})}")
            for name, file_format in (("JSON", "json"), ("CSV", "csv"), ("Markdown", "md"))
        ],
    }


def _left(board: Board, of_group: Board | str) -> list[str]:
    """A group's warnings that the board of all votes does not have."""
    if isinstance(of_group, str):
        return []
    is_simulated = any(map(_ALL_SIMULATED.match, board.warnings))
    own = [warning for warning in of_group.warnings if warning not in board.warnings]
    return [warning for warning in own if not (is_simulated and _ALL_SIMULATED.match(warning))]


def _kinds(left: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """For each kind of warning, the groups where it stands, each with its words."""
    found: dict[str, dict[str, str]] = {}
    for value, warnings in left.items():
        for warning in warnings:
            found.setdefault(_kind(warning), {})[value] = warning
    return found


def _kind(warning: str) -> str:
    """A warning but for the number that it begins with: two of a kind differ in nothing else."""
    return _NUMBER.sub("#", warning, count=1)


def _spanned(warnings: list[str]) -> str:
    """Warnings of one kind as one sentence, with the span of their numbers."""
    numbers = sorted({int(found[0]) for warning in warnings if (found := _NUMBER.search(warning))})
    span = " to ".join(str(number) for number in dict.fromkeys(numbers[:1] + numbers[-1:]))
    return _NUMBER.sub(span, warnings[0], count=1)


def _group(value: str, of_group: Board | str, warnings: list[str]) -> dict[str, Any]:
    """One group's view, with those of its warnings that are not said above the groups."""
    if isinstance(of_group, str):
        return {"value": value, "board": None, "error": sentence(of_group)}
    plot = ""
    if of_group.votes >= FEW_VOTES:
        plot = Markup(interval_plot(of_group, title=value))  # noqa: S704 - drawn and escaped by reports.plots
    return {"value": value, "board": of_group, "plot": plot, "warnings": warnings}
