"""Takes the README's pictures of the sample study: `python -m docs.screenshots` from the top of the checkout."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, ViewportSize

from arena import assets
from arena.cli.demo import STUDY, load
from arena.domain.vocabulary import Role
from arena.services import access, voting
from arena.settings import Settings
from arena.store import schema
from arena.store.engine import Database, open_database
from arena.web.app import create_app, server_config
from tests.browser.chromium import launched, serving

IMAGES = Path(__file__).parent / "images"
SIZE: ViewportSize = {"width": 1280, "height": 860}
LARGEST = 200_000
SEED = 4
"""Which pair the voting page shows."""


def take(browser: Browser, url: str, db: Database, now: datetime) -> None:
    """Sign in as a rater and as an analyst; one picture each."""
    for role, path, name in ((Role.RATER, "/vote", "voting.png"), (Role.ANALYST, "/leaderboard", "leaderboard.png")):
        # One browser for each: whoever rates a study is not shown its board before it is published.
        page = browser.new_page(viewport=SIZE)
        issued = access.invite(db, STUDY, role=role, name=f"Example {role}", days=1, now=now)
        page.goto(f"{url}/join/{issued.secret}")
        page.get_by_role("button", name="Accept and sign in").click()
        if role is Role.RATER:
            page.wait_for_url("**/consent")
            [cookie] = [c for c in page.context.cookies() if c.get("name") == "__Host-arena-rater"]
            seat = access.seat_of(db, cookie["value"], now=now)
            assert seat
            voting.next_matchup(db, access.consent(db, seat, now=now), now=now, rng=Random(SEED))  # noqa: S311
        page.goto(f"{url}{path}?study={STUDY}" if role is Role.ANALYST else f"{url}{path}")
        page.screenshot(path=IMAGES / name)
        if (IMAGES / name).stat().st_size > LARGEST:
            raise SystemExit(f"{name} is larger than {LARGEST:,} bytes")


def main() -> None:
    """Serve the sample from a database of its own and take the pictures."""
    now = datetime.now(UTC)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(f"sqlite:///{folder}/arena.db")
        schema.upgrade(db, assets.path("migrations"))
        load(db)
        with (
            serving(
                lambda url: server_config(create_app(Settings(public_url=url), db), host="127.0.0.1", port=0)
            ) as url,
            launched() as browser,
        ):
            take(browser, url, db, now)
        db.close()


if __name__ == "__main__":
    main()
