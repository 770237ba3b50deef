"""Every hostile text in a page that a real browser lays out: read, voted on, and never more than text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from arena.domain.plan import Plan
from arena.domain.text import refused_character
from arena.domain.vocabulary import Role
from arena.services import access, studies
from arena.services.files.raw import MAX_NAME_CHARS
from arena.store.engine import Database
from tests.browser.chromium import DESK, Watch
from tests.browser.conftest import Serve
from tests.conftest import MakeDatabase
from tests.studies import cast_elsewhere
from tests.web.conftest import load
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.browser

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXTS = [text for text in HOSTILE if text.strip() and not refused_character(text)]
NAMES = [text for text in TEXTS if len(text) <= MAX_NAME_CHARS and text.splitlines() == [text] and text == text.strip()]
SLOTS = 4
TAGS = "p|br|strong|em|ul|ol|li|blockquote|pre|code|hr|span|h[3-6]|table|thead|tbody|tr|t[hd]"
PLAIN = re.compile(f"({TAGS})( class| start)?")

# What lies in the texts' boxes: its elements, and how far any of it reaches out of the box that holds it.
INSIDE = """() => [...document.querySelectorAll('.reading *')].map(
  e => [e.localName, ...[...e.attributes].map(a => a.name)].join(' '))"""
OUTSIDE = """() => [...document.querySelectorAll('.answer, .question')].flatMap(box => {
  const edge = box.getBoundingClientRect()
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT)
  const out = []
  while (walker.nextNode()) {
    const style = getComputedStyle(walker.currentNode.parentElement)
    if (style.position === 'fixed' || style.position === 'absolute') out.push('positioned')
    if (walker.currentNode.parentElement.closest('table, pre')) continue
    const range = document.createRange()
    range.selectNodeContents(walker.currentNode)
    for (const piece of range.getClientRects())
      if (piece.left < edge.left - 1 || piece.right > edge.right + 1)
        out.push(walker.currentNode.data.slice(0, 60))
  }
  return out
})"""
COLUMNS = """() => {
  const [a, b] = [...document.querySelectorAll('.answer')].map(box => box.getBoundingClientRect())
  return [a.right <= b.left, Math.abs(a.width - b.width) < 1,
          document.documentElement.scrollWidth <= document.documentElement.clientWidth]
}"""


def hostile_study(db: Database) -> int:
    """A study in which every text stands once in a page, four in each; returns the number of pages."""
    padded = TEXTS + TEXTS[: -len(TEXTS) % SLOTS]
    pages = [padded[i : i + SLOTS] for i in range(0, len(padded), SLOTS)]
    questions = [
        {"id": f"q{i}", "text": question, "context": context, "category": NAMES[i % len(NAMES)]}
        for i, (question, context, _, _) in enumerate(pages)
    ]
    answers = [
        {"question_id": f"q{i}", "contender": NAMES[2 * (i % 8) + side], "text": text}
        for i, (_, _, *both) in enumerate(pages)
        for side, text in enumerate(both)
    ]
    studies.create(db, name="hostile", title="</title><script>alert(1)</script> \"'>", plan=Plan(), now=NOW)
    load(db, "hostile", questions, answers, NOW)
    studies.open_(db, "hostile", now=NOW)
    return len(pages)


def names_study(db: Database) -> None:
    """A study whose contenders have every text for a name that can be one, with votes cast elsewhere."""
    studies.create(db, name="names", title=NAMES[0], plan=Plan(), now=NOW)
    questions = [{"id": f"q{i}", "text": "Q?", "category": category} for i, category in enumerate(NAMES[::5])]
    pairs = list(zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True))
    answered = sorted({(f"q{i // 5}", name) for i, pair in enumerate(pairs) for name in pair})
    answers = [{"question_id": question, "contender": name, "text": "A."} for question, name in answered]
    load(db, "names", questions, answers, NOW)
    votes = [
        {"question_id": f"q{i // 5}", "model_a": a, "model_b": b, "winner": "tie"} for i, (a, b) in enumerate(pairs)
    ]
    cast_elsewhere(db, "names", votes)


def enter(page: Page, url: str, db: Database, role: Role, study: str = "hostile") -> None:
    secret = access.invite(db, study, role=role, name="<b>A</b>", days=1, now=datetime.now(UTC)).secret
    page.goto(f"{url}/join/{secret}")
    page.get_by_role("button", name="Accept and sign in").click()
    if role is Role.RATER:
        page.get_by_role("button", name="I agree").click()


def test_no_text_is_more_than_text_in_a_browser(make_db: MakeDatabase, serve: Serve, chromium: Browser) -> None:
    """No dialog, no request to elsewhere, no word in the console; in its column; and the ballot works as ever."""
    db = make_db("sqlite")
    names_study(db)
    pages, url = hostile_study(db), serve(db)
    with chromium.new_context(viewport=DESK) as context:
        page = context.new_page()
        watch = Watch(page, url)
        enter(page, url, db, Role.RATER)
        for number in range(pages):
            page.wait_for_function("n => document.querySelector('.count b')?.textContent == n", arg=str(number))
            check_page(page)
            vote(page, "<script>alert(1)</script>" if number % 2 else "=1+1\u202e")
        page.wait_for_function("() => document.body.innerText.includes('Thank you')")
        assert watch.seen == []
    assert studies.overview(db, studies.get(db, "hostile")).votes == pages
    assert pages > 70
    with chromium.new_context(viewport=DESK) as context:
        check_desk(context.new_page(), url, db)


def vote(page: Page, comment: str) -> None:
    """By the form's own fields."""
    page.locator("#comment").fill(comment)
    page.locator('input[value="a_better"]').check()
    page.get_by_role("button", name="Save and continue").click()


def check_page(page: Page) -> None:
    """The ballot is ours alone, and the texts are in their places."""
    assert page.locator('input[name="choice"]').count() == 7
    assert page.locator("form").count() == 3
    assert page.locator("input:checked").count() == 0
    assert page.locator(".answer > h2").all_inner_texts() == ["Answer A", "Answer B"]
    assert {found for found in page.evaluate(INSIDE) if not PLAIN.fullmatch(found)} == set()
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(COLUMNS) == [True, True, True]


def check_desk(page: Page, url: str, db: Database) -> None:
    """Names and categories on an analyst's pages, and the study's title on all."""
    watch = Watch(page, url)
    enter(page, url, db, Role.ANALYST, "names")
    page.goto(f"{url}/leaderboard?study=names&method=elo&by=category&bootstrap=10")
    assert page.locator("main script, main img, main iframe, main input[name=token]").count() == 0
    shown = page.locator("table.ratings").first.inner_text()
    assert "<script>alert(document.cookie)</script>" in shown
    assert page.locator("table.ratings").first.locator("tbody tr").count() == len(NAMES)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff]", page.inner_text("body"))
    assert watch.seen == []
