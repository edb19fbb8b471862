"""Base and tuned model asked in turns by one process, for their times.

Load moves the times of a machine more than most training does: a model timed today and another tomorrow tell about the
days. In turns, row by row and now the one, now the other first, what disturbs one disturbs both.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
    sides = (base, tuned)
    found: list[list[list[Time]]] = [[[] for _ in asked] for _ in sides]  # side, row, round
    for side in sides:
        _answer(side, *asked[0])
    rounds = rounds_for(len(asked) * sum(_answer(side, *asked[-1])[0] for side in sides))
    done, total = 0, 2 * rounds * len(asked)
    for number in range(rounds):
        with _no_collection():
            for place, (name, prompt) in enumerate(asked):
                for which in (0, 1) if (number + place) % 2 == 0 else (1, 0):
                    if progress is not None:
                        progress(done, total)
                    found[which][place].append(_answer(sides[which], name, prompt))
                    done += 1
    if progress is not None:
        progress(total, total)
    one, other = ([_rounds(times) for times in rows] for rows in found)
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


def _answer(backend: Backend, name: str, prompt: Prompt) -> Time:
    (output,) = backend.generate([prompt])
    if output.finish_reason == "error":
        raise InputError(
            f"{backend.model.name} gave no answer to row {name} while it was timed ({output.error}); all other answers "
            "are kept: run the same command again"
        )
    return output.seconds, None if output.tokens is None else output.tokens + (output.finish_reason == "stopped")
