"""What is asked of a model, what comes back, and what may go wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Sampling:
    """How a text is drawn. None: not sent, so that the server's own default holds."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def body(self) -> dict[str, object]:
        """What is sent, as plain values."""
        stated = {name: value for name, value in asdict(self).items() if value is not None and value != ()}
        return stated | ({"stop": list(self.stop)} if self.stop else {})


@dataclass(frozen=True)
class Ask:
    """One request: a written `prompt`, which holds its special tokens, or else the `messages` of a chat."""

    model: str
    sampling: Sampling
    prompt: str | None = None
    messages: tuple[tuple[str, str], ...] = ()
    """Role and text of each turn."""

    @property
    def size(self) -> int:
        """Bytes of the prompt: no tokenizer makes more tokens of it, but for a few around each turn."""
        texts = [self.prompt or ""] + [text for _, text in self.messages]
        return sum(len(text.encode()) for text in texts) + 8 * (len(self.messages) + 1)


@dataclass(frozen=True)
class Reply:
    """One text, and what the server said about it. `finish` is "stop" for a whole one, "length" for a cut one."""

    text: str
    finish: str | None
    stop_reason: str | int | None
    request_id: str | None
    model: str
    fingerprint: str | None
    prompt_tokens: int | None
    tokens: int | None
    cached_tokens: int | None
    seconds: float | None
    """How long the answer took; None where nobody measured it."""


class Failed(Exception):
    """An attempt that came to nothing, with the reason in words.

    `is_final`: asking again would not help. `wait`: seconds that the server asks for. `is_unreachable`: nobody was
    there to answer. `ends_all`: it would be so for every request, as with a wrong key.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_final: bool = False,
        wait: float | None = None,
        is_unreachable: bool = False,
        ends_all: bool = False,
    ) -> None:
        super().__init__(reason)
        self.is_final, self.wait, self.is_unreachable, self.ends_all = is_final, wait, is_unreachable, ends_all
