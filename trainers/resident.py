"""Memory as a training really has it: what the libraries hold before the model is loaded, and the peak after that.

On CPUs both are resident memory of this process (`VmRSS` and `VmHWM` of /proc/self/status; writing 5 to
/proc/self/clear_refs starts the peak anew: Linux, proc(5)). Elsewhere than on Linux the peak is that of the whole life
of the process. On GPUs they are what the device has in use while no tensor is there (context, kernels, other
processes), and that plus the most that torch has reserved.
"""

from __future__ import annotations

import ctypes
import gc
import re
import resource
import sys
from pathlib import Path

LIBRARIES = ("datasets", "peft", "trl.trainer.sft_trainer")
"""What a training imports besides torch and transformers, and is to be there before memory is looked at."""


def library_memory(device: str) -> int:
    """Return the bytes that are taken before a model is there; imports what a training imports.

    Args:
        device: "cpu" or "cuda".
    """
    from importlib import import_module

    for name in LIBRARIES:
        import_module(name)
    if device == "cpu":
        hand_back()
        return _status("VmRSS") or _peak_of_life()
    import torch

    torch.cuda.init()  # type: ignore[no-untyped-call]
    free, total = torch.cuda.mem_get_info()
    return int(total - free - torch.cuda.memory_reserved())


def start_peak(device: str) -> None:
    """Forget the peak of what came before, where that is possible."""
    if device != "cpu":
        import torch

        torch.cuda.reset_peak_memory_stats()
        return
    hand_back()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak(device: str, libraries: int) -> int:
    """Return the peak in bytes since `start_peak`, the libraries among it.

    Args:
        device: "cpu" or "cuda".
        libraries: what `library_memory` returned; on CPUs it is in the peak already.
    """
    if device == "cpu":
        return _status("VmHWM") or _peak_of_life()
    import torch

    return int(torch.cuda.max_memory_reserved()) + libraries


def hand_back() -> None:
    """Give memory that is free back to the system: malloc_trim(3) of glibc, nothing elsewhere."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _status(name: str) -> int:
    """Return a figure of /proc/self/status in bytes, 0 where there is none."""
    try:
        held = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", held, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _peak_of_life() -> int:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024
