"""What a rater could measure of a matchup before the vote, as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from tests.reliability.blinding_guess import Features
from tests.reliability.blinding_walk import Observation, Seen

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_HASH = re.compile(rb"<code[^>]*>([0-9a-f]{64})</code>")
_NUMBER = re.compile(r"(?<![0-9a-zA-Z])[0-9]{1,9}(?![0-9a-zA-Z])")
NUMBERS = 24
TOKEN_CHARS = 32


def features(observations: Sequence[Observation]) -> Features:
    """One row a matchup."""
    return np.array([row(index, seen) for index, seen in enumerate(observations)])


def row(order: int, seen: Observation) -> list[float]:
    """Bits of token and receipt, sizes, times, positions, numbers on the page, n-grams of page and headers."""
    receipt = _HASH.search(seen.page.body)
    rest = seen.rest
    texts = len(seen.page.body) - len(rest)
    plain = rest.replace(seen.token.encode(), b"").replace(receipt[1] if receipt else b"", b"").decode()
    return [
        *token_bits(seen.token),
        *hash_bits(receipt[1].decode() if receipt else "0" * 64),
        *(order, seen.rater, seen.position, seen.question, seen.question % 2, seen.question % 3, order % 6),
        *(len(rest), _stated_length(seen.page) - texts, len(seen.issued_by.body), len(seen.page.headers)),
        *(seen.page.status, seen.issued_by.status, len(seen.token)),
        *times(seen),
        *_numbers(plain),
        *_ngrams(plain, 192),
        *_ngrams(_head(seen.page) + _head(seen.issued_by), 64),
    ]


def token_bits(token: str) -> list[float]:
    """Each character's place in the alphabet of base64, and its six bits."""
    places = [BASE64.index(char) for char in token.ljust(TOKEN_CHARS, "A")[:TOKEN_CHARS]]
    return [*map(float, places), *(float(place >> bit & 1) for place in places for bit in range(6))]


def hash_bits(digest: str) -> list[float]:
    """The 256 bits of a hash in hex."""
    return [float(bit) for bit in f"{int(digest, 16):0256b}"]


def times(seen: Observation) -> list[float]:
    """How long the page took, and the post that issued the matchup, in milliseconds and their logarithms."""
    both = [1000 * seen.page.seconds, 1000 * seen.issued_by.seconds]
    return [*both, *np.log(np.array(both) + 1e-3).tolist()]


def _stated_length(seen: Seen) -> int:
    return int(dict(seen.headers).get("content-length", -1))


def _head(seen: Seen) -> str:
    return "".join(f"{name}: {value}\n" for name, value in seen.headers)


def _numbers(text: str) -> list[float]:
    """The last numbers in a text, and their lowest bits: a row's number tells by its remainder."""
    found = [int(number) for number in _NUMBER.findall(text)[-NUMBERS:]]
    found = [0] * (NUMBERS - len(found)) + found
    return [*map(float, found), *(float(number >> bit & 1) for number in found for bit in range(3))]


def _ngrams(text: str, buckets: int) -> Iterable[float]:
    """How often the text's runs of four characters fall into each of some buckets."""
    data = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.uint64)
    codes = data[:-3] << 24 | data[1:-2] << 16 | data[2:-1] << 8 | data[3:]
    places = (codes * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) % np.uint64(buckets)
    return map(float, np.bincount(places.astype(np.intp), minlength=buckets))
