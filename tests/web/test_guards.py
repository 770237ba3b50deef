"""What stands around every route, on a tiny app of its own; no database is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from arena.web import guards
from arena.web.addresses import Forwarded
from arena.web.logs import configure
from arena.web.requestlog import RequestLog

URL = "https://arena.test"


def refuse(_scope: Scope, status: int, message: str) -> Response:
    return PlainTextResponse(message, status_code=status)


async def echo(request: Request) -> Response:
    client = request.client.host if request.client else ""
    body = await request.body()
    return PlainTextResponse(f"{client} {request.url.scheme} {len(body)}")


async def broken(request: Request) -> Response:
    raise RuntimeError("secret-detail")


def app(*, local: bool = False) -> Starlette:
    return Starlette(
        routes=[
            Route("/echo", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/join/{secret}", echo),
            Route("/broken/{secret}", broken),
        ],
        middleware=[
            Middleware(guards.SecurityHeaders, https=True),
            Middleware(Forwarded, trusted=[ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32")]),
            Middleware(RequestLog, refuse=refuse),
            Middleware(guards.KnownHost, public_url=URL, local=local, refuse=refuse),
            Middleware(guards.CrossSite, public_url=URL, local=local, refuse=refuse),
            Middleware(guards.BodyCap, largest=1000, refuse=refuse),
            Middleware(guards.Head),
        ],
    )


@pytest.fixture
def client() -> TestClient:
    return TestClient(app(), base_url=URL, client=("10.1.2.3", 1))


OURS = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": URL}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": URL}, 200),
        ({"authorization": "Bearer abc"}, 200),
        ({"authorization": "Bearer abc", "sec-fetch-site": "cross-site"}, 200),
        ({}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": ""}, 403),
        ({"sec-fetch-site": "cross-site", "origin": URL}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.test"}, 403),
        ({"sec-fetch-site": "none", "origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "https://arena.test.evil.test"}, 403),
        ({"origin": "https://arena.test:444"}, 403),
        ({"origin": "http://arena.test"}, 403),
        ({"origin": "http://127.0.0.1:8000", "host": "arena.test"}, 403),
        ({"authorization": "Basic abc"}, 403),
        ({"cookie": "__Host-arena-rater=x"}, 403),
    ],
)
def test_posts_from_elsewhere_are_refused(
    client: TestClient, method: str, headers: dict[str, str], status: int
) -> None:
    assert client.request(method, "/echo", headers=headers).status_code == status


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/join/x", 405), ("/echo", 403), ("/echo?a=1", 403)])
def test_what_no_route_takes_is_said_to_be_so_wherever_it_comes_from(
    client: TestClient, path: str, status: int
) -> None:
    assert client.post(path, headers={"origin": "null"}).status_code == status


def test_reading_from_elsewhere_is_let_through(client: TestClient) -> None:
    assert client.get("/echo", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_only_on_ones_own_machine_a_loopback_origin_is_the_servers_own() -> None:
    headers = {"origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"}
    assert TestClient(app(local=True), base_url=URL).post("/echo", headers=headers).status_code == 200
    assert TestClient(app(), base_url=URL).post("/echo", headers=headers).status_code == 400
    other = headers | {"origin": "http://127.0.0.1:9000"}
    assert TestClient(app(local=True), base_url=URL).post("/echo", headers=other).status_code == 403


@pytest.mark.parametrize(
    ("host", "production", "own_machine"),
    [
        ("arena.test", 200, 200),
        ("ARENA.test:443", 200, 200),
        ("localhost:8000", 400, 200),
        ("127.0.0.1", 400, 200),
        ("[::1]:8000", 400, 200),
        ("arena.test:80", 400, 400),
        ("evil.test", 400, 400),
        ("arena.test.evil.test", 400, 400),
        ("localhost.evil.test", 400, 400),
        ("[::1", 400, 400),
        ("", 400, 400),
    ],
)
def test_only_our_own_host_is_served(host: str, production: int, own_machine: int) -> None:
    for is_local, status in ((False, production), (True, own_machine)):
        browser = TestClient(app(local=is_local), base_url=URL)
        assert browser.get("/echo", headers={"host": host}).status_code == status


def test_the_body_is_capped_by_its_stated_length(client: TestClient) -> None:
    assert client.post("/echo", content=b"x" * 1000, headers=OURS).text.endswith(" 1000")
    assert client.post("/echo", content=b"x" * 1001, headers=OURS).status_code == 413
    assert client.post("/echo", headers=OURS | {"content-length": "9" * 30}).status_code == 413
    assert client.post("/echo", headers=OURS | {"content-length": "-5"}).status_code == 413


def test_the_body_is_capped_while_it_streams() -> None:
    """No length is stated; the reading stops at the first part over the cap."""
    taken = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 300, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"arena.test"), (b"sec-fetch-site", b"same-origin"), (b"transfer-encoding", b"chunked")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "raw_path": b"/echo",
        "query_string": b"",
        "headers": headers,
        "scheme": "https",
        "client": None,
        "server": ("arena.test", 443),
        "root_path": "",
    }
    # On a thread of its own: a browser test before it leaves an event loop in this one.
    with start_blocking_portal() as portal:
        portal.call(app(), scope, receive, send)
    assert sent[0]["status"] == 413
    assert taken == 4


def test_a_body_in_parts_arrives_whole(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        yield b"x" * 500
        yield b"y" * 400

    assert client.post("/echo", content=parts(), headers=OURS).text.endswith(" 900")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/echo", "GET", 200), ("/nothing", "GET", 404), ("/broken/x", "GET", 500), ("/join/x", "POST", 405)],
)
def test_security_headers_are_on_every_response(client: TestClient, path: str, method: str, status: int) -> None:
    answer = client.request(method, path, headers=OURS)
    assert answer.status_code == status
    check_headers(dict(answer.headers))


def check_headers(headers: dict[str, str]) -> None:
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"]


def test_refusals_have_the_headers_too(client: TestClient) -> None:
    for headers, content in (({}, b""), (OURS | {"host": "evil.test"}, b""), (OURS, b"x" * 2000)):
        answer = client.post("/echo", headers=headers, content=content)
        assert answer.status_code in (400, 403, 413)
        check_headers(dict(answer.headers))


def test_head_is_get_without_the_body(client: TestClient) -> None:
    head, get = client.head("/echo"), client.get("/echo")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_forwarded_headers_count_from_trusted_proxies_only() -> None:
    headers = {"x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.9.9.9", "x-forwarded-proto": "http"}
    trusted = TestClient(app(), base_url=URL, client=("10.1.2.3", 1))
    stranger = TestClient(app(), base_url=URL, client=("9.9.9.9", 1))
    # The last address that no trusted proxy has: what stands before it was written by the client itself.
    assert trusted.get("/echo", headers=headers).text.startswith("1.2.3.4 http ")
    assert stranger.get("/echo", headers=headers).text.startswith("9.9.9.9 https ")
    assert trusted.get("/echo", headers={"x-forwarded-for": "<script>, bad"}).text.startswith("10.1.2.3 https ")


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    configure("json")
    yield capsys
    structlog.reset_defaults()


def test_the_log_has_the_route_and_no_secret(log_lines: pytest.CaptureFixture[str]) -> None:
    browser = TestClient(app(), base_url=URL, client=("9.9.9.9", 1))
    browser.get("/join/SECRET-IN-PATH?token=SECRET-IN-QUERY", headers={"cookie": "a=SECRET-COOKIE"})
    browser.get("/nothing/SECRET%0Aforged")
    browser.request("SECRET", "/echo")
    browser.head("/join/SECRET")
    written = log_lines.readouterr().err
    assert "SECRET" not in written
    assert "9.9.9.9" not in written
    lines = [json.loads(line) for line in written.splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/join/{secret}", 200),
        ("GET", "-", 404),
        ("OTHER", "/echo", 405),
        ("HEAD", "/join/{secret}", 200),
    ]
    assert all(line["ms"] >= 0 for line in lines)


def test_an_unexpected_error_is_a_short_page_and_a_long_log(log_lines: pytest.CaptureFixture[str]) -> None:
    answer = TestClient(app(), base_url=URL).get("/broken/x")
    assert answer.status_code == 500
    assert "secret-detail" not in answer.text
    assert "Traceback" not in answer.text
    first = json.loads(log_lines.readouterr().err.splitlines()[0])
    assert first["incident"] in answer.text
    assert "secret-detail" in first["exception"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_control_characters_cannot_forge_log_lines(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure("json" if log_format == "json" else "console")
    structlog.get_logger().info("request", text="a\nforged=1\x1b[31m\u202e")
    structlog.reset_defaults()
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written
    assert "\u202e" not in written
