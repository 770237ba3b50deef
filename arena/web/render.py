"""Hostile text made into HTML: markdown rendered without raw HTML, sanitised once more, invisible characters taken out.

The result depends on the text alone, so that both answers of a pair are treated alike to the byte.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

LONGEST = 20_000
"""Characters up to which a text is read as markdown; a longer one is shown as it was written."""
MOST_MARKS = 4_000
"""Characters with a meaning in markdown up to which it is read as such: a bound on time, beyond any real answer."""
MOST_CELLS = 5_000
"""Columns times lines up to which a text with tables is read as markdown."""

KEPT = 2_048
"""Rendered texts that are kept: the answers of a study of some hundred questions; 100 MB if each is of the longest."""

_MARKS = re.compile(r"[\[\]()*_`<>|!&\\#~\-+]")
_DEEP = re.compile(r"^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){12}", re.MULTILINE)
_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "span"}
_TAGS |= {"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
_CLASSES = {"span": {"address"}, "th": {"right", "centre"}, "td": {"right", "centre"}}
_ALIGNED = {"text-align:right": "right", "text-align:center": "centre"}

# Controls but tab and line ends; soft hyphen, zero-width and bidirectional controls; interlinear marks; tag characters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Persian, Indic scripts and emoji need joiners between their characters; between others they only hide a mark.
_JOINER = re.compile("(?<![^\x00-\u02ff])[\u200c\u200d\ufe0f]|[\u200c\u200d](?![^\x00-\u02ff])")


# A dose must not be broken between its number and its unit at the end of a line.
_UNIT = "(?:[kmµnμ]?g|mcg|[mµ]?[lL]|dL|units?|IU|[mµ]?mol|mEq|mmHg|bpm|min|h|hours?|days?|weeks?|°C|%)(?![A-Za-z])"
_DOSE = re.compile(f"(?<=[0-9]) (?={_UNIT})")
# Nor be read as "mg 75" among words that run from right to left.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_MEASURE = re.compile(f"(?<![0-9A-Za-z.,/–-])[0-9][0-9.,/–-]*\u00a0?{_UNIT}(?:/[A-Za-z0-9]+)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def visible(text: str) -> str:
    """`text` without characters that cannot be seen but change or mark what is read."""
    return _JOINER.sub("", _HIDDEN.sub("", text))


def language_tag(language: str | None) -> str:
    """A question's language where it is a plain tag that a page can carry (RFC 5646), else nothing."""
    return language if language and _LANGUAGE.fullmatch(language) else ""


@lru_cache(maxsize=KEPT)
def markdown(text: str) -> Markup:
    """`text` as safe HTML. Links become text with the address beside it, images their description.

    Headings begin at h3, below the page's own. What would take long to parse is shown as it was written. The newest
    results are kept: several raters are shown the same text.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _is_laborious(text):
        return _as_written(text)
    parser = _parser()
    tokens = parser.parse(text)
    # The highest heading of a text becomes h3, so that the page's outline has no gap whatever level it began with.
    highest = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=1)
    clean = nh3.clean(
        parser.renderer.render(tokens, parser.options, {"highest": highest}),
        tags=_TAGS,
        attributes={"ol": {"start"}},
        allowed_classes=_CLASSES,
        link_rel=None,
        url_schemes=set(),
    )
    # A text made of nothing but link definitions would come out empty.
    return Markup(_with_doses(visible(clean))) if clean.strip() else _as_written(text)  # noqa: S704 - sanitised just here


def _with_doses(clean: str) -> str:
    clean = _DOSE.sub("\u00a0", clean)
    if not _RIGHT_TO_LEFT.search(clean):
        return clean
    return _MEASURE.sub(lambda dose: f'<span class="dose">{dose[0]}</span>', clean)


def _as_written(text: str) -> Markup:
    return Markup(f'<p class="as-written">{html.escape(visible(text))}</p>')  # noqa: S704 - escaped just here


def _is_laborious(text: str) -> bool:
    lines = text.split("\n")
    cells = max(line.count("|") for line in lines) * len(lines)
    return (
        len(text) > LONGEST
        or len(_MARKS.findall(text)) > MOST_MARKS
        or cells > MOST_CELLS
        or _DEEP.search(text) is not None
    )


def _parser() -> MarkdownIt:
    # Every line end of an answer is kept, as chat pages do, and an indented line is not taken for program code.
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True, "maxNesting": 20})
    parser.enable("table").disable("code")
    for name, rule in (
        ("link_open", _nothing),
        ("link_close", _address),
        ("image", _description),
        ("heading_open", _heading),
        ("heading_close", _heading),
        ("th_open", _cell),
        ("td_open", _cell),
        ("fence", _fence),
    ):
        parser.add_render_rule(name, rule)
    return parser


def _nothing(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return ""


def _address(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    start = index
    while tokens[start].type != "link_open" or tokens[start].level != tokens[index].level:
        start -= 1
    href = str(tokens[start].attrs.get("href", ""))
    shown = "".join(token.content for token in tokens[start:index])
    if not href or href in (shown, f"mailto:{shown}"):
        return ""
    return f' <span class="address">({html.escape(href)})</span>'


def _description(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"[image: {html.escape(tokens[index].content)}]"


def _heading(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    level = min(6, int(tokens[index].tag[1]) - env["highest"] + 3)
    return f"<h{level}>" if tokens[index].nesting == 1 else f"</h{level}>\n"


def _cell(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    side = _ALIGNED.get(str(tokens[index].attrs.get("style", "")))
    return f'<{tokens[index].tag} class="{side}">' if side else f"<{tokens[index].tag}>"


def _fence(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"<pre><code>{html.escape(tokens[index].content)}</code></pre>\n"
