"""The same as the pages and commands give, over HTTP under /api/v1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Annotated, Any, BinaryIO, Literal, cast

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from arena.errors import NotAllowed, NotSignedIn
from arena.reports import tables
from arena.services import exports
from arena.web.asked import (
    AnyCaller,
    BoardQuery,
    board_request,
    computed,
    readable_study,
    visible_studies,
    visible_study,
)
from arena.web.context import Here

CHUNK = 64 * 1024
_MEDIA = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class ErrorBody(BaseModel):
    """What went wrong, for people."""

    status: int = Field(examples=[404])
    message: str = Field(examples=["There is no study of this name, or it is not published yet."])


class ErrorReply(BaseModel):
    """The one shape of every error."""

    error: ErrorBody


class StudyReply(BaseModel):
    """One study."""

    name: str = Field(examples=["kqa"])
    title: str = Field(examples=["K-QA"])
    state: Literal["draft", "open", "closed", "published"]


class StudiesReply(BaseModel):
    """The studies that the caller sees."""

    studies: list[StudyReply]


class RowReply(BaseModel):
    """One contender of a leaderboard. Ratings are null where there is no vote."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    model: str
    rating: float | None
    low: float | None
    high: float | None
    flag: Literal["undefeated", "winless", "unrated"] | None
    component: int | None
    votes: int
    wins: int
    losses: int
    ties: int
    both_bad: int
    win_rate: float | None
    rank_set_low: int | None
    rank_set_high: int | None
    tier: int | None
    first: float | None


class BoardReply(BaseModel):
    """A leaderboard, as `arena leaderboard --format json` writes it. Keys may be added later, never renamed."""

    model_config = ConfigDict(extra="allow")

    study: str | None = Field(examples=["kqa"])
    method: str = Field(examples=["bradley-terry"])
    scale: Any
    anchor: Any
    interval: dict[str, Any]
    votes: int
    ledger: dict[str, Any] | None
    rows: list[RowReply]
    warnings: list[str]


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply, "description": description}
    for status, description in (
        (400, "The host or the request line is not acceptable."),
        (401, "A token is needed, or the one given is not valid."),
        (404, "Unknown, or not public."),
        (409, "There is no vote to rate yet."),
        (413, "The body is too large."),
        (422, "A parameter cannot be used; also where the votes give no rating."),
        (429, "Too many requests; see Retry-After."),
        (503, "The database is busy with other work; see Retry-After."),
    )
}
_DENIED: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorReply, "description": "The role is not enough, or this browser also rates."}
}
_NO_TOKEN_NEEDED: dict[str, Any] = {"security": [{}]}  # beside the bearer token, which FastAPI declares
_TEXT = {"schema": {"type": "string"}}


def _links(name: str, *operations: str) -> dict[str, dict[str, Any]]:
    """OpenAPI links: operations that take the study that is found at `name` in this one's request or answer."""
    return {operation: {"operationId": operation, "parameters": {"name": name}} for operation in operations}


router = APIRouter(prefix="/api/v1", responses=_ERRORS)

Name = Annotated[str, Path(description="The study's name.", examples=["kqa"], max_length=200)]


@router.get(
    "/studies",
    tags=["studies"],
    operation_id="list_studies",
    openapi_extra=_NO_TOKEN_NEEDED,
    responses={200: {"links": _links("$response.body#/studies/0/name", "show_study", "show_leaderboard")}},
)
def list_studies(here: Here, who: AnyCaller) -> StudiesReply:
    """All studies that are published, and those that the token or desk seat is for."""
    return StudiesReply(studies=[_reply(study) for study in visible_studies(here, who)])


@router.get(
    "/studies/{name}",
    tags=["studies"],
    operation_id="show_study",
    openapi_extra=_NO_TOKEN_NEEDED,
    responses={200: {"links": _links("$response.body#/name", "show_leaderboard", "export_study")}},
)
def show_study(here: Here, who: AnyCaller, name: Name) -> StudyReply:
    """One study."""
    return _reply(visible_study(here, who, name))


@router.get(
    "/studies/{name}/leaderboard",
    tags=["leaderboard"],
    operation_id="show_leaderboard",
    openapi_extra=_NO_TOKEN_NEEDED,
    response_class=Response,
    responses={
        **_DENIED,
        503: {
            "model": ErrorReply,
            "description": "Other boards are computed first, or the database is busy; see Retry-After.",
        },
        200: {
            "model": BoardReply,
            "description": "The leaderboard, byte for byte as the command `arena leaderboard` writes it.",
            "content": {
                "text/csv": _TEXT,
                "text/markdown": _TEXT,
            },
            "links": _links("$request.path.name", "show_study", "export_study"),
        },
    },
)
def show_leaderboard(
    here: Here,
    who: AnyCaller,
    name: Name,
    query: Annotated[BoardQuery, Query()],
    file_format: Annotated[Literal["json", "csv", "md"], Query(alias="format")] = "json",
) -> Response:
    """Ratings with intervals. Same ledger position, settings and seed: the same bytes."""
    study = readable_study(here, who, name)
    board, groups = computed(here, study, board_request(here, who, study, query))
    text = tables.document(board, groups, by=query.by or None, file_format=file_format)
    return Response(text.encode(), media_type=_MEDIA[file_format])


@router.get(
    "/studies/{name}/export/{what}",
    tags=["exports"],
    operation_id="export_study",
    response_class=Response,
    responses={
        **_DENIED,
        200: {
            "description": "The file, as `arena export` writes it.",
            "content": {
                "application/x-ndjson": _TEXT,
                "text/csv": _TEXT,
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            },
        },
    },
)
def export(
    here: Here,
    who: AnyCaller,
    name: Name,
    what: Annotated[Literal["votes", "answers", "questions", "ledger"], Path(description="What to export.")],
    file_format: Annotated[Literal["jsonl", "csv", "parquet"], Query(alias="format")] = "jsonl",
) -> Response:
    """Everything of one kind in a study, for its analysts and admins."""
    if who.role is None:
        raise NotSignedIn("Exports need a token or a desk seat of an analyst or admin.")
    study = readable_study(here, who, name)
    if not who.analyses(study):
        raise NotAllowed("Exports are for analysts and admins of the study.")
    # Written whole before the first byte is sent, so that an error is an error and not half a file.
    file = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115 - closed by _chunks
    try:
        exports.export(here.db, study, what, cast(BinaryIO, file), file_format)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{study.name}-{what}.{file_format}"'}
    return StreamingResponse(_chunks(file), media_type=_MEDIA[file_format], headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def _reply(study: Any) -> StudyReply:
    return StudyReply(name=study.name, title=study.title, state=study.state)
