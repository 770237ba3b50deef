"""What cannot be a truth is refused with the place, the key and what it may be."""

from __future__ import annotations

import math
from typing import Any

import pytest

from arena.errors import BadInput
from arena.ratings.simulation import Questions, Truth, from_mapping, spread, with_setting

C = [{"name": "x"}, {"name": "y", "strength": 0.5}]


def test_what_is_not_stated_is_the_default() -> None:
    assert from_mapping({}) == Truth()
    assert from_mapping({"questions": {"sd": 1}}) == Truth(questions=Questions(sd=1))


def test_strengths_may_be_stated_on_the_scale_of_elo() -> None:
    truth = from_mapping(
        {"contenders": [{"name": "x", "elo": 1400}, {"name": "y", "elo": 1000.0}], "assignment": {"pairs": 1}}
    )
    assert [each.strength for each in truth.contenders] == pytest.approx([math.log(10), 0.0])


def test_default_contenders_are_quantiles_in_the_order_of_their_names() -> None:
    twelve = spread(12)
    assert [each.name for each in twelve] == sorted(each.name for each in twelve)
    assert [each.strength for each in twelve] == sorted((each.strength for each in twelve), reverse=True)
    assert sum(each.strength for each in twelve) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"rater": {}}, "'rater' is not part of a truth; its tables are contenders, categories, judges, questions"),
        ({"raters": 3}, "raters: must be a table of settings, not 3"),
        ({"raters": {"count": 3}}, "raters.count: there is no such setting; there are number, sd, slope_sd"),
        ({"raters": {"number": 2.5}}, "raters.number: must be a whole number from 0 to 1e+07, not 2.5"),
        ({"raters": {"number": True}}, "raters.number: must be a whole number"),
        ({"questions": {"sd": -1}}, "questions.sd: must be a number from 0 to 20, not -1"),
        ({"questions": {"sd": math.nan}}, "questions.sd: must be a number from 0 to 20, not nan"),
        ({"questions": {"sd": "1"}}, "questions.sd: must be a number from 0 to 20, not '1'"),
        ({"assignment": {"both_orders": 1}}, "assignment.both_orders: must be true or false, not 1"),
        ({"contenders": {"name": "x"}}, r"contenders: must be a list of tables, each under \[\[contenders\]\]"),
        ({"contenders": [C[0], {"strength": 1}]}, "contenders 2, name: is missing"),
        ({"contenders": [C[0], {"name": "y", "strength": "high"}]}, "contenders 2, strength: must be a number"),
        ({"contenders": [C[0], {"name": "y", "elo": 1, "strength": 1}]}, "contenders 2, elo: is given beside strength"),
        ({"contenders": [C[0], {"name": "a\nb"}]}, "contenders 2, name: must be a text of 1 to 200 characters on one"),
        ({"contenders": [C[0], {"name": "\x1b[31m"}]}, "contenders 2, name: must be a text"),
        ({"contenders": [C[0], {"name": 7}]}, "contenders 2, name: must be a text"),
        ({"contenders": [C[0], C[0]]}, "contenders: two have the name 'x'; each needs its own"),
        ({"contenders": C[:1]}, "contenders: there must be 2 to 1,000, not 1"),
        ({"contenders": C}, "assignment.pairs: 2 contenders make 1 pairs; state no more"),
        ({"categories": [{"name": "h", "effects": {"z": 1}}]}, "categories 1, effects: there is no contender 'z'"),
        ({"categories": [{"name": "h", "effects": 1}]}, "categories 1, effects: must be a table of contenders"),
        ({"judges": [{"name": "j", "bias": {"contender-1": "much"}}]}, "judges 1, bias.contender-1: must be a number"),
        ({"judges": [{"name": "j", "bias": {"x": 1}, "bias_sd": 1}]}, "judges 1, bias_sd: is given beside bias"),
        ({"assignment": {"votes": 11}}, "assignment.votes: each is by another rater, and raters.number is 10"),
        ({"riggers": {"number": 1}}, "riggers.favours: must name a contender, not None"),
        ({"riggers": {"number": 10, "favours": "contender-1"}}, "riggers.number: riggers are some of the raters"),
        ({"raters": {"number": 0}}, "there must be 1 to 2,147,483,647 votes"),
        ({"questions": {"number": 10_000_000}, "assignment": {"pairs": 28, "votes": 10}}, "there must be 1 to"),
    ],
)
def test_refusals_name_the_place_and_the_key(stated: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told.replace("+", r"\+")):
        from_mapping(stated)


def test_settings_are_laid_over_what_is_stated() -> None:
    stated = {"raters": {"number": 5}}
    more = with_setting(with_setting(stated, "raters.sd=0.5"), "riggers.favours = contender-1")
    assert more == {"raters": {"number": 5, "sd": 0.5}, "riggers": {"favours": "contender-1"}}
    assert stated == {"raters": {"number": 5}}, "the argument is left as it was"


@pytest.mark.parametrize("assignment", ["raters.sd", "sd=1", "nothing.sd=1", "judges.bias=1", "=", "raters.=1"])
def test_a_setting_of_another_form_is_refused(assignment: str) -> None:
    with pytest.raises(BadInput, match=r"is not of the form TABLE\.KEY=VALUE"):
        with_setting({}, assignment)
