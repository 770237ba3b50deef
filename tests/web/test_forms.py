"""The forms' routes under anything that can be posted: never a fault, and never a vote that nobody cast."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from httpx2 import Response

from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.services import studies
from tests.conftest import MakeDatabase
from tests.scale import scaled
from tests.web.conftest import arena_on
from tests.web.hostile import HOSTILE, UNSTORABLE
from tests.web.routes import Visitor, form, routes, visitor

FIELDS = ("token", "choice", "reason", "comment", "secret", "seat", "sure", "x")
TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "b" * 3000,
    "application/json",
    "text/plain",
    "\xff",
    "",
)
ANSWERS = {303, 400, 401, 403, 404, 409, 413, 422}


def pieces(draw: random.Random, own: dict[str, str]) -> bytes:
    """A body: fields of the form with hostile values, its own among them, some twice, some as files."""
    names = draw.choices((*FIELDS, *own), k=draw.randint(0, 6))
    parts = []
    for name in names:
        value = draw.choice(
            (
                own.get(name, ""),
                draw.choice(HOSTILE)[: draw.choice((5, 50, 3000, 20_000))],
                draw.choice(UNSTORABLE),
                "a" * draw.choice((0, 1, 101, 2001, 9000)),
            )
        )
        parts.append((name, value.encode("utf-8", "surrogatepass")))
    match draw.randrange(4):
        case 0:
            return b"&".join(name.encode() + b"=" + quoted(value) for name, value in parts)
        case 1:
            return b"&".join(name.encode() + b"=" + value for name, value in parts)
        case 2:
            file = draw.choice(("", '; filename="x"', '; filename="../../x\0"', "; filename*=utf-8''%00"))
            head = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
            return b"".join(head % (n.encode(), file.encode(), v) for n, v in parts) + draw.choice(
                (b"--b--\r\n", b"--b", b"")
            )
        case _:
            return draw.randbytes(draw.choice((0, 1, 40, 4000, 17_000)))


def quoted(value: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in value)


def posted(draw: random.Random, who: Visitor, method: str, path: str, own: dict[str, str]) -> Response:
    content_type = draw.choice(TYPES).encode("latin-1")
    headers = [(b"content-type", content_type)] if content_type else []
    return who.browser.request(method, path, content=pieces(draw, own), headers=headers)


# A form that breaks off within a file leaves the file's spool to the garbage collector, in a library of the framework.
@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")
@pytest.mark.reliability
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_post_breaks_a_form(make_db: MakeDatabase, kind: str) -> None:
    """Random, huge and binary fields, by everyone, with a fixed seed; what is answered has a page of its own."""
    arena, draw = arena_on(make_db(kind)), random.Random(20260302)
    arena.study(plan=Plan(raters_per_pairing=20))
    people = [visitor(arena, role) for role in (None, Role.RATER, Role.ANALYST)]
    seen = set()
    for _ in range(scaled(40 if kind == "sqlite" else 15, 400)):
        for method, path in routes(arena.app):
            if method == "GET" or path == "/withdraw":
                continue
            who = draw.choice(people)
            answer = posted(draw, who, method, path, form(arena, path, who) if draw.random() < 0.1 else {})
            assert answer.status_code in ANSWERS, (method, path, answer.status_code)
            assert answer.status_code == 303 or answer.headers["content-type"].startswith("text/html")
            seen.add(answer.status_code)
    assert seen >= {303, 401, 404, 413, 422}
    assert studies.overview(arena.db, studies.get(arena.db, "small")).votes <= 3


@pytest.mark.parametrize("path", ["/vote", "/correct", "/withdraw", "/consent", "/join", "/sign-out"])
def test_fields_as_files_lists_and_nothing_are_refused_or_ignored(make_db: MakeDatabase, path: str) -> None:
    arena = arena_on(make_db("sqlite"))
    arena.study(plan=Plan(raters_per_pairing=20))
    shapes: tuple[Callable[[Visitor], Response], ...] = (
        lambda who: who.browser.post(path, files=dict.fromkeys(FIELDS, ("x.exe", b"MZ\x00"))),
        lambda who: who.browser.post(path, data={name: ["a_better", "b_better"] for name in FIELDS}),
        lambda who: who.browser.post(path, json={name: {"deep": [1]} for name in FIELDS}),
        lambda who: who.browser.post(path),
        lambda who: who.browser.post(path, content=b"&".join([b"comment=x"] * 1200), headers=FORM),
        lambda who: who.browser.post(path, content=b"%" * 5000, headers=FORM),
    )
    for post in shapes:
        who = visitor(arena, Role.RATER)
        assert post(who).status_code in ANSWERS
    assert studies.overview(arena.db, studies.get(arena.db, "small")).votes <= len(shapes)


FORM = {"content-type": TYPES[0]}


def test_the_fuzzer_finds_a_fault(make_db: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a route that cannot take a token it does not know."""
    arena = arena_on(make_db("sqlite"))
    arena.study(plan=Plan(raters_per_pairing=20))
    who, draw = visitor(arena, Role.RATER), random.Random(1)
    monkeypatch.setattr("arena.web.ballots.check_token", lambda *_: 1 / 0)
    assert 500 in {posted(draw, who, "POST", "/vote", {}).status_code for _ in range(20)}
