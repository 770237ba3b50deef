"""The socket that `arena serve` listens on."""

from __future__ import annotations

import socket

import pytest

from arena.cli.serve import listening
from arena.errors import Incomplete


def test_no_answer_waits_for_the_other_side_to_acknowledge_its_headers() -> None:
    """Small packets are sent at once on every accepted connection; asyncio leaves such a socket as it is."""
    with listening("127.0.0.1", 0) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken_is_named() -> None:
    with listening("127.0.0.1", 0) as server:
        port = server.getsockname()[1]
        with pytest.raises(Incomplete, match=f"127.0.0.1:{port}"):
            listening("127.0.0.1", port)
