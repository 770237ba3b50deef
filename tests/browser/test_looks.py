"""What only a browser can tell of the pages: their layout, their keys, their silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.chromium import DESK, PHONE, Watch, serving
from tests.browser.gallery import MODES, config, take_pictures
from tests.web.views import VIEWS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(chromium: Browser) -> Iterator[str]:
    with serving(config) as url:
        yield url


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESK)
    yield context.new_page()
    context.close()


def test_every_page_fits_and_is_silent(chromium: Browser, url: str, tmp_path: Path) -> None:
    """No horizontal scrolling down to 320 pixels, no error, nothing that the content policy had to stop."""
    assert take_pictures(chromium, url, tmp_path) == []
    assert len(list(tmp_path.glob("*.png"))) == len(VIEWS) * len(MODES)


def test_the_watch_sees_what_an_unguarded_page_does(page: Page, url: str) -> None:
    """The control of every test that finds a page silent."""
    watch = Watch(page, url)
    page.goto("about:blank")
    page.set_content("<img src='http://127.0.0.1:9/pixel'><script>alert(1); throw new Error('x')</script>")
    page.evaluate("1")
    assert {seen.split(":")[0] for seen in watch.seen} >= {"dialog", "error", "to"}


def test_both_answers_are_alike_to_the_pixel(page: Page, url: str) -> None:
    page.goto(f"{url}/vote-twins")
    first, second = page.locator(".answer .reading").all()
    one, other = first.bounding_box(), second.bounding_box()
    assert one
    assert other
    assert (one["y"], one["width"], one["height"]) == (other["y"], other["width"], other["height"])
    assert first.screenshot() == second.screenshot()


PLACES = """wanted => {
  const walker = document.createTreeWalker(document.querySelector(".pair"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(wanted);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + wanted.length);
    const box = node.parentElement.closest("p, li").getBoundingClientRect();
    const [first] = range.getClientRects();
    return {left: first.left - box.left, right: box.right - first.right, x: first.left, y: first.top};
  }
}"""


def test_each_paragraph_runs_in_its_own_direction(page: Page, url: str) -> None:
    page.goto(f"{url}/vote-arabic")
    english, arabic = (page.evaluate(PLACES, start) for start in ("See the ESC", "يعطى"))
    assert english["left"] < 1 < english["right"]
    assert arabic["right"] < 1 < arabic["left"]
    number, unit = (page.evaluate(PLACES, part) for part in ("75", "mg"))
    assert number["x"] < unit["x"]
    assert number["y"] == unit["y"]


def test_on_a_phone_the_answers_are_stacked(page: Page, url: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{url}/vote")
    one, other = (box.bounding_box() for box in page.locator(".answer").all())
    assert one
    assert other
    assert other["y"] >= one["y"] + one["height"]
    assert (one["x"], one["width"]) == (other["x"], other["width"])


def test_lines_are_of_a_length_to_read(page: Page, url: str) -> None:
    page.goto(f"{url}/consent")
    per_line = page.evaluate(
        """() => {
          const text = document.querySelector(".reading p").firstChild;
          const range = document.createRange();
          const tops = new Map();
          for (let i = 0; i < text.length; i++) {
            range.setStart(text, i); range.setEnd(text, i + 1);
            const top = Math.round(range.getBoundingClientRect().top);
            tops.set(top, (tops.get(top) || 0) + 1);
          }
          return Math.max(...tops.values());
        }"""
    )
    assert 60 <= per_line <= 80


def test_digits_choose_and_the_question_mark_shows_the_keys(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    assert page.locator("input:checked").count() == 0
    values = []
    for digit in "1234567":
        page.keyboard.press(digit)
        values.append(page.locator('input[name="choice"]:checked').get_attribute("value"))
    assert values == [
        "a_much_better",
        "a_better",
        "tie_good",
        "tie_bad",
        "b_better",
        "b_much_better",
        "cannot_judge",
    ]
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert page.locator('input[name="choice"]:checked').get_attribute("value") == "cannot_judge"


def test_enter_on_a_choice_does_not_cast_the_vote(page: Page, url: str) -> None:
    """Neither after a click nor after a digit; the button and Ctrl+Enter do."""
    page.goto(f"{url}/vote")
    sent: list[str] = []

    def note(route: Route) -> None:
        sent.append(route.request.method)
        route.fulfill(status=204)

    page.route("**/vote", note)
    page.locator(".scale").get_by_text("A better", exact=True).click()
    page.keyboard.press("Enter")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert page.locator("input:checked").get_attribute("value") == "b_better"
    assert page.get_by_role("button", name="Save and continue").is_enabled()
    assert sent == []
    with page.expect_request("**/vote") as asked:
        page.keyboard.press("Control+Enter")
    assert asked.value.method == "POST"


def test_the_keys_say_that_enter_alone_saves_nothing(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    page.keyboard.press("?")
    assert "Enter alone does not" in page.locator("dialog").inner_text()


def test_in_the_comment_digits_are_text_and_escape_leaves(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    page.locator("#comment").click()
    page.keyboard.type("dose 12?")
    assert page.locator("#comment").input_value() == "dose 12?"
    assert page.locator("input:checked").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    assert page.locator("input:checked").get_attribute("value") == "a_better"


def test_submitting_without_a_choice_says_so_beside_the_choices(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    page.keyboard.press("Control+Enter")
    assert page.locator("#problem").inner_text() == "Choose one of the replies first."
    assert page.url == f"{url}/vote"
    page.keyboard.press("7")
    assert page.locator("#problem").inner_text() == ""
    page.get_by_role("button", name="Save and continue").click()
    assert page.locator("#problem").inner_text() == "Say why you cannot judge this pair."
    assert page.evaluate("document.activeElement.id") == "reason"


def test_the_reason_is_asked_for_only_where_one_cannot_judge(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    assert not page.locator("#reason").is_visible()
    page.keyboard.press("7")
    assert page.locator("#reason").is_visible()
    page.keyboard.press("1")
    assert not page.locator("#reason").is_visible()


def test_the_first_tab_leads_to_the_content(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_replies_are_one_named_group_to_a_screen_reader(page: Page, url: str) -> None:
    page.goto(f"{url}/vote")
    group = page.get_by_role("group", name="Which answer is better?")
    assert group.get_by_role("radio").count() == 7
    assert group.get_by_role("radio", name="A much better").count() == 1
    for name in ("Question", "Context", "Answer A", "Answer B"):
        assert page.get_by_role("heading", name=name, exact=True).count() == 1


def test_printing_leaves_the_controls_out(page: Page, url: str) -> None:
    page.goto(f"{url}/leaderboard")
    page.emulate_media(media="print")
    assert page.locator("table.ratings").is_visible()
    assert not page.locator("form.settings").is_visible()
    assert page.locator("footer").is_visible()
