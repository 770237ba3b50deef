"""Guards: small ASGI classes around the app. What one refuses never reaches a route.

From the outside in: security headers, forwarded addresses (`addresses`), request log and last resort (`requestlog`),
host, cross-site posts, rate limits (`limits`), body size, HEAD.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena.web.addresses import is_loopback, with_port

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not no-referrer: browsers would then name the origin of our own forms' posts as "null", which CrossSite refuses.
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
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


class KnownHost:
    """Refuses a Host that is not the public URL's; on a person's own machine loopback names pass as well."""

    def __init__(self, app: ASGIApp, *, public_url: str, local: bool, refuse: Refuse) -> None:
        self.app = app
        self.host = urlsplit(public_url).netloc
        self.local = local
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
        if self.host in (with_port(scheme, host), with_port("https", host)):
            return True
        return self.local and is_loopback(host)


class CrossSite:
    """Refuses unsafe methods from elsewhere: by Sec-Fetch-Site first, then by Origin; with neither, always.

    A request with a bearer token is let through: no browser adds that header by itself. So is one that no route takes,
    which changes nothing and is answered with 404 or 405 wherever it comes from.
    """

    def __init__(self, app: ASGIApp, *, public_url: str, local: bool, refuse: Refuse) -> None:
        self.app = app
        self.origin = public_url
        self.local = local
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request by its headers only."""
        is_foreign = (
            scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not self._is_ours(Headers(scope=scope))
        )
        if is_foreign and any(route.matches(scope)[0] is Match.FULL for route in scope["app"].routes):
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
        host = origin.partition("://")[2]
        return origin == self.origin or (self.local and is_loopback(host) and host == headers.get("host"))


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
