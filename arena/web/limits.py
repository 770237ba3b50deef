"""The guard that counts requests and refuses those too many: 429 with Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from arena.services import limits
from arena.services.limits import Asker, Rates, Refusal
from arena.store.engine import Database
from arena.web.addresses import counted_as
from arena.web.guards import SAFE_METHODS, Refuse
from arena.web.sessions import DESK_COOKIE, RATER_COOKIE

FREE = frozenset({"/", "/signed-out", "/consent", "/vote", "/desk"})
"""Pages that anyone may load as often as they like. Every other path is counted, a new one too."""
FREE_FOLDER = "/static/"
PLACES = 8
"""Requests that are counted at the same time."""


class RateLimit:
    """Counts every unsafe request, and every safe one but for the pages in FREE and static files.

    It stands behind the refusals of a foreign host or site, which are judged by headers alone: counting them would cost
    more than they do, and a hostile page could spend its visitor's allowance. It stands before the body is read, so
    that large, malformed and unknown requests are counted all the same, and no route can be without it.

    Counting waits for the database on threads of its own: while an import holds it, pages that are not counted still
    find a thread. An error of the database is an error of the request: nothing passes uncounted.
    """

    def __init__(
        self, app: ASGIApp, *, db: Database, rates: Rates, clock: Callable[[], datetime], refuse: Refuse
    ) -> None:
        self.app = app
        self.db = db
        self.rates = rates
        self.clock = clock
        self.refuse = refuse
        self.threads = ThreadPoolExecutor(PLACES, thread_name_prefix="limits")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request first, then let it through."""
        if scope["type"] == "http" and is_counted(scope["method"], scope["path"]):
            loop = asyncio.get_running_loop()
            refusal = await loop.run_in_executor(self.threads, self._charge, asker(scope))
            if refusal:
                response = self.refuse(scope, 429, _message(refusal, is_safe=scope["method"] in SAFE_METHODS))
                response.headers["Retry-After"] = str(refusal.seconds)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _charge(self, who: Asker) -> Refusal | None:
        return limits.charge(self.db, who, self.rates, now=self.clock())


def is_counted(method: str, path: str) -> bool:
    """Whether a request costs something of an allowance."""
    return method not in SAFE_METHODS or not (path in FREE or path.startswith(FREE_FOLDER))


def asker(scope: Scope) -> Asker:
    """Who asks, by the request's headers and by the address that `Forwarded` has left in the scope."""
    request = Request(scope)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    cookies = (request.cookies.get(name) for name in (RATER_COOKIE, DESK_COOKIE))
    return Asker(
        sessions=[value for value in cookies if value],
        token=token.strip() if scheme.lower() == "bearer" else None,
        address=counted_as(request.client.host if request.client else ""),
    )


def _message(refusal: Refusal, *, is_safe: bool) -> str:
    whose = "from this sign-in" if refusal.is_session else "from your network's address, which others may share"
    seconds = "1 second" if refusal.seconds == 1 else f"{refusal.seconds} seconds"
    if is_safe:
        return f"There were too many requests at once {whose}. Wait {seconds}, then load this page again."
    return (
        f"There were too many requests at once {whose}. Nothing was saved yet. Wait {seconds}, then load this page "
        "again and confirm that the form is to be sent once more: your browser still has what you entered."
    )
