"""Settings that cannot be used are told in plain words."""

from __future__ import annotations

import pytest

from arena.errors import BadInput
from arena.settings import load

ORIGIN = "must be a scheme and host, such as https://arena.example.org"
NETWORKS = "write networks such as 10.0.0.0/8,192.0.2.7/32"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ARENA_SESSION_HOURS", "0", "must be at least 1"),
        ("ARENA_SESSION_HOURS", "9999", "must be at most 2160"),
        ("ARENA_TOKEN_DAYS", "soon", "must be a whole number"),
        ("ARENA_REQUEST_BYTES", "2048.5", "must be a whole number"),
        ("ARENA_LOG_FORMAT", "xml", "must be 'console' or 'json'"),
        ("ARENA_PUBLIC_URL", "arena.example.org", ORIGIN),
        ("ARENA_PUBLIC_URL", "http://[::1", ORIGIN),
        ("ARENA_TRUSTED_PROXIES", "10.0.0.1/8", f"10.0.0.1/8 has host bits set; {NETWORKS}"),
        (
            "ARENA_TRUSTED_PROXIES",
            "10.0.0.0/8,x",
            f"'x' does not appear to be an IPv4 or IPv6 network; {NETWORKS}",
        ),
    ],
)
def test_a_bad_setting_is_told_by_variable_and_reason(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput) as caught:
        load()
    assert str(caught.value) == f"{variable}: {told}"


def test_each_bad_setting_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_SESSION_HOURS", "0")
    monkeypatch.setenv("ARENA_TRUSTED_PROXIES", "x")
    with pytest.raises(BadInput) as caught:
        load()
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "ARENA_TRUSTED_PROXIES",
        "ARENA_SESSION_HOURS",
    ]


def test_networks_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_TRUSTED_PROXIES", " 10.0.0.0/8, 2001:db8::/32 ,192.0.2.7")
    assert [str(network) for network in load().trusted_proxies] == ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]
