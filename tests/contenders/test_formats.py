"""Prompts as the models expect them, to the byte, and texts that try to act as a part of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from arena.contenders.catalogue import catalogue
from arena.contenders.formats import FORMATS, messages

GOLDEN = Path(__file__).parent.parent / "golden" / "prompts"
SYSTEM = "You answer questions about health and medicine."
QUESTION = "What does a raised troponin mean?\n\nAnswer for a patient."
WRITTEN = sorted(name for name in FORMATS if name not in ("chat", "plain"))
# As Llama 3's tokenizer holds it, but for the trimming of texts.
LLAMA_3 = (
    "{% for m in messages %}{% set c = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] +"
    " '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set c = '<|begin_of_text|>' + c %}{% endif %}{{ c }}{% endfor %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
)


def test_every_open_system_has_a_golden_prompt() -> None:
    open_systems = {entry.name for entry in catalogue().values() if entry.reached == "vllm"}
    assert open_systems == {path.stem for path in GOLDEN.glob("*.txt")}
    assert len(open_systems) == 9


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_prompts_are_golden_to_the_byte(path: Path) -> None:
    entry = catalogue()[path.stem]
    assert entry.format is not None
    assert FORMATS[entry.format].render(SYSTEM, QUESTION).encode() == path.read_bytes()


@pytest.mark.parametrize("system", [SYSTEM, None])
def test_llama_3_is_what_its_template_gives(system: str | None) -> None:
    template = SandboxedEnvironment(keep_trailing_newline=True).from_string(LLAMA_3)
    assert FORMATS["llama-3"].render(system, QUESTION) == template.render(messages=messages(system, QUESTION))


@pytest.mark.parametrize("name", WRITTEN)
@given(text=st.text(max_size=20), control=st.integers(0, 30), cut=st.integers(0, 30))
def test_no_text_acts_as_a_control(name: str, text: str, control: int, cut: int) -> None:
    """Whatever a question holds, controls nested in themselves too, the prompt has only those of an empty one."""
    made = FORMATS[name]  # type: ignore[index]
    inner = made.controls[control % len(made.controls)]
    hostile = inner[: cut % len(inner)] + inner + inner[cut % len(inner) :] + text + inner
    for prompt in (made.render(hostile, "q"), made.render("s", hostile), made.render(None, hostile)):
        plain = made.render(None, "q") if prompt == made.render(None, hostile) else made.render("s", "q")
        assert {c: prompt.count(c) for c in made.controls} == {c: plain.count(c) for c in made.controls}


def test_braces_in_a_text_stay_text() -> None:
    assert FORMATS["plain"].render("{user}", "{system}") == "{user}\n\n{system}\n\n"


@pytest.mark.parametrize("name", WRITTEN)
def test_harmless_text_is_left_alone(name: str) -> None:
    text = "p < 0.05 | [INSTANT] <strong> {x} <|> [/] </S> |eot_id| << SYS >>"
    assert FORMATS[name].harmless(text) == text  # type: ignore[index]


def test_without_a_system_role_its_text_heads_the_question() -> None:
    assert messages("S", "Q", system_role=False) == [{"role": "user", "content": "S\n\nQ"}]
    assert messages("S", "Q") == [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    assert messages(None, "Q") == [{"role": "user", "content": "Q"}]
