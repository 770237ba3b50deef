"""The serving commands: right for the machine, or a plain refusal."""

from __future__ import annotations

from itertools import pairwise

import pytest

from arena.contenders.catalogue import catalogue, find
from arena.contenders.serving import Machine, command
from arena.errors import BadInput, Incomplete

OPEN = sorted(entry.name for entry in catalogue().values() if entry.reached == "vllm")


def stored(name: str, gpus: int, memory: float) -> str:
    made = command(find(name), Machine(gpus, memory))
    return made[made.index("--quantization") + 1] if "--quantization" in made else made[made.index("--dtype") + 1]


@pytest.mark.parametrize(
    ("name", "gpus", "memory", "storage"),
    [
        # 16 GB + 4.3 GB of cache in 0.9 x 24 - 3 = 18.6 GB: only as fp8
        ("Med42-v2-8B", 1, 24, "fp8"),
        ("Med42-v2-8B", 1, 80, "bfloat16"),
        # 141 + 10.7 GB; two GPUs of 80 GB leave 138 GB, four 276 GB
        ("Med42-v2-70B", 4, 80, "bfloat16"),
        ("Med42-v2-70B", 2, 80, "fp8"),
        ("Med42-v2-70B", 1, 80, "bitsandbytes"),
    ],
)
def test_the_least_quantised_that_fits_is_taken(name: str, gpus: int, memory: float, storage: str) -> None:
    assert stored(name, gpus, memory) == storage


def test_what_does_not_fit_says_by_how_much() -> None:
    with pytest.raises(Incomplete, match=r"needs bf16 152 GB, fp8 82 GB, int4 50 GB .* 1 x 24 GB leave 19 GB"):
        command(find("Med42-v2-70B"), Machine(1, 24))
    with pytest.raises(Incomplete, match="needs bf16 152 GB for"):
        command(find("Med42-v2-70B"), Machine(1, 80), storage="bf16")


@pytest.mark.parametrize("name", ["GPT4-o", "GPT-4.0", "Med-PaLM-2"])
def test_what_vllm_does_not_serve_says_how_it_is_reached(name: str) -> None:
    with pytest.raises(BadInput, match=r"retired on|maker's API"):
        command(find(name), Machine(8, 80))


def test_heads_that_cannot_be_shared_are_refused() -> None:
    with pytest.raises(BadInput, match="64 attention heads, which 3 GPUs cannot share"):
        command(find("Med42-v2-70B"), Machine(3, 80))


@pytest.mark.parametrize("name", OPEN)
def test_no_command_runs_code_of_a_model_or_listens_to_others(name: str) -> None:
    made = command(find(name), Machine(8, 80), port=8123)
    assert not [part for part in made if "trust" in part]
    assert made[:3] == ["vllm", "serve", find(name).id]
    flags = dict(pairwise(made))
    assert flags["--host"] == "127.0.0.1"
    assert flags["--port"] == "8123"
    assert flags["--generation-config"] == "vllm"
    assert flags["--max-model-len"] == str(find(name).context)


def test_a_pinned_revision_is_in_the_command() -> None:
    pinned = find("Med42-v2-8B").model_copy(update={"revision": "abc123"})
    made = command(pinned, Machine(1, 80))
    assert made[made.index("--revision") + 1] == "abc123"
    assert "--revision" not in command(find("Med42-v2-8B"), Machine(1, 80))
