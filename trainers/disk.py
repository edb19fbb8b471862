"""How large the folder of a run grows, and whether there is room for it.

Worked out from what is written (transformers 5.24, TRL 1.16, peft 0.21, datasets 5.2). The figures are sizes of files
of LoRA and QLoRA runs with a tiny model, an adapter of 655,360 weights and one to four checkpoints kept, 2026-11-30;
the largest size of their folders, looked at every 10 ms, was 0.99 of the estimate without `REST`.

- A checkpoint holds each weight of the adapter three times: itself and the two moments of Adam. In float32 that is 12
  bytes, in bfloat16, in which TRL keeps the adapters of QLoRA, 6. Beside them lie the files of the tokenizer, a line
  of the log for each step and validation so far, and 28 kB of states and settings, 14 of them for each process.
- A new checkpoint is written before an old one goes, so that there is one more than are kept; and where the best one
  is looked for, two are kept at least, it and the last one.
- The rows lie there as JSON and, while it trains, in the cache of the library datasets: as loaded, and once more with
  12 bytes a token after each of three steps of TRL.
- The adapter itself takes less than the one checkpoint more, which is gone when it is written.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from trainers.config import TrainConfig
from trainers.problems import Problem

COPIES = 3
"""Times that a checkpoint holds a weight of the adapter."""
STATE, STATE_OF_PROCESS = 16_000, 16_000
"""Bytes of states and settings of a checkpoint, and of the states of chance of each process."""
LOG_LINE = 350
"""Bytes of a step or a validation in the log of a checkpoint (329 measured); 215 in the metrics of the run."""
CACHED_STEPS, TOKEN = 3, 12
"""Steps of TRL that datasets keeps the outcome of, and bytes of a token in each."""
REST = 2_000_000
"""Bytes for reports, records, model card and trackers."""


def run_folder(
    config: TrainConfig,
    *,
    adapter: int,
    steps: int,
    save_steps: int,
    eval_steps: int | None,
    tokens: int,
    rows: int,
    tokenizer: int,
    processes: int = 1,
) -> int:
    """Return the bytes that the folder of a run grows to.

    Args:
        config: of the run.
        adapter: weights of the adapter.
        steps, save_steps, eval_steps: of the run, between two checkpoints, between two validations (None for none).
        tokens: of all rows trained and validated, once.
        rows: bytes of these rows as JSON lines.
        tokenizer: bytes of the files of the tokenizer.
        processes: that train together.
    """
    kept = max(config.keep_checkpoints, 1 if eval_steps is None else 2)
    there = min(kept + 1, math.ceil(steps / save_steps))
    lines = steps + (steps // eval_steps if eval_steps else 0)
    weight = 2 if config.quantization == "nf4" else 4
    checkpoint = COPIES * weight * adapter + tokenizer + STATE + STATE_OF_PROCESS * processes + LOG_LINE * lines
    cached = CACHED_STEPS * (TOKEN * tokens + rows) + rows
    last = 4 * adapter + tokenizer if there <= kept else 0
    return there * checkpoint + last + rows + cached + LOG_LINE * lines + REST


def tokenizer_bytes(folder: Path) -> int:
    """Return the bytes of the files of a tokenizer, as far as they are copied: tokenizer.json and what is about it."""
    names = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
    return sum(file.stat().st_size for name in names if (file := folder / name).is_file())


def problems(output: str, needed: int) -> list[Problem]:
    """Return whether there is room for a run folder.

    Args:
        output: the folder, which need not be there yet.
        needed: bytes that it grows to.
    """
    place = Path(output).absolute()
    while not place.exists() and place.parent != place:
        place = place.parent
    free = shutil.disk_usage(place).free
    if free >= needed:
        return []
    said = f"the run folder may grow to {_size(needed)}; {_size(free)} are free at {place}"
    return [Problem("disk", True, False, said, "make room, or a smaller --keep-checkpoints")]


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
