"""A study's plan: the settings that are fixed before the first vote and committed to the ledger at opening."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from arena.domain.canonical import Json, canonical, sha256
from arena.domain.vocabulary import Choice
from arena.errors import BadInput


class PairPolicy(StrEnum):
    """How the next pairing is chosen for a rater."""

    BALANCED = "balanced"
    ACTIVE = "active"


class RevealRule(StrEnum):
    """When a rater may see which contender wrote what. No rule reveals anything while the study is open."""

    NEVER = "never"
    WHEN_PUBLISHED = "when_published"


class SamplingRule(StrEnum):
    """By whose settings answers are drawn: the study's, the same for all, or each model card's where it has any."""

    STUDY = "study"
    CARD = "card"


class WithdrawalRule(StrEnum):
    """What becomes of a rater's votes when the rater withdraws."""

    KEEP_VOTES = "keep_votes"
    WITHDRAW_VOTES = "withdraw_votes"


DEFAULT_SYSTEM_PROMPT = (
    "You answer questions about health and medicine. Be accurate, complete and clear, and say so when you are unsure."
)
DEFAULT_CONSENT = (
    "You will read clinical questions, each with two answers written by computer systems or people, and say which "
    "answer you prefer. The answers may be wrong: they are **not for clinical use**.\n\n"
    "Your choices are stored under a pseudonym, apart from your name, in a record that is never altered. "
    "You may stop at any time. On the page of your votes you may also leave the study: your name and your comments are "
    "then erased; whether your votes stay is said there."
)
DIGEST_PREFIX = "clinical-arena plan v1\n"


@dataclass(frozen=True)
class Plan:
    """The settings of a study, with their defaults. docs/plan.md describes each."""

    system_prompt: str = DEFAULT_SYSTEM_PROMPT
    consent: str = DEFAULT_CONSENT
    choices: tuple[Choice, ...] = tuple(Choice)
    raters_per_pairing: int = 1
    pair_policy: PairPolicy = PairPolicy.BALANCED
    claim_minutes: int = 24 * 60
    reveal: RevealRule = RevealRule.NEVER
    withdrawal: WithdrawalRule = WithdrawalRule.KEEP_VOTES
    sampling: SamplingRule = SamplingRule.STUDY
    answer_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0

    @property
    def answering(self) -> tuple[object, ...]:
        """What shapes every generated answer: it stays the same while a study has any."""
        return self.system_prompt, self.sampling, self.answer_tokens, self.temperature, self.seed

    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        return asdict(self) | {"choices": [str(choice) for choice in self.choices]}

    def to_json(self) -> dict[str, Json]:
        """The plan as the ledger holds it, in the canonical form.

        Settings that came later stand in it only where they are not at their default, so that the digest of an earlier
        plan stays what it was; and numbers with a fraction are text there, as the canonical form knows none.
        """
        plan = {name: value for name, value in self.settings().items() if name not in _LATER or value != _LATER[name]}
        return {name: repr(value) if isinstance(value, float) else value for name, value in plan.items()}

    @property
    def digest(self) -> str:
        """The SHA-256 that the ledger holds of the plan."""
        return sha256(DIGEST_PREFIX + canonical(self.to_json()))


def from_toml(text: str) -> Plan:
    """Read a plan from TOML. Raises BadInput naming the line or the key that is wrong."""
    try:
        return from_mapping(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the plan is not valid TOML: {error}") from error


def from_mapping(settings: dict[str, Any]) -> Plan:
    """Build a plan from plain values. Raises BadInput for an unknown key or a value out of bounds."""
    return _changed(Plan(), settings)


def with_setting(plan: Plan, assignment: str) -> Plan:
    """Apply one `KEY=VALUE`; the value is TOML, or a bare word taken as a string. Raises BadInput."""
    key, equals, value = assignment.partition("=")
    if not equals:
        raise BadInput(f"'{assignment}' is not of the form KEY=VALUE, such as raters_per_pairing=3")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    return _changed(plan, {key.strip(): parsed})


def to_toml(plan: Plan) -> str:
    """Write a plan as TOML that `from_toml` reads back to the same plan."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in plan.settings().items())


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, float):
        return repr(value)
    # A TOML basic string takes every JSON escape, and DEL must be escaped besides.
    return canonical(value).replace("\x7f", "\\u007f")


def _changed(plan: Plan, settings: dict[str, Any]) -> Plan:
    known = {field.name for field in fields(Plan)}
    for key in settings:
        if key not in known:
            raise BadInput(f"the plan has no setting '{key}'; its settings are {', '.join(sorted(known))}")
    plan = replace(plan, **{key: _READ[key](key, value) for key, value in settings.items()})
    if plan.choices != tuple(choice for choice in Choice if choice in plan.choices):
        raise BadInput(f"choices: name each once, in this order: {', '.join(Choice)}")
    if {Choice.A_BETTER, Choice.B_BETTER} - set(plan.choices):
        raise BadInput("choices: a_better and b_better cannot be left out")
    if (Choice.A_MUCH_BETTER in plan.choices) != (Choice.B_MUCH_BETTER in plan.choices):
        raise BadInput("choices: a_much_better and b_much_better go together, so that both sides are alike")
    return plan


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > 20_000:
        raise BadInput(f"{key}: must be a text of 1 to 20,000 characters")
    return value


def _count(key: str, value: Any, largest: int, *, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= largest:
        raise BadInput(f"{key}: must be a whole number from {least} to {largest}, not {value!r}")
    return value


def _temperature(key: str, value: Any) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 2.0:
        raise BadInput(f"{key}: must be a number from 0 to 2, not {value!r}")
    return number


def _word(key: str, value: Any, words: type[StrEnum]) -> Any:
    if value not in list(words):
        raise BadInput(f"{key}: must be one of {', '.join(words)}, not {value!r}")
    return words(value)


def _choices(key: str, value: Any) -> tuple[Choice, ...]:
    if not isinstance(value, list | tuple):
        raise BadInput(f"{key}: must be a list of choices")
    return tuple(_word(key, item, Choice) for item in value)


_READ: dict[str, Callable[[str, Any], Any]] = {
    "system_prompt": _text,
    "consent": _text,
    "choices": _choices,
    "raters_per_pairing": lambda key, value: _count(key, value, 1000),
    "pair_policy": lambda key, value: _word(key, value, PairPolicy),
    "claim_minutes": lambda key, value: _count(key, value, 60 * 24 * 365),
    "reveal": lambda key, value: _word(key, value, RevealRule),
    "withdrawal": lambda key, value: _word(key, value, WithdrawalRule),
    "sampling": lambda key, value: _word(key, value, SamplingRule),
    "answer_tokens": lambda key, value: _count(key, value, 100_000),
    "temperature": _temperature,
    "seed": lambda key, value: _count(key, value, 2**31 - 1, least=0),
}
_LATER: dict[str, object] = {"sampling": "study", "answer_tokens": 1024, "temperature": 0.0, "seed": 0}
