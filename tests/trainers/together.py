"""Runs `prepdata` in several processes, as a launcher starts them, without waiting for torch to be imported in each.

A server that has the libraries loaded, and has trained nothing yet, forks them: torch does not go on in a fork of a
process that has trained.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["trl.trainer.sft_trainer", "peft", "trainers.watching", "trainers.preflight"])


class Ended(NamedTuple):
    """How a process ended: its exit code, and what it wrote on standard output and standard error."""

    code: int | None
    out: str
    err: str


def together(
    folder: Path, command: Sequence[str], *, size: int = 2, before: Callable[[int], None] | None = None, **env: str
) -> list[Ended]:
    """Return how each of several processes ended that ran a command together.

    Args:
        folder: an empty one for what they write.
        command: arguments of `prepdata`.
        size: how many processes.
        before: called with its rank in each process first; a function of a test module.
        env: variables besides those of torchrun, or in their place.
    """
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]
    processes: list[Any] = [
        _SERVER.Process(target=_run, args=(folder, list(command), {**told, **rank, **env}, before)) for rank in ranks
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
        process.kill()
        process.join()
    return [
        Ended(process.exitcode, (folder / f"{rank}.out").read_text(), (folder / f"{rank}.err").read_text())
        for rank, process in enumerate(processes)
    ]


def _run(folder: Path, command: list[str], env: Mapping[str, str], before: Callable[[int], None] | None) -> None:
    import torch

    from prepdata.__main__ import main

    os.environ.update(env)
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        stream.flush()
        with (folder / f"{env['RANK']}.{name}").open("wb") as file:
            os.dup2(file.fileno(), {"out": 1, "err": 2}[name])
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    torch.set_num_threads(1)
    if before is not None:
        before(int(env["RANK"]))
    sys.argv = ["prepdata", *command]
    main()
