"""Models asked in turns by one process, for their times: base and tuned one, or several ways of answering.

Load moves the times of a machine more than most training does: a model timed today and another tomorrow tell about the
days. In turns, row by row and each of them first in its turn, what disturbs one disturbs all.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from prepdata.errors import InputError, UsageError
from trainers.generate import Backend, Options, Prompt, is_url, open_backend
from trainers.latency import Time, latency_of_rounds, other_model
from trainers.record import Evaluation, Rendering, Rounds, TimedRow, Timing

LEAST_ROUNDS, MOST_ROUNDS = 3, 15
SHORT = 15.0
"""Seconds within which more rounds than the least are made: short answers are disturbed most, and cost little."""


def open_base(
    given: str | None, name: str | None, tuned: str, options: Options, baseline: Evaluation | None
) -> Backend:
    """Return the base model that a tuned one is timed against.

    Args:
        given: its folder or endpoint; None for that of the tuned one, which is then asked without its adapter.
        name: of the model at the endpoint; None for the only one there.
        tuned: folder or endpoint of the tuned model.
        options: how that one is asked.
        baseline: record whose model it has to be; None where there is none.

    Raises:
        UsageError: it cannot be used, is the tuned model itself, or is not that of the baseline; says what to do.
        Unavailable: nobody answers there.
    """
    where = given or tuned
    if is_url(where) != is_url(tuned):
        raise UsageError(f"{where} and {tuned}: a folder and an endpoint cannot be timed against each other")
    if where.rstrip("/") == tuned.rstrip("/") and options.adapter is None and name in (None, options.model_name):
        raise UsageError(
            "base and tuned model would be one and the same: name the base model by --base DIR, or by --base URL and "
            "--base-name NAME"
        )
    base = open_backend(where, msgspec.structs.replace(options, adapter=None, model_name=name))
    if baseline is not None and (said := other_model(base.model, baseline.model)):
        raise UsageError(f"{where} is not the model of the baseline ({said}); name that one by --base")
    return base


def check_same_prompts(base: Backend, prompts: Sequence[Prompt], rendering: Rendering) -> None:
    """Raise where the base model would not read the tokens that the tuned one reads, by its rendering.

    Raises:
        UsageError: says what to do.
    """
    if base.rendering(prompts).prompt_ids != rendering.prompt_ids:
        raise UsageError(
            "base and tuned model render prompts differently, so their times do not compare: give both one template "
            "by --chat-template"
        )


def rounds_for(seconds: float) -> int:
    """Return in how many rounds rows are asked, an odd number, where one round takes so many seconds."""
    return min(MOST_ROUNDS, max(LEAST_ROUNDS, int(SHORT / max(seconds, 1e-9)))) | 1


def spread(count: int, of: int) -> list[int]:
    """Return `count` of the numbers from 0 to `of` - 1, evenly spread; all if there are no more."""
    return [place * of // count for place in range(count)] if count < of else list(range(of))


class Timed(NamedTuple):
    """One way of answering whose times are taken.

    Args:
        backend: the model.
        prompts: of the rows, in order.
        before: called with the number of a row before it is asked, as a search for passages is; its time counts.
    """

    backend: Backend
    prompts: Sequence[Prompt]
    before: Callable[[int], object] | None = None


def rounds_in_turns(
    sides: Sequence[Timed], names: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> list[list[Rounds]]:
    """Ask each row alone in every way, in turns and in several rounds; the first answers of each are not timed.

    Args:
        sides: ways of answering; some may share a model.
        names: ids of rows; one or more.
        progress: called with (answers so far, answers in all).

    Returns:
        For every side, what it took for each row.

    Raises:
        InputError: one of them gave no answer.
        Unavailable: an endpoint is gone.
    """
    found: list[list[list[Time]]] = [[[] for _ in names] for _ in sides]  # side, row, round
    for side in sides:
        _answer(side, 0, names[0])
    last = len(names) - 1
    rounds = rounds_for(len(names) * sum(_answer(side, last, names[last])[0] for side in sides))
    done, total = 0, len(sides) * rounds * len(names)
    for number in range(rounds):
        with _no_collection():
            for place, name in enumerate(names):
                for which in order(len(sides), number + place):
                    if progress is not None:
                        progress(done, total)
                    found[which][place].append(_answer(sides[which], place, name))
                    done += 1
    if progress is not None:
        progress(total, total)
    return [[_rounds(times) for times in rows] for rows in found]


def order(count: int, turn: int) -> list[int]:
    """Return in which order so many sides are asked at a turn, counted from 0.

    Over `count` turns (twice as many where that is odd) each comes equally often at each place, and equally often right
    after each other one (Williams 1949, designs balanced for the estimation of residual effects): what is asked after
    another model finds none of its own weights in the caches of the processor.
    """
    first = [(place + 1) // 2 if place % 2 else -place // 2 for place in range(count)]  # 0, 1, -1, 2, -2, ...
    found = [(number + turn) % count for number in first]
    return found[::-1] if count % 2 and turn // count % 2 else found


def in_turns(
    base: Backend,
    tuned: Backend,
    asked: Sequence[tuple[str, Prompt]],
    progress: Callable[[int, int], None] | None = None,
) -> Timing:
    """Ask both models each row alone, in turns, in several rounds; the first answers of each are not timed.

    Args:
        base, tuned: the models.
        asked: ids of rows, and their prompts; one or more.
        progress: called with (answers so far, answers in all).

    Raises:
        InputError: one of the models gave no answer.
        Unavailable: an endpoint is gone.
    """
    prompts = [prompt for _, prompt in asked]
    one, other = rounds_in_turns([Timed(base, prompts), Timed(tuned, prompts)], [name for name, _ in asked], progress)
    return Timing(
        model=base.model,
        environment=tuned.environment,
        rows=tuple(TimedRow(doc_id=name, base=b, tuned=t) for (name, _), b, t in zip(asked, one, other)),
        base=latency_of_rounds(one),
        tuned=latency_of_rounds(other),
    )


def _rounds(times: Sequence[Time]) -> Rounds:
    return Rounds(seconds=tuple(seconds for seconds, _ in times), tokens=tuple(tokens for _, tokens in times))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect garbage now, and none within: it would count for whichever model is asked just then."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _answer(side: Timed, place: int, name: str) -> Time:
    started = time.perf_counter()
    if side.before is not None:
        side.before(place)
    searched = time.perf_counter() - started if side.before is not None else 0.0
    (output,) = side.backend.generate([side.prompts[place]])
    if output.finish_reason == "error":
        raise InputError(
            f"{side.backend.model.name} gave no answer to row {name} while it was timed ({output.error}); all "
            "other answers are kept: run the same command again"
        )
    tokens = None if output.tokens is None else output.tokens + (output.finish_reason == "stopped")
    return searched + output.seconds, tokens
