"""Answers that name their system or its maker, found without touching the clinical words that look like such names.

Two kinds of names. What no clinician writes (Med42, ChatGPT) is a leak wherever it stands. What is also a word of its
own (Claude, Gemini, llama, palm, M42 of the ICD-10, GPT the transaminase) is one only where the text speaks of itself:
"I am …", "as …, I", "developed by …", "… language model". English first; markup and invisible characters between the
letters do not hide a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

DISTINCT = (
    *("Med42", "M42 Health", "OpenBioLLM", "BioLLM", "MedLlama", "ClinicalCamel", "Clinical Camel", "Meditron"),
    *("ChatGPT", "GPT 3", "GPT 4", "GPT 4o", "GPT 5", "InstructGPT", "BioGPT", "PMC-LLaMA", "OpenAI", "Anthropic"),
    *("DeepMind", "Mixtral"),
    *("Mistral AI", "Meta AI", "Google AI", "Google Bard", "Google Gemini", "MedLM", "Med-PaLM", "MedPaLM", "PaLM 2"),
    *("MedGemma", "Llama 2", "Llama 3", "Claude 2", "Claude 3", "Claude Sonnet", "Claude Opus", "Claude Haiku"),
    *("Qwen", "DeepSeek", "John Snow Labs", "JSL MedLlama", "Nous Hermes", "WizardLM", "Microsoft Copilot"),
    *("Bing Chat", "Perplexity AI", "xAI", "Hugging Face", "WangLab", "Saama", "Ask-K", "BioMistral"),
)
"""Names of systems and makers that mean nothing else in a clinical text."""
AMBIGUOUS = (
    *("Claude", "Gemini", "Llama", "Falcon", "Orca", "PaLM", "Bard", "Camel", "Mistral", "Phi", "Grok", "Command"),
    *("Copilot", "Titan", "Nova", "Meta", "Google", "Microsoft", "Amazon", "M42", "Apollo", "Gemma", "Vicuna"),
    *(
        "Alpaca",
        "Dolly",
        "Hermes",
        "Sonnet",
        "Bing",
        "Perplexity",
        "Cohere",
        "Facebook",
        "JSL",
        "Aaditya",
        "Alibaba",
        "GPT",
    ),
)
"""Names that are words of their own as well: anatomy, twins, animals, codes, searching the web."""

_KIND = r"(?:language|ai|artificial|chat|virtual|digital|medical|clinical|large|health|healthcare|conversational)"
_THING = r"(?:model|assistant|chatbot|ai|bot|llm|system)"
_MADE = (
    r"(?:developed|created|made|built|trained|designed|programmed|provided|powered|produced|released|published"
    r"|fine[-\s]?tuned|engineered|offered|maintained|run|driven|operated)"
)
_ARTICLE = r"(?:(?:the|an?|your|ai|model|assistant)\s+){{0,4}}"
_TEAM = r"(?:(?:the|an?|team|company|researchers|scientists|engineers|people|folks|experts|at|of|from)\s+){{0,6}}"
# What makes an ambiguous name one, before it or after it; {} is the name.
_CONTEXTS = (
    r"\b(?:i\s*am|i'm|my\s+name\s+is|my\s+name's|call\s+me|(?:talking|chatting|speaking)\s+(?:to|with))\s+"
    rf"(?:called\s+|named\s+)?{_ARTICLE}({{}})(?=\s*(?:[,.;:!?()\n—–-]|$|and\b|from\b|by\b|your\b|an?\b|the\b|\d|'s\b))",
    rf"\b(?:ai|model|assistant|chatbot|bot|llm|i\s*am|i'm)\s+(?:is\s+)?(?:called|named|known\s+as)\s+{_ARTICLE}({{}})",
    r"(?<!such )(?<!known )\bas\s+({})(?=\s*,|\s+i\b)",
    rf"\b{_MADE}\s+(?:and\s+{_MADE}\s+)?by\s+{_TEAM}({{}})",
    rf"\b(?:model|assistant|chatbot|ai|bot|llm|i\s+was)\b[^.!?\n]{{{{0,40}}}}\b{_MADE}\s+(?:at|on|from|through|with)\s+{_TEAM}({{}})",
    r"\b(?:based\s+(?:up)?on|version\s+of|variant\s+of|member\s+of|part\s+of)\s+(?:the\s+)?({})"
    r"(?=[^.!?\n]{{0,30}}\b(?:model|family|llm|ai|series|architecture)\b)",
    rf"\b({{}})(?:\s*[-,(]?\s*(?:an?\s+)?{_KIND}){{{{1,4}}}}\s+{_THING}\b",
    rf"\b({{}})(?:'s)?\s+(?:{_THING}|(?:training|safety|usage|content)\s+(?:data|polic(?:y|ies)|guidelines))\b",
    rf"\b{_THING}\s+(?:from|by)\s+({{}})",
    r"(?:^|[.!?]\s+|\b(?:hello|hi|hey)[,!]?\s+)({})\s+here\s*(?:[.,!:;]|$)",
    r"\b({})\s*[-–]?\s*(?:v(?:ersion)?\s*)?\d+(?:\.\d+)?\s*b\b(?!\d)",
    r"^\W{{0,20}}({})\s*(?::|says\b|answers\b)",
    r"^\s*(?:--|[–—~])\s*({})\s*$",
    r"\b(?:signed|sincerely|regards|yours)\W{{1,20}}(?:\w{{1,30}}\W{{1,20}})?({})\s*$",
)
_JOIN = r"[\s\-_.·/]{0,4}"
_DROPPED = frozenset("*_`~")
_DELETED = str.maketrans("", "", "*_`~")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True)
class Leak:
    """Where an answer names its system: `text[start:end]`, which is the name `name`."""

    start: int
    end: int
    name: str


def leaks(text: str, own: Iterable[str] = ()) -> list[Leak]:
    """The places in an answer that name its system or a maker, in order, none within another.

    `own` are the further words that would give this contender away (the catalogue's `gives_away`); of those that are
    words of their own (`AMBIGUOUS`) a context is asked as well.
    """
    words = tuple(sorted({word for word in own if _letters(word)}))
    if not _mention(words).search(_glanced(text)):
        return []
    plain, origin = _plain(text)
    found = [
        Leak(origin[match.start(1)], origin[match.end(1) - 1] + 1, name)
        for pattern, names in _patterns(words)
        for match in pattern.finditer(plain)
        if (name := _named(match[1], names))
    ]
    kept: list[Leak] = []
    for leak in sorted(found, key=lambda leak: (leak.start, -leak.end)):
        if not kept or leak.start >= kept[-1].end:
            kept.append(leak)
    return kept


def masked(text: str, found: Sequence[Leak], mask: str = "[name withheld]") -> str:
    """The text with every leak replaced by `mask`."""
    for leak in reversed(found):
        text = text[: leak.start] + mask + text[leak.end :]
    return text


def _plain(text: str) -> tuple[str, list[int]]:
    """The text as it reads, in small letters, without markup or invisible signs; and where each sign came from."""
    signs: list[str] = []
    origin: list[int] = []
    for at, sign in enumerate(text):
        if sign in _DROPPED or unicodedata.category(sign) in ("Cf", "Mn"):
            continue
        for part in unicodedata.normalize("NFKD", sign).casefold().replace("’", "'"):
            # Of a run of white space two signs are enough; without end, patterns would go back and forth in it.
            if unicodedata.category(part) != "Mn" and not (part.isspace() and _is_run(signs)):
                signs.append(part)
                origin.append(at)
    return "".join(signs), origin


def _is_run(signs: list[str]) -> bool:
    return len(signs) > 1 and signs[-1].isspace() and signs[-2].isspace()


def _glanced(text: str) -> str:
    """The same in one go, without the places: nearly all answers hold no name, and a look at this tells so soon."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_DELETED)
    return _BEYOND_ASCII.sub(lambda found: _blank(found.group()), plain)


@lru_cache(maxsize=4096)
def _blank(run: str) -> str:
    """What stands for signs beyond ASCII: nothing where they are invisible, else a space, which no name has within."""
    return "".join("" if unicodedata.category(sign) in ("Cf", "Mn") else " " for sign in run)


@lru_cache(maxsize=64)
def _mention(own: tuple[str, ...]) -> re.Pattern[str]:
    """Any name as a word, in any context: where this is not found, none of `_patterns` is."""
    names = (*DISTINCT, *AMBIGUOUS, *own)
    first = "".join({_letters(name)[0] for name in names})
    return re.compile(rf"(?<![a-z])(?=[{first}])(?:{_any(names)})(?![a-z])")


@lru_cache(maxsize=64)
def _patterns(own: tuple[str, ...]) -> list[tuple[re.Pattern[str], dict[str, str]]]:
    plain = {_letters(name): name for name in AMBIGUOUS}
    always = [*DISTINCT, *(name for name in own if _letters(name) not in plain)]
    distinct = {_letters(name): name for name in always}
    anywhere = re.compile(rf"(?<![a-z0-9])({_any(always)})(?=[^a-z]|\d|$)")
    ambiguous = f"(?:{_any(AMBIGUOUS)})(?![a-z])(?!-[a-z])"
    contexts = [re.compile(context.format(ambiguous), re.MULTILINE) for context in _CONTEXTS]
    return [(anywhere, distinct), *((context, plain) for context in contexts)]


def _any(names: Iterable[str]) -> str:
    """A pattern of any of the names, the longest first, whatever stands between their parts."""
    return "|".join(_JOIN.join(map(re.escape, _parts(name))) for name in sorted(names, key=len, reverse=True))


def _parts(name: str) -> list[str]:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if unicodedata.category(sign) != "Mn")
    return re.findall(r"[a-z]+|\d+", plain.casefold())


def _letters(text: str) -> str:
    return "".join(_parts(text))


def _named(found: str, names: dict[str, str]) -> str | None:
    return names.get(_letters(found))
