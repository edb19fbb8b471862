"""Where a run is trained: the device of each process, the dtype, and the memory that is free there."""

from __future__ import annotations

import sys
from pathlib import Path

from prepdata.cost import Range
from prepdata.errors import UsageError
from prepdata.files import read_bounded
from prepdata.model_folder import json_object
from trainers.config import TrainConfig
from trainers.distributed import Group, torchrun
from trainers.estimate import GIB
from trainers.problems import Problem


def choose(config: TrainConfig, processes: int) -> str:
    """Return "cuda" or "cpu".

    Raises:
        UsageError: a GPU is wanted and there is none, or there are more processes than GPUs.
    """
    import torch

    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise UsageError("--device cuda: torch finds no GPU here; use --device cpu, or a torch built for your GPU")
    if not there or config.device == "cpu":
        return "cpu"
    count = torch.cuda.device_count()
    if processes > count:
        cure = torchrun(count) if count > 1 else "one process, without a launcher"
        raise UsageError(f"{processes} processes and {count} visible GPUs: each process needs one; start {cure}")
    return "cuda"


def problems_of(config: TrainConfig, folder: Path, device: str, processes: int) -> tuple[str, list[Problem]]:
    """Return (dtype, problems) of a run on a device."""
    import torch

    problems: list[Problem] = []
    if device == "cpu" and config.device == "auto" and sys.platform == "darwin":
        problems.append(Problem("no-mps", False, False, "GPUs of Apple are not used; training runs on CPUs", "none"))
    if device == "cuda" and processes == 1 and torch.cuda.device_count() > 1:
        count = torch.cuda.device_count()
        said = f"{count} GPUs are visible, and one process trains on one"
        cure = f"all of them: {torchrun(count)}; or one: CUDA_VISIBLE_DEVICES=0"
        problems.append(Problem("several-gpus", True, False, said, cure))
    dtype = dtype_of(config, folder, device)
    if dtype == "bfloat16" and not _computes_in_bfloat16(device):
        said, cure = "this GPU does not compute in bfloat16", "use --dtype float16, or a GPU of 2020 or later"
        problems.append(Problem("no-bfloat16", True, False, said, cure))
    if dtype == "float32" and device == "cuda":
        said, cure = "a frozen base in float32 takes twice the memory", "use --dtype bfloat16"
        problems.append(Problem("float32-base", False, False, said, cure))
    return dtype, problems


def dtype_of(config: TrainConfig, folder: Path, device: str) -> str:
    """Return the dtype of a run: what its configuration says, or for "auto" what suits checkpoint and device."""
    if config.dtype != "auto":
        return config.dtype
    if device == "cpu":
        return "float32"
    told = json_object(folder / "config.json")
    kept = str(told.get("dtype") or told.get("torch_dtype"))
    return "float16" if kept == "float16" or not _computes_in_bfloat16(device) else "bfloat16"


def _computes_in_bfloat16(device: str) -> bool:
    import torch

    return device == "cpu" or bool(torch.cuda.is_bf16_supported(including_emulation=False))


def free_memory(device: str, group: Group) -> int:
    """Return the free bytes that each process can have: on the fullest of their GPUs, or an equal part of the memory of
    this machine; 0 where that cannot be told. To be called by all processes.
    """
    if device == "cpu":
        return _available() // group.size
    import torch

    return min(group.all(torch.cuda.mem_get_info(group.local_rank)[0]))


def _available() -> int:
    """Return the bytes of memory that Linux says are available, 0 where that cannot be told."""
    try:
        lines = read_bounded("/proc/meminfo", 1 << 16).decode().splitlines()
    except OSError:
        return 0
    held = next((line for line in lines if line.startswith("MemAvailable:")), "")
    return int(held.split()[1]) * 1024 if held else 0


def memory_problems(needed: Range, free: int, processes: int) -> list[Problem]:
    """Return whether the memory is enough.

    Args:
        needed: bytes of one process.
        free: bytes that each process can have; 0 if unknown.
        processes: how many there are.
    """
    if not free or needed.high <= free:
        return []
    low, high, there = (figure / GIB for figure in (needed.low, needed.high, free))
    each = f" for each of {processes} processes" if processes > 1 else ""
    said = f"{low:.1f} to {high:.1f} GiB of memory are needed{each}, {there:.1f} are free"
    cure = "--quantization nf4, a smaller --batch-size with more --gradient-accumulation, a smaller --max-length"
    return [Problem("memory", needed.low > free, False, said, cure)]
