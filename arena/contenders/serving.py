"""The vLLM command that serves a system, and whether it fits on the machine at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arena.contenders.catalogue import Entry, Memory
from arena.errors import BadInput, Incomplete

Storage = Literal["bf16", "fp8", "int4"]

USED = 0.9
"""The share of a GPU's memory that vLLM may take (its own default)."""
RUNTIME_GB = 3.0
"""Kept on each GPU for activations, CUDA graphs and buffers: an allowance, not a measurement."""
SEQUENCES = 4
"""Full-length prompts for whose cache there must be room at least: with fewer, a batch is served one by one."""
_FLAGS: dict[Storage, tuple[str, ...]] = {
    "bf16": ("--dtype", "bfloat16"),
    "fp8": ("--quantization", "fp8"),
    "int4": ("--quantization", "bitsandbytes"),
}
_GB = 1e9
_MIB = 2.0**20


@dataclass(frozen=True)
class Machine:
    """So many GPUs, each with so many GB of memory."""

    gpus: int
    gpu_memory: float

    @property
    def usable(self) -> float:
        """GB for weights and cache on all GPUs together."""
        return self.gpus * (self.gpu_memory * USED - RUNTIME_GB)


def command(entry: Entry, machine: Machine, *, port: int = 8000, storage: Storage | None = None) -> list[str]:
    """The `vllm serve` command as an argument list: the least quantised storage that fits, or `storage`.

    Raises BadInput for a system that vLLM does not serve, or GPUs that its heads cannot be shared among, and
    Incomplete, with the sums, where it does not fit.
    """
    if entry.reached != "vllm" or entry.memory is None or entry.id is None or entry.context is None:
        raise BadInput(f"'{entry.name}' is not served by vLLM here: {_why_not(entry)}")
    if entry.memory.attention_heads % machine.gpus:
        raise BadInput(
            f"'{entry.name}' has {entry.memory.attention_heads} attention heads, which {machine.gpus} GPUs cannot share"
            " evenly: use 1, 2, 4 or 8"
        )
    chosen = _chosen(entry, entry.memory, entry.context, machine, storage)
    return [
        *("vllm", "serve", entry.id),
        *(("--revision", entry.revision) if entry.revision else ()),
        *("--served-model-name", entry.name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--tensor-parallel-size", str(machine.gpus)),
        *("--max-model-len", str(entry.context)),
        *("--gpu-memory-utilization", str(USED)),
        *_FLAGS[chosen],
        "--enable-prefix-caching",
        # Without it the sampling of the model's own files becomes the server's silent default.
        *("--generation-config", "vllm"),
    ]


def notes(entry: Entry, command: list[str]) -> list[str]:
    """What whoever runs the command should know."""
    said = []
    if "--quantization" in command:
        said.append("the weights are quantised while they are loaded, which may change the answers")
    if entry.gated:
        said.append(f"the weights are gated: accept their licence ({entry.licence}) where they are fetched from first")
    if not entry.revision:
        said.append("no revision is pinned: the newest weights are fetched; add vLLM's own --revision to keep to one")
    return said


def needed(memory: Memory, storage: Storage, context: int) -> float:
    """GB for the weights so stored, and for the cache of a few full-length prompts."""
    weights: float = getattr(memory, storage)
    return weights + SEQUENCES * context * memory.kv_mib_per_token * _MIB / _GB


def _chosen(entry: Entry, memory: Memory, context: int, machine: Machine, storage: Storage | None) -> Storage:
    tried: tuple[Storage, ...] = ("bf16", "fp8", "int4") if storage is None else (storage,)
    for one in tried:
        if needed(memory, one, context) <= machine.usable:
            return one
    sums = ", ".join(f"{one} {needed(memory, one, context):.0f} GB" for one in tried)
    raise Incomplete(
        f"'{entry.name}' does not fit: it needs {sums} for weights and the cache of {SEQUENCES} full prompts, and"
        f" {machine.gpus} x {machine.gpu_memory:g} GB leave {machine.usable:.0f} GB; use more or larger GPUs"
    )


def _why_not(entry: Entry) -> str:
    if entry.reached == "api":
        return "it is reached through its maker's API (arena generate --base-url)"
    return f"it was retired on {entry.retired}; import recorded answers" if entry.retired else "only recorded answers"
