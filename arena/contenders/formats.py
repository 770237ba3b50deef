"""How a question becomes the text that a model continues.

A chat server writes prompts by the template of its tokenizer. Where that has none, or a wrong one, the prompt is
written here and sent as text, with its special tokens, so that the tokenizer must add none (`add_special_tokens`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

PromptFormat = Literal["chat", "llama-3", "llama-2", "mixtral", "med42-v1", "plain"]


@dataclass(frozen=True)
class Format:
    """A prompt's parts. `controls` are the texts that mean something to the model, and that no question may hold."""

    with_system: str
    without: str
    controls: tuple[str, ...] = ()
    system_role: bool = True
    """Whether the model knows a system turn; where not, its text stands at the head of the user's turn."""

    def render(self, system: str | None, user: str) -> str:
        """The prompt, up to where the answer begins. What would act as a control in either text is broken by a space.

        >>> FORMATS["plain"].render(None, "What is a stroke?")
        'What is a stroke?\\n\\n'
        """
        # In one step: what a text holds is never looked at again, so that braces in it mean nothing.
        texts = {"{user}": self.harmless(user), "{system}": self.harmless(system or "")}
        template = self.with_system if system else self.without
        return re.sub(r"\{user\}|\{system\}", lambda found: texts[found.group()], template)

    def harmless(self, text: str) -> str:
        """The text with a space after the first sign of every control, until none is left."""
        for control in self.controls:
            text = re.sub(re.escape(control), lambda found: f"{found.group()[0]} {found.group()[1:]}", text)
        return text


def _llama_3() -> Format:
    def turn(role: str, text: str) -> str:
        return f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}"

    user = turn("user", "{user}<|eot_id|>") + turn("assistant", "")
    system = turn("system", "{system}<|eot_id|>")
    controls = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    return Format(f"<|begin_of_text|>{system}{user}", f"<|begin_of_text|>{user}", controls)


_INST = ("[INST]", "[/INST]", "<s>", "</s>")

FORMATS: dict[PromptFormat, Format] = {
    "chat": Format("", ""),
    "llama-3": _llama_3(),
    "llama-2": Format(
        "<s>[INST] <<SYS>>\n{system}\n<</SYS>>\n\n{user} [/INST]",
        "<s>[INST] {user} [/INST]",
        (*_INST, "<<SYS>>", "<</SYS>>"),
    ),
    "mixtral": Format("<s>[INST] {system}\n\n{user} [/INST]", "<s>[INST] {user} [/INST]", _INST, system_role=False),
    "med42-v1": Format(
        "<s><|system|>: {system}\n<|prompter|>:{user}\n<|assistant|>:",
        "<s><|prompter|>:{user}\n<|assistant|>:",
        ("<|system|>", "<|prompter|>", "<|assistant|>", "<s>", "</s>"),
    ),
    "plain": Format("{system}\n\n{user}\n\n", "{user}\n\n"),
}
"""The formats by name. `chat` is the server's own: messages are sent, and nothing is written here."""


def messages(system: str | None, user: str, *, system_role: bool = True) -> list[dict[str, str]]:
    """The same for a chat server: its turns. Without a system role, the system text heads the user's turn."""
    if not system:
        return [{"role": "user", "content": user}]
    if not system_role:
        return [{"role": "user", "content": f"{system}\n\n{user}"}]
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]
