"""Guards: small ASGI classes around the app. What one refuses never reaches a route.

From the outside in: security headers, forwarded addresses, request log and last resort, host, cross-site posts, body
size, HEAD.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
import traceback
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# With no-referrer a browser names the origin of a form post as "null": CrossSite reads Sec-Fetch-Site before it.
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

Refuse = Callable[[Scope, int, str], Response]
"""Makes the response of a refusal: the request's scope, the status and a sentence for people."""


class SecurityHeaders:
    """Puts the security headers on every response, errors included. A route may set its own Cache-Control."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.headers = dict(SECURITY_HEADERS)
        if https:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the response's start."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Forwarded:
    """Takes the client's address and scheme from X-Forwarded-For and -Proto, from trusted proxies only."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self.app = app
        self.trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace the scope's client by the last address that no trusted proxy has."""
        if scope["type"] == "http" and scope.get("client") and self._is_trusted(scope["client"][0]):
            headers = Headers(scope=scope)
            hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
            client = scope["client"][0]
            for hop in reversed(hops):
                if not self._is_trusted(client) or not _is_address(hop):
                    break
                client = hop
            scope["client"] = (client, 0)
            if headers.get("x-forwarded-proto") in ("http", "https"):
                scope["scheme"] = headers["x-forwarded-proto"]
        await self.app(scope, receive, send)

    def _is_trusted(self, host: str) -> bool:
        return _is_address(host) and any(ipaddress.ip_address(host) in network for network in self.trusted)


class RequestLog:
    """Logs one line a request (no path, which may hold a secret; no address) and answers what nobody expected."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse) -> None:
        self.app = app
        self.refuse = refuse
        self.log = structlog.get_logger("arena.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; turn an unexpected exception into a page with an id that is also in the log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        began = time.perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        except Exception:
            incident = secrets.token_hex(4)
            # Formatted here: a renderer that shows local variables would show what a request held.
            self.log.error(
                "unexpected",
                incident=incident,
                method=_method(scope),
                route=_route(scope),
                exception=traceback.format_exc(),
            )
            if status:
                raise
            message = f"Something went wrong on our side; what was not confirmed does not count. Reference {incident}."
            await self.refuse(scope, 500, message)(scope, receive, note_status)
        finally:
            duration = round(1000 * (time.perf_counter() - began), 1)
            self.log.info("request", method=_method(scope), route=_route(scope), status=status, ms=duration)


class KnownHost:
    """Refuses a Host that is not the public URL's; on a development machine loopback names pass as well."""

    def __init__(self, app: ASGIApp, *, public_url: str, development: bool, refuse: Refuse) -> None:
        self.app = app
        self.host = _with_port(urlsplit(public_url).scheme, urlsplit(public_url).netloc)
        self.development = development
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compare the Host header."""
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or not self._is_known(hosts[0], scope["scheme"]):
                response = self.refuse(scope, 400, "This address is not served here. Check ARENA_PUBLIC_URL.")
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_known(self, host: str, scheme: str) -> bool:
        # Behind a proxy that ends TLS the scheme here may be http while the public URL is https.
        if self.host in (_with_port(scheme, host), _with_port("https", host)):
            return True
        return self.development and is_loopback(host)


class CrossSite:
    """Refuses unsafe methods from elsewhere: by Sec-Fetch-Site first, then by Origin; with neither, always.

    A request with a bearer token is let through: no browser adds that header by itself.
    """

    def __init__(self, app: ASGIApp, *, public_url: str, development: bool, refuse: Refuse) -> None:
        self.app = app
        self.origin = public_url
        self.development = development
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request by its headers only."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not self._is_ours(Headers(scope=scope)):
            message = "This request did not come from the arena's own pages. Open the page again and repeat it there."
            await self.refuse(scope, 403, message)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if headers.get("authorization", "").lower().startswith("bearer "):
            return True
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return site is not None
        if origin == "null":
            return site == "same-origin"
        host = origin.partition("://")[2]
        return origin == self.origin or (self.development and is_loopback(host) and host == headers.get("host"))


class BodyCap:
    """Refuses a body larger than `largest` bytes, by its stated length or while it streams in."""

    def __init__(self, app: ASGIApp, *, largest: int, refuse: Refuse) -> None:
        self.app = app
        self.largest = largest
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body before the app sees any of it; it is small or refused."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        body: list[Message] = []
        size = int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 20 else self.largest + 1
        received = 0
        while size <= self.largest and (not body or body[-1].get("more_body")):
            body.append(await receive())
            if body[-1]["type"] != "http.request":
                return
            received += len(body[-1].get("body", b""))
            size = max(size, received)
        if size > self.largest:
            message = f"The request is larger than {self.largest:,} bytes."
            await self.refuse(scope, 413, message)(scope, receive, send)
            return
        queue = iter(body)

        async def replay() -> Message:
            return next(queue, None) or await receive()

        await self.app(scope, replay, send)


class Head:
    """Answers HEAD as GET without the body: no GET here changes anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for GET; send the head only."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        inner = {**scope, "method": "GET"}
        try:
            await self.app(inner, receive, send_head)
        finally:
            scope["route"] = inner.get("route")


def is_loopback(netloc: str) -> bool:
    """Whether a host, with or without port, names this machine."""
    try:
        host = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return False
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _with_port(scheme: str, netloc: str) -> str:
    default = {"http": ":80", "https": ":443"}[scheme]
    return netloc.lower().removesuffix(default)


def _route(scope: Scope) -> str:
    """The template of the matched route; the path itself may hold a secret."""
    return str(getattr(scope.get("route"), "path", "-"))


def _method(scope: Scope) -> str:
    """The method where it is a usual one: a client may send any bytes there."""
    method = str(scope["method"])
    return method if method in SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"} else "OTHER"
