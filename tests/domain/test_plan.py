"""A study's plan: read, changed, written and digested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain import plan as plans
from arena.domain.plan import Plan
from arena.domain.vocabulary import Choice
from arena.errors import BadInput

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda text: text.strip())


@given(words, words, st.integers(1, 1000))
def test_a_plan_written_as_toml_reads_back_the_same(prompt: str, consent: str, places: int) -> None:
    plan = Plan(system_prompt=prompt, consent=consent, raters_per_pairing=places)
    again = plans.from_toml(plans.to_toml(plan))
    assert again == plan
    assert again.digest == plan.digest


def test_a_changed_setting_changes_the_digest() -> None:
    assert plans.with_setting(Plan(), "raters_per_pairing=3").digest != Plan().digest


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("raters_per_pairing=3", "raters_per_pairing", 3),
        ("reveal=when_published", "reveal", "when_published"),
        ('reveal="never"', "reveal", "never"),
        ("system_prompt=Be brief.", "system_prompt", "Be brief."),
        ('choices=["a_better","b_better"]', "choices", (Choice.A_BETTER, Choice.B_BETTER)),
    ],
)
def test_one_setting_is_changed_by_key_and_value(assignment: str, field: str, value: object) -> None:
    assert getattr(plans.with_setting(Plan(), assignment), field) == value


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("raters_per_pairing", "KEY=VALUE"),
        ("raters=3", "no setting 'raters'"),
        ("raters_per_pairing=0", "from 1 to 1000"),
        ("raters_per_pairing=true", "from 1 to 1000"),
        ("raters_per_pairing=many", "from 1 to 1000"),
        ("reveal=always", "never, when_published"),
        ("system_prompt=", "1 to 20,000 characters"),
        ('choices=["tie_good","a_better","b_better"]', "in this order"),
        ('choices=["a_better"]', "cannot be left out"),
        ('choices=["a_much_better","a_better","b_better"]', "go together"),
        ("choices=a_better", "must be a list"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(assignment: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plans.with_setting(Plan(), assignment)


def test_broken_toml_is_named_with_its_line() -> None:
    with pytest.raises(BadInput, match="line 2"):
        plans.from_toml('reveal = "never"\nraters_per_pairing = = 3')
