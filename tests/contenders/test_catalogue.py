"""What the catalogue says of the thirteen systems of the published tables, and files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena.contenders.catalogue import catalogue, find, read
from arena.errors import BadInput, NotFound
from arena.reports.published import published_table

OWN = """
name = "Mine"
maker = "Us"
reached = "vllm"
id = "us/mine"
context = 4096
format = "plain"
licence = "MIT"
gives_away = ["Mine"]
"""


def test_all_thirteen_systems_are_there() -> None:
    reached = {entry.name: entry.reached for entry in catalogue().values()}
    assert sorted(reached.values()) == ["api"] + ["recorded"] * 3 + ["vllm"] * 9
    assert {name for name, how in reached.items() if how == "recorded"} == {"GPT-4.0", "GPT-3.5", "Med-PaLM-2"}


def test_the_published_board_is_named_alike() -> None:
    assert {row.model for row in published_table().rows} <= set(catalogue())


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_what_was_retired_says_when_and_what_is_open_what_it_needs(name: str) -> None:
    entry = catalogue()[name]
    assert (entry.retired is not None) == (entry.reached == "recorded")
    assert (entry.memory is not None) == (entry.reached == "vllm")
    if entry.memory:
        assert entry.stop
        assert entry.memory.bf16 > entry.memory.fp8 > entry.memory.int4


def test_llama_3_stops_at_the_end_of_a_turn() -> None:
    assert all("<|eot_id|>" in entry.stop for entry in catalogue().values() if entry.format == "llama-3")


def test_a_name_is_found_in_any_case_and_a_file_of_ones_own_goes_first(tmp_path: Path) -> None:
    assert find("med42-V2-8b").name == "Med42-v2-8B"
    own = tmp_path / "mine.toml"
    own.write_text(OWN.replace('"Mine"', '"Med42-v2-8B"', 1))
    assert find("Med42-v2-8B", [own]).maker == "Us"
    with pytest.raises(NotFound, match="arena contenders list"):
        find("Med43")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("context = 4096", "context = -1", r"mine\.toml: context: "),
        ('maker = "Us"', "", r"mine\.toml: maker: "),
        ('licence = "MIT"', 'licence = "MIT"\nbase_url = "http://evil.example"', r"mine\.toml: base_url: "),
        ('format = "plain"', 'format = "pidgin"', r"mine\.toml: format: "),
        ('id = "us/mine"', "", "needs id, context and format"),
        ('format = "plain"', 'format = "mixtral"', "set system_role = false"),
        ('maker = "Us"', "maker = Us", "is not TOML"),
        ('id = "us/mine"', 'id = "--trust-remote-code"', r"mine\.toml: id: "),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    own = tmp_path / "mine.toml"
    assert old in OWN
    own.write_text(OWN.replace(old, new))
    with pytest.raises(BadInput, match=said):
        read(own)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="not UTF-8"):
        read(tmp_path / "bytes.toml")
