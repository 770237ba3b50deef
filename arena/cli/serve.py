"""`arena serve`."""

from __future__ import annotations

import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from arena import settings as configuration
from arena.cli.common import opened, say
from arena.errors import Incomplete
from arena.settings import Settings
from arena.store.engine import Database

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the pages and the API until interrupted.

    Links are made from ARENA_PUBLIC_URL; behind a proxy set it to the proxy's address, and ARENA_TRUSTED_PROXIES.

    Example: ARENA_PUBLIC_URL=https://arena.example.org arena serve --port 8000
    """
    settings = configuration.load()
    with opened(settings=settings) as db, listening(host, port) as sock:
        say(f"Clinical Arena is at {settings.public_url} (listening on {host}:{port}); Ctrl-C stops it")
        if settings.is_loopback and (urlsplit(settings.public_url).port or 80) != sock.getsockname()[1]:
            say(
                f"warning: links are made for {settings.public_url}, which leads elsewhere; "
                f"set ARENA_PUBLIC_URL=http://127.0.0.1:{sock.getsockname()[1]} for this command and for `arena invite`"
            )
        run(settings, db, sock)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises Incomplete where the address cannot be had."""
    try:
        sock = socket.create_server((host, port), backlog=2048)
        # Accepted connections inherit it; asyncio sets it only where a socket names its protocol, as this one does not.
        # Without it an answer's body waits 40 ms for the other side to acknowledge the headers.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    except OSError as error:
        raise Incomplete(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port"
        ) from error


def run(settings: Settings, db: Database, sock: socket.socket) -> None:
    """Serve on a listening socket until interrupted."""
    import uvicorn

    from arena.web import app, logs

    logs.configure(settings.log_format)
    host, port = sock.getsockname()[:2]
    uvicorn.Server(app.server_config(app.create_app(settings, db), host=host, port=port)).run(sockets=[sock])
