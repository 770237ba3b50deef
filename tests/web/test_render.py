"""Markdown from strangers: rendered as text that can be read, and as nothing else."""

from __future__ import annotations

import re
import unicodedata

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.web import render
from arena.web.render import language_tag, markdown, visible
from tests.web.hostile import HOSTILE
from tests.web.reading import Page

HARMLESS = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "span"}
HARMLESS |= {"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
CLASSES = {"as-written", "address", "right", "centre"}


def check_harmless(body: str) -> Page:
    """Only elements of reading, only classes and list starts as attributes, properly nested, nothing invisible."""
    page = Page(body)
    assert page.tags <= HARMLESS
    for _, attributes in page.elements:
        assert set(attributes) <= {"class", "start"}
        assert attributes.get("class", "right") in CLASSES
    assert not page.misnested
    assert not page.open
    hidden = {c for c in page.text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t\u200c\u200d"}
    assert not hidden
    return page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_becomes_text(text: str) -> None:
    check_harmless(markdown(text))
    check_harmless(markdown(f"Some words\n\n{text}\n\n- {text}"))


def test_the_check_sees_what_an_unsafe_renderer_lets_through() -> None:
    """The control: the same check fails on the same texts put into a page as they are."""

    def passes(text: str) -> bool:
        try:
            check_harmless(text)
        except AssertionError:
            return False
        return True

    caught = sum(not passes(text) for text in HOSTILE)
    assert caught > 20


@settings(deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE[:44], "\n", "\n\n", "> ", "- ", "1. ", "|", "<", "&", "*", "`", "é", "‍"])))
def test_no_mixture_of_hostile_text_gets_out(parts: list[str]) -> None:
    check_harmless(markdown("".join(parts)))


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_rendered(text: str) -> None:
    check_harmless(markdown(text))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters="\x7f\xad!]")))
def test_words_of_plain_text_stay(text: str) -> None:
    """Compared with another reader of HTML: what is escaped comes back, letters and digits in their order."""
    letters = re.compile(r"[^\W\d_]")
    shown = Page(nh3.clean(markdown(f"x{text}".replace("&", "and")), tags=set())).text
    expected = letters.findall(text.replace("&", "and"))
    assert letters.findall(shown)[1:] == expected


def test_markdown_that_answers_use() -> None:
    page = check_harmless(
        markdown("# Title\n\n- **bold** and *stress*\n\n3. three\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n`code`")
    )
    assert {"h3", "ul", "li", "strong", "em", "ol", "table", "th", "td", "code"} <= page.tags
    assert page.all("ol") == [{"start": "3"}]
    assert page.all("td") == [{}, {"class": "right"}]


def test_headings_stay_below_the_pages_own() -> None:
    page = Page(markdown("# one\n\n## two\n\n###### six\n\nunderlined\n==="))
    assert [tag for tag, _ in page.elements] == ["h3", "h4", "h6", "h3"]
    assert [tag for tag, _ in Page(markdown("### three\n\n#### four")).elements] == ["h3", "h4"]


def test_a_link_is_its_text_and_address() -> None:
    assert Page(markdown("see [the guideline](https://example.org/a?b=1&c=2)")).text.strip() == (
        "see the guideline (https://example.org/a?b=1&c=2)"
    )
    assert Page(markdown("<https://example.org/>")).text.strip() == "https://example.org/"
    assert Page(markdown("[**bold** [x]](https://a.example) after")).text.strip().endswith("after")


def test_an_image_is_its_description() -> None:
    assert Page(markdown("![an *ECG*](https://example.org/ecg.png)")).text.strip() == "[image: an *ECG*]"


def test_line_ends_are_kept_and_indents_are_no_code() -> None:
    page = Page(markdown("BP 120/80\nHR 80\r\n\n    indented"))
    assert [tag for tag, _ in page.elements] == ["p", "br", "p"]


def test_a_text_of_definitions_only_is_shown_as_written() -> None:
    assert "https://example.org" in Page(markdown("[a]: https://example.org")).text


@pytest.mark.parametrize(
    "bomb",
    [
        "x" * (render.LONGEST + 1),
        "[" * (render.MOST_MARKS + 1),
        "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + "x\n" * 3000,
        "> " * 12 + "a",
        "1. - " * 6 + "a",
    ],
)
def test_what_would_take_long_is_shown_as_written(bomb: str) -> None:
    rendered = markdown(bomb)
    assert rendered.startswith('<p class="as-written">')
    assert Page(rendered).text == bomb


def test_a_dose_stays_on_one_line() -> None:
    shown = Page(markdown("lorazepam 0.5 mg, 10 ml/h for 3 days; 2 grapes, 12 months")).text
    assert shown.strip() == "lorazepam 0.5\u00a0mg, 10\u00a0ml/h for 3\u00a0days; 2 grapes, 12 months"


def test_a_dose_among_words_from_right_to_left_keeps_its_order() -> None:
    shown = markdown("يعطى 75 mg، ثم 0.5 ml/h.")
    assert str(shown).count("<span") == 2
    assert '<span class="dose">75\u00a0mg</span>' in shown
    assert '<span class="dose">0.5\u00a0ml/h</span>' in shown
    assert "<span" not in markdown("give 75 mg")


@pytest.mark.parametrize("tag", ["ar", "en-GB", "zh-Hant-TW", "fil"])
def test_a_plain_language_tag_is_a_pages(tag: str) -> None:
    assert language_tag(tag) == tag


@pytest.mark.parametrize("tag", [None, "", "Arabic", "a", "en_GB", 'en" dir="rtl', "en\n", "x-klingon", "en-", "عربي"])
def test_no_other_language_is(tag: str | None) -> None:
    assert language_tag(tag) == ""


def test_joiners_stay_where_a_script_needs_them() -> None:
    persian, family = "می\u200cخواهم", "👩\u200d⚕\ufe0f"
    assert visible(persian) == persian
    assert visible(family) == family
    assert visible("dose\u200d s\u200ca\u200bfe\ufeff") == "dose safe"


def test_names_are_shown_without_hidden_characters() -> None:
    assert visible("gpt\u202e4\u0000") == "gpt4"
