"""The application, put together by one call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from arena import __version__, assets
from arena.services.limits import Rate, Rates
from arena.settings import Settings
from arena.store.engine import Database
from arena.web import analysis, api, desk, guards, own, public, rater, sessions
from arena.web.addresses import Forwarded
from arena.web.boards import Boards
from arena.web.context import Context, utc_now
from arena.web.limits import RateLimit
from arena.web.pages import load_pages
from arena.web.problems import Problems
from arena.web.requestlog import RequestLog

API = "/api/v1"


def create_app(settings: Settings, db: Database, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The web application on `db`. The caller opens and closes the database."""
    pages = load_pages(assets.path("templates"), session_hours=settings.session_hours)
    problems = Problems(pages)
    rates = Rates(session=Rate(settings.rate_session), address=Rate(settings.rate_address))
    # On a person's own machine localhost, 127.0.0.1 and [::1] are one place.
    local = settings.environment == "development" or settings.is_loopback
    app = FastAPI(
        title="Clinical Arena",
        version=__version__,
        description=(
            "Leaderboards and exports of blinded comparisons of clinical answers. Not for clinical use.\n\n"
            "Authorise with `Authorization: Bearer TOKEN`; published studies need no token. "
            'Every error has the shape `{"error": {"status", "message"}}`.'
        ),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(guards.SecurityHeaders, https=settings.public_url.startswith("https:")),
            Middleware(Forwarded, trusted=settings.trusted_proxies),
            Middleware(RequestLog, refuse=problems),
            Middleware(guards.KnownHost, public_url=settings.public_url, local=local, refuse=problems),
            Middleware(guards.CrossSite, public_url=settings.public_url, local=local, refuse=problems),
            Middleware(RateLimit, db=db, rates=rates, clock=clock, refuse=problems),
            Middleware(guards.BodyCap, largest=settings.request_bytes, refuse=problems),
            Middleware(guards.Head),
        ],
    )
    app.state.context = Context(settings, db, pages, Boards(), clock)
    problems.install(app)
    for module in (public, analysis, sessions, rater, own, desk, api):
        app.include_router(module.router)
    return app


def server_config(app: FastAPI, *, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves the app: it logs no paths (they may hold secrets) and believes no forwarded header itself."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
