"""A Chromium for the tests that need one. Where there is none they are passed over; under CI they fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from arena.settings import Settings
from arena.store.engine import Database
from arena.web.app import create_app, server_config
from tests.browser.chromium import MISSING, executable, launched, serving

Serve = Callable[[Database], str]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; each opens its own context."""
    if executable() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with launched() as browser:
        yield browser


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the app on a database, on a free loopback port, as a person would run it."""
    with ExitStack() as running:

        def start(db: Database) -> str:
            return running.enter_context(
                serving(lambda url: server_config(create_app(Settings(public_url=url), db), host="127.0.0.1", port=0))
            )

        yield start
