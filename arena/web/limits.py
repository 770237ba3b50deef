"""The guard that counts requests and refuses those too many: 429 with Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from arena.services import limits
from arena.services.limits import Asker, Rates, Refusal
from arena.store.engine import Database
from arena.web.addresses import counted_as
from arena.web.guards import SAFE_METHODS, Refuse
from arena.web.sessions import DESK_COOKIE, RATER_COOKIE

FREE = frozenset({"/", "/signed-out", "/consent", "/vote", "/desk"})
"""Pages that may be loaded as often as one likes. Every other path is counted, a new one too."""
STATIC = "/static/"
PLACES = 8
"""Requests that wait for their turn to write at the same time."""


class RateLimit:
    """Counts every unsafe request, and every safe one but for the pages in FREE and static files.

    A page in FREE is counted as well where the request carries secrets and none is valid: guessing is never free.

    The guard stands behind the refusals of a foreign host or site: they look at headers only, and counting them would
    cost more than they do. It stands before the body is read, so that large, malformed and unknown requests are counted
    all the same, and no route can be without it.

    Writing the count has threads of its own: while an import holds the database, pages that are not counted still find
    one. An error of the database is an error of the request: nothing passes uncounted.
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
        if scope["type"] == "http" and (refusal := await self._refusal(scope)):
            response = self.refuse(scope, 429, _message(refusal, scope))
            response.headers["Retry-After"] = str(refusal.seconds)
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Refusal | None:
        is_safe, path = scope["method"] in SAFE_METHODS, scope["path"]
        is_free = is_safe and (path in FREE or path.startswith(STATIC))
        who = asker(scope)
        if is_free and (path.startswith(STATIC) or not who.has_secret):
            return None
        to = await run_in_threadpool(limits.account, self.db, who, self.rates, now=self.clock())
        if is_free and to.is_session:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, lambda: limits.charge(self.db, to, clock=self.clock))


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


def _message(refusal: Refusal, scope: Scope) -> str:
    whose = "from this sign-in" if refusal.is_session else "from your network's address, which others may share"
    seconds = "1 second" if refusal.seconds == 1 else f"{refusal.seconds} seconds"
    told = f"There were too many requests at once {whose}. "
    if scope["path"].startswith("/api/"):
        return f"{told}Ask again in {seconds}."
    if scope["method"] in SAFE_METHODS:
        return f"{told}Wait {seconds}, then load this page again."
    # Loading it again is what keeps the form: where a page is not stored, not every browser keeps it for the way back.
    return (
        f"{told}Nothing was saved yet. Wait {seconds}, then load this page again and confirm that the form is to be "
        "sent once more: your browser still has what you entered."
    )
