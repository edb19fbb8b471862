"""Several processes that train together, one for each GPU, as a launcher such as torchrun starts them.

The first of them (rank 0) looks at everything, says everything and writes everything; the others wait for it and train
along. They agree through the key-value store of the launcher, over a connection of its own: before there is a process
group of torch, and after one has broken. What they share is JSON, read as the type that is expected: whoever reaches
the port of the store could write into it, and a pickle would run code. Where one fails, one tells it, and all end with
the same exit code.

Nothing here imports torch before there are several processes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from prepdata.errors import EXIT_ERROR, PrepdataError, UsageError

T = TypeVar("T")

NEEDED = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun sets besides WORLD_SIZE (torch 2.13, `torch/distributed/run.py`, read 2026-11)."""
COPIES = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where srun and mpirun say how many copies of a command they started."""
OTHERWISE = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_MEGATRON_LM",
             "ACCELERATE_USE_PARALLELISM_CONFIG")  # fmt: skip
"""Where `accelerate launch` says that a model is to be cut up between processes, which prepdata does not know."""
GATHERING = timedelta(minutes=5)
"""Until when all processes must have come."""
WAITING = timedelta(days=2)
"""How long the others wait for the first, which may look at much data. One that dies is noticed by the launcher."""
PARTING = 5.0
"""Seconds that a process which is about to end waits for the others to end likewise."""


def torchrun(processes: int) -> str:
    """Return the start of the command for that many processes on this machine."""
    return f"`torchrun --nproc-per-node {processes} -m prepdata train ...`"


class Group:
    """The processes of a run as one of them sees them; one process alone without a store.

    Args:
        rank: number of this process, from 0.
        size: how many there are.
        store: what they share, a `torch.distributed.Store`.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None) -> None:
        self.rank = rank
        self.size = size
        self.store = store
        self._turn = 0

    @property
    def leads(self) -> bool:
        """True for the process that says and writes everything."""
        return self.rank == 0

    @property
    def local_rank(self) -> int:
        """Number of this process on its machine, and of its GPU. All processes are on one machine."""
        return self.rank

    def first(self, work: Callable[[], T], kind: Any = None, shared: Callable[[T], Any] | None = None) -> T:
        """Have the first process do something, and return to all what came of it.

        Args:
            work: what is done.
            kind: type of what the others get, as msgspec reads it; None where that is nothing.
            shared: what of the result the others get, if not all of it.

        Raises:
            SystemExit: in the others, where the first failed; the first raises what it met.
        """
        if self.store is None:
            return work()
        key = self._next()
        if not self.leads:
            told: list[T] | None = self._get(key, list[kind] | None)
            if told is None:
                raise SystemExit(EXIT_ERROR)
            return told[0]
        try:
            found = work()
        except Exception:
            self.store.set(key, _text(None))
            raise
        self.store.set(key, _text([shared(found) if shared else found]))
        return found

    def all(self, value: T) -> list[T]:
        """Return what each process gave, in their order; a value of JSON."""
        if self.store is None:
            return [value]
        key = self._next()
        self.store.set(f"{key}/{self.rank}", _text(value))
        return [self._get(f"{key}/{rank}", Any) for rank in range(self.size)]

    def wait(self) -> None:
        """Return when all processes are here."""
        self.all(None)

    def why(self) -> str:
        """Return why another process failed, as it told it; "" if none did."""
        try:
            return str(self._get("why", str)) if self.store is not None and self.store.check(["why"]) else ""
        except RuntimeError:  # the process that held the store has ended
            return ""

    def part(self, error: BaseException) -> BaseException:
        """Return what this process ends with after an error: the error, if it is the one to tell it."""
        if self.store is None or (isinstance(error, KeyboardInterrupt) and not self.why()):
            return error
        tells = False
        if not isinstance(error, SystemExit | KeyboardInterrupt):
            try:
                tells = self.store.add("telling", 1) == 1
                if tells:
                    self.store.set("why", _text(reason(error)))
            except RuntimeError:
                tells = self.leads
        self.leave()
        return error if tells else SystemExit(EXIT_ERROR)

    def leave(self) -> None:
        """Leave together: a launcher ends all when the first has ended, and one may still have something to say."""
        if self.store is None:
            return
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        limit = time.monotonic() + PARTING
        try:
            self.store.add("left", 1)
            while self.store.add("left", 0) < self.size and time.monotonic() < limit:
                time.sleep(0.02)
            self.store.add("gone", 1)  # the last word of this process to the store, which the first one may hold
            while self.leads and self.store.add("gone", 0) < self.size and time.monotonic() < limit:
                time.sleep(0.02)
        except RuntimeError:  # the process that held the store has ended
            pass

    def _next(self) -> str:
        self._turn += 1
        return str(self._turn)

    def _get(self, key: str, kind: Any) -> Any:
        """Return what another process of this run has set, when it has.

        Raises:
            PrepdataError: it is nothing of that type, so that no process of this run has set it.
        """
        self.store.wait([key], WAITING)
        try:
            return msgspec.convert(json.loads(self.store.get(key)), kind, dec_hook=_path)
        except (ValueError, RecursionError) as error:
            raise PrepdataError(f"the store of the launcher holds what no process of this run wrote: {error}") from None


def _text(value: Any) -> bytes:
    """Return a value as JSON: paths as texts, arrays as lists."""

    def plain(one: Any) -> Any:
        return str(one) if isinstance(one, Path) else list(one)

    return json.dumps(msgspec.to_builtins(value, enc_hook=plain)).encode()


def _path(kind: type[Any], value: Any) -> Any:
    """Return a value of a type that msgspec does not know: of those that are shared, that of paths."""
    if kind is not Path:
        raise NotImplementedError(kind)
    return Path(value)


ALONE = Group()


@contextmanager
def joined() -> Iterator[Group]:
    """Join the processes that a launcher has started with this one; without a launcher, give one alone.

    Raises:
        UsageError: the launcher started something that cannot train together.
        SystemExit: another process tells what went wrong.
    """
    group = _connect()
    try:
        group.first(lambda: _check(group.size))
        yield group
        group.wait()
        _close()
    except BaseException as error:
        told = group.part(error)
        if told is error:
            raise
        raise told from None
    group.leave()


def _close() -> None:
    """Close the process group that accelerate has opened for the training."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def reason(error: BaseException) -> str:
    """Return why a run was stopped, as its record says it."""
    if isinstance(error, KeyboardInterrupt):  # of a signal by its number, of Ctrl-C without
        number = error.args[0] if error.args and isinstance(error.args[0], int) else signal.SIGINT
        return f"ended by {signal.Signals(number).name}"
    return str(error) if isinstance(error, PrepdataError) else type(error).__name__


def _connect() -> Group:
    """Return the group that the environment names, when all of it is there."""
    size = _number("WORLD_SIZE")
    if size == 1:
        copies = [name for name in COPIES if _number(name) > 1]
        if copies and "WORLD_SIZE" not in os.environ:
            raise UsageError(
                f"{copies[0]} says that {_number(copies[0])} copies of this command were started, and each would train "
                f"alone; start one {torchrun(_number(copies[0]))}"
            )
        return Group()
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"WORLD_SIZE says {size} processes, and without {', '.join(missing)} each would train alone; start them by "
            f"{torchrun(size)}, or unset WORLD_SIZE"
        )
    try:
        from torch.distributed import DistError, PrefixStore, rendezvous  # type: ignore[attr-defined]
    except ImportError:
        raise UsageError("several processes need a torch with torch.distributed") from None
    rank = _number("RANK")
    if rank:
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)  # the first process says that it was interrupted
    try:
        store, _, _ = next(iter(rendezvous("env://", timeout=GATHERING)))
        group = Group(rank, size, PrefixStore("prepdata", store))
        store.set(f"prepdata-here/{rank}", "")
        store.wait([f"prepdata-here/{other}" for other in range(size)], GATHERING)
    except (DistError, ValueError) as error:
        raise UsageError(
            f"process {rank + 1} of {size} does not reach the others: {str(error).splitlines()[0]}; start all of them "
            f"by one {torchrun(size)}"
        ) from None
    return group


def _number(name: str) -> int:
    """Return the number in an environment variable, 1 (of a rank 0) where there is none.

    Raises:
        UsageError: it holds something else.
    """
    text = os.environ.get(name)
    if not text:
        return 1
    if not text.isdecimal():
        raise UsageError(f"environment variable {name}: expected a number, found {text!r}")
    return int(text)


def _check(size: int) -> None:
    """Raise UsageError for what a launcher can ask for and prepdata does not do."""
    here = _number("LOCAL_WORLD_SIZE")
    if size > 1 and here != size:
        raise UsageError(f"{size} processes on several machines: only those of one machine train together; {here} here")
    asked = [name for name in OTHERWISE if os.environ.get(name, "").lower() in ("true", "1", "yes")]
    if asked:
        raise UsageError(
            f"{asked[0]} is set: prepdata holds the whole model on each device (DDP); use {torchrun(max(size, 2))}"
        )
