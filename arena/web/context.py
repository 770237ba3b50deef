"""What the routes share: one value, made by `create_app` and handed to each route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse

from arena.settings import Settings
from arena.store.engine import Database
from arena.web.boards import Boards
from arena.web.pages import Pages


@dataclass(frozen=True)
class Context:
    """The parts that an app is put together from."""

    settings: Settings
    db: Database
    pages: Pages
    boards: Boards[Any]
    clock: Callable[[], datetime]

    @property
    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.clock()


def utc_now() -> datetime:
    """The clock of a running server."""
    return datetime.now(UTC)


async def context(request: Request) -> Context:
    """The app's context."""
    found = request.app.state.context
    assert isinstance(found, Context)
    return found


Here = Annotated[Context, Depends(context)]
"""A route's parameter for the context."""


def see_other(path: str) -> RedirectResponse:
    """What a post answers, so that loading the page again posts nothing."""
    return RedirectResponse(path, status_code=303)
