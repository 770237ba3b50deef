"""Where a request comes from and which host it asks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
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
        client = address(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else None
        if client is not None and self._is_trusted(client):
            headers = Headers(scope=scope)
            hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
            for hop in reversed(hops):
                before = address(_without_port(hop))
                if before is None or not self._is_trusted(client):
                    break
                client = before
            scope["client"] = (str(client), 0)
            if headers.get("x-forwarded-proto") in ("http", "https"):
                scope["scheme"] = headers["x-forwarded-proto"]
        await self.app(scope, receive, send)

    def _is_trusted(self, client: IPv4Address | IPv6Address) -> bool:
        return any(client in network for network in self.trusted)


def address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` writes, if it is one. An IPv4 address that IPv6 wraps is the IPv4 address."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found


def counted_as(host: str) -> str:
    """The network that a rate limit counts as one: an IPv4 address, or 64 bits of IPv6, which are one connection's.

    What is no address counts as it is written.
    """
    found = address(host)
    return f"{int(found) >> 64:x}::/64" if isinstance(found, IPv6Address) else str(found or host)


def is_loopback(netloc: str) -> bool:
    """Whether a host, with or without port, names this machine."""
    try:
        host = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return False
    found = address(host)
    if found is not None:
        return found.is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _without_port(hop: str) -> str:
    """An address as some proxies write it, `192.0.2.7:4711` or `[2001:db8::1]:4711`, without the port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def with_port(scheme: str, netloc: str) -> str:
    """The host in lower case, and its port where that is not the scheme's own."""
    default = {"http": ":80", "https": ":443"}[scheme]
    return netloc.lower().removesuffix(default)
