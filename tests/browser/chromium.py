"""Starting Chromium and servers for it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import uvicorn
from playwright.sync_api import Browser, Dialog, Page, Request, ViewportSize, sync_playwright

T = TypeVar("T")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "there is no Chromium on this machine, so the browser tests were passed over; "
    "to include them: apt-get install chromium"
)
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1360, "height": 860}


def executable() -> str | None:
    """Where Chromium is, if anywhere."""
    return shutil.which("chromium")


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(make_config: Callable[[str], uvicorn.Config]) -> Iterator[str]:
    """Serve on a free loopback port; `make_config` is given the address, which is also yielded."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(make_config(url))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


class Watch:
    """What a page did that nobody should notice: errors, dialogs, requests to elsewhere."""

    def __init__(self, page: Page, home: str) -> None:
        self.seen: list[str] = []
        self.home = home
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("console", lambda message: self.seen.append(f"console: {message.text}"))
        page.on("dialog", self._dismiss)
        page.on("request", self._check)
        page.on("download", lambda download: self.seen.append(f"download: {download.url}"))
        page.on("popup", lambda popup: self.seen.append(f"popup: {popup.url}"))

    def _dismiss(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _check(self, request: Request) -> None:
        if not request.url.startswith(self.home):
            self.seen.append(f"to: {request.url}")
