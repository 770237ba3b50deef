"""Every route of the app, and a request for each that can succeed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from arena.domain.vocabulary import Role
from tests.web.conftest import Arena, cast, token_of
from tests.web.reading import Page


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route, those of included routers too; HEAD is not told apart from GET."""
    return sorted(set(_routes(app.routes)))


def _routes(found: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner.routes)
        else:
            # Anything else that serves, such as a mounted folder, has no methods and ends the test here.
            for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
                yield method, route.path  # type: ignore[attr-defined]


@dataclass
class Visitor:
    """A browser, and what a rater's has by then: the token of a pair voted on, and that of the open one."""

    browser: TestClient
    study: str = "small"
    voted: str = "x"
    open: str = "x"


def visitor(arena: Arena, role: Role | None, study: str = "small") -> Visitor:
    """A browser with a seat in a study, or with none; a rater has consented, voted once and has a pair open."""
    if role is None:
        return Visitor(arena.browser(), study)
    if role is not Role.RATER:
        return Visitor(arena.signed_in(role, study), study)
    browser = arena.rater(study)
    return Visitor(browser, study, cast(browser), token_of(browser.get("/vote").text))


def address(arena: Arena, path: str, who: Visitor, study: str = "small") -> str:
    """A path with its places filled in so that there is something to be had, where the visitor may have it."""
    if path == "/static/{name}":
        return Page(arena.browser().get("/").text).all("script")[0]["src"]
    if path in ("/leaderboard", "/analysis"):
        path = f"{path}?study={{name}}"
    if "{secret}" in path:
        path = path.replace("{secret}", arena.link(Role.REVIEWER, study))
    return path.replace("{name}", study).replace("{what}", "votes").replace("{token}", who.voted)


def form(arena: Arena, path: str, who: Visitor) -> dict[str, str]:
    """What a person would send with a post; nothing where a route needs no field."""
    forms = {
        "/vote": {"token": who.open, "choice": "a_better"},
        "/correct": {"token": who.voted, "choice": "b_better"},
        "/withdraw": {"sure": "yes"},
    }
    return {"secret": arena.link(Role.REVIEWER)} if path == "/join" else forms.get(path, {})
