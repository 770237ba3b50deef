"""Every template with invented data, to be looked at: `python -m tests.browser.gallery FOLDER` takes the pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, ViewportSize
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arena import assets
from arena.web.guards import SecurityHeaders
from arena.web.pages import load_pages
from tests.browser.chromium import DESK, PHONE, Watch, launched, serving
from tests.web.views import VIEWS

MODES: dict[str, ViewportSize] = {"light": DESK, "dark": DESK, "phone": PHONE, "narrow": {"width": 320, "height": 640}}


def gallery() -> Starlette:
    """An app that shows every view at /NAME, under the real headers."""
    pages = load_pages(assets.path("templates"), session_hours=14 * 24)

    def static(request: Request) -> Response:
        file = pages.static[request.path_params["name"]]
        return Response(file.body, media_type=file.media_type)

    def show(request: Request) -> Response:
        template, view = VIEWS[request.path_params["name"]]
        return pages(template, **view)

    routes = [Route("/static/{name}", static), Route("/{name}", show)]
    return Starlette(routes=routes, middleware=[Middleware(SecurityHeaders, https=False)])


def take_pictures(browser: Browser, url: str, folder: Path) -> list[str]:
    """A picture of every view in every mode; returns what went wrong in any."""
    wrong: list[str] = []
    for mode, size in MODES.items():
        context = browser.new_context(viewport=size, color_scheme="dark" if mode == "dark" else "light")
        page = context.new_page()
        watch = Watch(page, url)
        for name in VIEWS:
            page.goto(f"{url}/{name}")
            page.screenshot(path=folder / f"{name}-{mode}.png", full_page=mode == "phone")
            width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wrong += [f"{name}, {mode}: {width} pixels too wide"] if width > 0 else []
        wrong += [f"{mode}: {seen}" for seen in watch.seen]
        context.close()
    return wrong


def config(_url: str) -> uvicorn.Config:
    """How the gallery is served."""
    return uvicorn.Config(gallery(), log_level="warning")


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(config) as url, launched() as browser:
        print("\n".join(take_pictures(browser, url, folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
