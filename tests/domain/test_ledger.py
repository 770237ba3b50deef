"""The ledger's format, checked against an implementation written from its specification with the standard library."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.domain.canonical import canonical, digest
from arena.domain.ledger import (
    GENESIS,
    Draft,
    Head,
    Kind,
    LedgerBroken,
    check_link,
    entry_hash,
    link,
    moment,
    read_head,
    seal,
    timestamp,
)
from arena.errors import BadInput

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8"))
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
keys = st.text(st.characters(max_codepoint=127))
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=10)


@given(values)
def test_canonical_text_reads_back_to_the_same_value_and_does_not_depend_on_order(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(_reversed(value)) == text


def test_canonical_text_is_that_of_rfc_8785() -> None:
    """The RFC's own example of strings and of sorting, less what the restricted form leaves out."""
    assert canonical({"b": '\u20ac$\u000f\nA\'B"\\\\"/', "a": [None, True, False, 56]}) == (
        '{"a":[null,true,false,56],"b":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize("value", [1.5, {"ä": 1}, 2**53, {"x": {1: 2}}, b"bytes", float("nan")])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical(value)


def test_an_entry_hashes_to_what_its_specification_says() -> None:
    [linked] = link("c0ffee", Head(0, GENESIS), [Draft(Kind.STATE, {"from": "draft", "to": "open"}, "someone")], NOW)
    body = (
        '{"actor":"someone","chain":"c0ffee","kind":"state","payload":{"from":"draft","to":"open"},'
        f'"prev":"{"0" * 64}","seq":1,"time":"2026-01-02T03:04:05.000678Z","v":1}}'
    )
    assert linked.body == body
    assert linked.hash == hashlib.sha256(b"clinical-arena ledger v1\n" + body.encode()).hexdigest()


@given(st.lists(st.dictionaries(keys, values, max_size=3), min_size=1, max_size=8), st.data())
def test_a_chain_checks_and_any_change_of_it_is_found_at_its_place(
    payloads: list[dict[str, Any]], data: st.DataObject
) -> None:
    chained = list(link("c", Head(0, GENESIS), [Draft(Kind.VOTE, payload) for payload in payloads], NOW))
    _walk([(json.loads(entry.body), entry.hash) for entry in chained])

    broken = [(json.loads(entry.body), entry.hash) for entry in chained]
    place = data.draw(st.integers(0, len(broken) - 1))
    fields, hash_ = broken[place]
    name = data.draw(st.sampled_from(sorted(fields)))
    changed = {**fields, name: data.draw(values.filter(lambda value: json.dumps(value) != json.dumps(fields[name])))}
    broken[place] = (changed, hash_)
    with pytest.raises(LedgerBroken) as caught:
        _walk(broken)
    assert caught.value.position == place + 1


def test_a_changed_entry_with_a_hash_of_its_own_breaks_the_next_link() -> None:
    chained = list(link("c", Head(0, GENESIS), [Draft(Kind.VOTE, {"n": n}) for n in range(3)], NOW))
    rows = [(json.loads(entry.body), entry.hash) for entry in chained]
    forged = {**rows[0][0], "payload": {"n": 9}}
    rows[0] = (forged, entry_hash(canonical(forged)))
    with pytest.raises(LedgerBroken, match="entry 2"):
        _walk(rows)


def test_sealed_texts_are_committed_under_their_own_salt() -> None:
    one, other = seal("the same words"), seal("the same words")
    assert one.commitment != other.commitment
    expected = hashlib.sha256(f"clinical-arena sealed v1\n{one.salt}\nthe same words".encode()).hexdigest()
    assert one.commitment == expected
    assert len(one.salt) == 32


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_moments_keep_their_microseconds(when: datetime) -> None:
    assert moment(timestamp(when)) == when


def test_heads_are_read_as_boards_print_them() -> None:
    hash_ = "ab" * 32
    assert read_head(f"812:{hash_}") == Head(812, hash_)
    assert read_head(hash_) == Head(0, hash_)
    for wrong in ("", "812", f"x:{hash_}", hash_[:-1], hash_.upper(), f"-1:{hash_}"):
        with pytest.raises(BadInput, match="not a ledger head"):
            read_head(wrong)


def test_digests_are_of_the_canonical_text() -> None:
    assert digest({"b": 1, "a": None}) == hashlib.sha256(b'{"a":null,"b":1}').hexdigest()


def _walk(rows: list[tuple[Any, str]]) -> None:
    head = Head(0, GENESIS)
    for fields, hash_ in rows:
        entry = check_link(fields, hash_, "c", head)
        head = Head(entry.seq, hash_)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(list(value))}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("name", "value"), [("v", True), ("seq", True), ("seq", "1"), ("actor", "\ud800"), ("time", 1)]
)
def test_a_field_of_another_type_is_no_entry(name: str, value: object) -> None:
    [linked] = link("c", Head(0, GENESIS), [Draft(Kind.VOTE, {})], NOW)
    fields = json.loads(linked.body)
    check_link(fields, linked.hash, "c", Head(0, GENESIS))
    with pytest.raises(LedgerBroken, match="entry 1"):
        check_link({**fields, name: value}, linked.hash, "c", Head(0, GENESIS))
