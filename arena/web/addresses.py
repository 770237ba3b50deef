"""Where a request comes from and which host it asks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


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


def with_port(scheme: str, netloc: str) -> str:
    """The host in lower case, and its port where that is not the scheme's own."""
    default = {"http": ":80", "https": ":443"}[scheme]
    return netloc.lower().removesuffix(default)
