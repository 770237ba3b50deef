"""What anyone may see: the start page, published boards, static files."""

from __future__ import annotations

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
    address = f"/api/v1/studies/{study.name}/leaderboard"
    settings = query.model_dump(exclude_defaults=True, exclude={"study"})
    return {
        "board": board,
        "plot": Markup(interval_plot(board)),  # noqa: S704 - drawn and escaped by reports.plots
        "groups": [_group(value, of_group) for value, of_group in groups.items()],
        "downloads": [
            (name, f"{address}?{urlencode({'format': file_format, **settings})}")
            for name, file_format in (("JSON", "json"), ("CSV", "csv"), ("Markdown", "md"))
        ],
    }


def _group(value: str, of_group: Board | str) -> dict[str, Any]:
    if isinstance(of_group, str):
        return {"value": value, "board": None, "error": sentence(of_group)}
    plot = Markup(interval_plot(of_group, title=value))  # noqa: S704 - drawn and escaped by reports.plots
    return {"value": value, "board": of_group, "plot": plot}
