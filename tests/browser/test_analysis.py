"""The page of analyses in a browser: the way to it, its tables and its drawing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from arena.cli.demo import STUDY, load
from arena.domain.vocabulary import Role
from arena.services import access
from tests.browser.chromium import DESK, PHONE, Watch
from tests.browser.conftest import Serve
from tests.conftest import MakeDatabase

pytestmark = pytest.mark.browser


def test_an_analyst_goes_from_the_desk_to_the_analyses_of_the_sample(
    chromium: Browser, make_db: MakeDatabase, serve: Serve
) -> None:
    db = make_db("sqlite")
    load(db)
    issued = access.invite(db, STUDY, role=Role.ANALYST, name="Example", days=1, now=datetime.now(UTC))
    url = serve(db)
    page = chromium.new_page(viewport=DESK)
    watch = Watch(page, url)
    page.goto(f"{url}/join/{issued.secret}")
    page.get_by_role("button", name="Accept and sign in").click()
    page.get_by_role("link", name="Analysis").click()
    headings = [heading.inner_text() for heading in page.get_by_role("heading", level=2).all()]
    assert headings == [
        "How fragile is first place?",
        "Do raters agree?",
        "Which pairs are settled?",
        "Raters analysts and admins only",
        "Does style sway the votes?",
    ]
    assert page.get_by_role("img", name="Ratings with one left out").is_visible()
    assert page.get_by_role("region", name="Report on raters").get_by_role("row").count() == 1 + 9
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        cells = page.locator("main td, main th")
        tallest = max(cells.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)"))
        assert tallest < 90, f"a cell is wrapped into a column of words at {size}"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("link", name="leaderboard", exact=True).click()
    page.get_by_role("link", name="What this order rests on").click()
    assert page.url == f"{url}/analysis?study={STUDY}"
    assert watch.seen == []
    page.close()
