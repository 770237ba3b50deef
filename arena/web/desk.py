"""The landing page of reviewers, analysts and admins."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from arena.domain.study import BOARD_ROLES
from arena.domain.views import Overview
from arena.services import studies
from arena.web.context import Here
from arena.web.pages import source_words
from arena.web.sessions import DeskSeat

FORMATS = (("JSON lines", "jsonl"), ("CSV", "csv"), ("Parquet", "parquet"))

router = APIRouter(include_in_schema=False)


@router.get("/desk")
def desk_page(here: Here, seat: DeskSeat) -> HTMLResponse:
    """The study's state; for analysts and admins its counts, board and exports as well."""
    study = studies.by_id(here.db, seat.study_id)
    if seat.role not in BOARD_ROLES:
        return here.pages("desk.html", seat=seat, study=study, sees_board=False)
    overview = studies.overview(here.db, study)
    return here.pages(
        "desk.html",
        seat=seat,
        study=study,
        sees_board=True,
        counts=counts(overview),
        coverage={"done": overview.filled, "needed": overview.places},
        exports=[
            (what, [(label, f"/api/v1/studies/{study.name}/export/{what}?format={form}") for label, form in formats])
            for what, formats in (
                ("votes", FORMATS),
                ("answers", FORMATS),
                ("questions", FORMATS),
                ("ledger", FORMATS[:1]),
            )
        ],
    )


def counts(overview: Overview) -> list[tuple[str, int]]:
    """What the desk counts, with its names."""
    votes = []
    for count in overview.sources:
        who = source_words(count.source)
        votes.append((f"votes by {who}", count.votes))
        votes += [(f"of these, {who} could not judge", count.cannot_judge)] if count.cannot_judge else []
        votes += [(f"of these, simulated ({who})", count.simulated)] if count.simulated else []
        votes += [(f"of these, excluded or withdrawn ({who})", count.set_aside)] if count.set_aside else []
    return [
        ("questions", overview.questions),
        ("contenders", overview.contenders),
        ("answers", overview.answers),
        ("pairings", overview.pairings),
        ("raters who voted", overview.raters),
        *(votes or [("votes", 0)]),
    ]
