"""Recommendations from what was measured: max length, packing, epochs and steps, batch. Pure functions.

They are places to start from, not results: only an evaluation tells what a model has learned. Each says in one sentence
what it follows from. Where figures are a matter of practice, they are those of:

- QLoRA, script for Guanaco 7B (`artidoro/qlora: scripts/finetune_guanaco_7b.sh`, read 2026-11): batches of 16 rows,
  1,875 steps, 3 % of them warm-up;
- Unsloth, guide to hyperparameters of LoRA (docs.unsloth.ai, read 2026-11): one to three epochs, 5 to 10 % warm-up;
- Predibase, best practices for hyperparameters (docs.predibase.com, read 2026-11): batches of 16 or 32 rows with LoRA,
  three epochs to begin with;
- transformers 5.24, `TrainingArguments` (read 2026-11): three epochs unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata.training.lengths import Packing, Padding, least_length, packing, padding, rounded

BATCH = 16
"""Rows of a batch (QLoRA, Predibase)."""
SMALLEST_BATCH, LARGEST_BATCH = 4, 128
EPOCHS = 3
"""Epochs to begin with (transformers, Predibase), and the most that are recommended (Unsloth)."""
LEAST_STEPS, MOST_STEPS = 200, 3000
"""Steps between which a run with LoRA should lie: a few hundred to a few thousand (QLoRA: 1,875). The ends are ours."""
WARM_UP = 0.05
"""Share of the steps: between the 3 % of QLoRA and the 5 to 10 % of Unsloth."""
LEAST_SAVED = 0.1
"""Share of what is read that packing or sorting has to save to be worth the trouble. Ours."""
FEW_TRAINED = 0.1
"""Share of trained tokens below which rows are mostly prompt."""


class Measured(NamedTuple):
    """Rows as a trainer makes them. Lists hold one number for each row that could be rendered, in any order.

    Args:
        tokens: tokens of the uncut row.
        last: place of the last trained token, from 1; 0 where there is none.
        left: tokens that are left of it in training; 0 where it is dropped.
        trained: trained tokens of all uncut rows.
        left_trained: trained tokens that are left in training, of all rows.
        max_length: tokens at which the trainer cuts; None where it does not.
        refused: rows that could not be rendered.
    """

    tokens: Sequence[int]
    last: Sequence[int]
    left: Sequence[int]
    trained: int
    left_trained: int
    max_length: int | None = None
    refused: int = 0


class Advice(msgspec.Struct, frozen=True):
    """One recommendation.

    Args:
        name: what it is about.
        value: what is recommended.
        because: what it follows from, one sentence.
        figures: the numbers behind it.
    """

    name: str
    value: int | float | str | None
    because: str
    figures: dict[str, Any]


class Schedule(NamedTuple):
    """How long to train.

    Args:
        batch: rows of a batch.
        epochs: passes over the rows.
        steps: batches in all, the last one of an epoch not full.
        warm_up: steps of them in which the learning rate rises.
    """

    batch: int
    epochs: float
    steps: int
    warm_up: int


def recommendations(measured: Measured, epochs: float | None = None) -> list[Advice]:
    """Return what to set, and why. Nothing is recommended where no row is trained on.

    Args:
        measured: the rows.
        epochs: epochs that are already decided, or None.
    """
    useless = _useless_rows(measured)
    if not any(measured.last):
        return useless
    found = [max_length(measured.last, measured.max_length)]
    rows = sum(1 for left in measured.left if left)
    if rows:
        lengths, size = lengths_read(measured)
        found += [packed(padding(lengths, BATCH), packing(lengths, size)), *_schedule(measured, rows, epochs)]
    return [*found, _trained_share(measured), *useless]


def max_length(last: Sequence[int], now: int | None = None) -> Advice:
    """Return the smallest max length at which no answer is cut.

    Args:
        last: place of the last trained token of each row, from 1; 0 for rows without one.
        now: the max length that is set, None for none.
    """
    whole, thousandth, hundredth = (least_length(last, per_mille) for per_mille in (0, 1, 10))
    because = (
        f"the last trained token of the longest row is its token {whole:,}, and {rounded(whole):,} is the next "
        f"multiple of 64; with at most 0.1 % of the rows cut it would be {rounded(thousandth):,} "
        f"(exactly {thousandth:,}), with at most 1 % {rounded(hundredth):,} (exactly {hundredth:,})"
    )
    cut = sum(1 for place in last if now is not None and place > now)
    if now is not None and cut:
        because += f"; the {now:,} that are set cut {_rows(cut)}"
    figures = {
        "no_answer_cut": {"exact": whole, "rounded": rounded(whole)},
        "cut_0.1_percent": {"exact": thousandth, "rounded": rounded(thousandth)},
        "cut_1_percent": {"exact": hundredth, "rounded": rounded(hundredth)},
        "set": now,
        "answers_cut_as_set": cut,
    }
    return Advice("max-length", rounded(whole), because, figures)


def lengths_read(measured: Measured) -> tuple[list[int], int]:
    """Return (tokens of each row that is trained on, max length): as set, or at the recommended length if none is."""
    if measured.max_length is not None:
        return [left for left in measured.left if left], measured.max_length
    size = rounded(least_length(measured.last))
    return [min(tokens, size) for tokens, last in zip(measured.tokens, measured.last) if last], size


def packed(unpacked: Padding, together: Packing, batch: int = BATCH) -> Advice:
    """Return whether to pack rows, to sort them by length, or neither: whichever saves most, if it is worth it.

    Args:
        unpacked: what padding costs without packing, in batches of `batch` rows.
        together: what packing gives.
        batch: rows of a batch.
    """
    if unpacked.random_waste - min(together.waste, unpacked.sorted_waste) < LEAST_SAVED:
        value = "neither"
    else:
        value = "packing" if together.waste < unpacked.sorted_waste else "sort-by-length"
    because = (
        f"with batches of {batch} rows in random order {_percent(unpacked.random_waste)} of what is read is padding, "
        f"with rows sorted by length at least {_percent(unpacked.sorted_waste)}, and packing (bfd) into "
        f"{together.sequences:,} sequences of {together.size:,} tokens leaves {_percent(together.waste)} unfilled"
    )
    if value == "packing":
        because += "; it needs an attention that keeps the rows of a sequence apart"
    mean = unpacked.tokens / max(1, unpacked.rows)
    figures = {
        "batch_rows": batch,
        "max_length": together.size,
        "tokens": unpacked.tokens,
        "read_random_order": unpacked.random,
        "waste_random_order": round(unpacked.random_waste, 4),
        "read_sorted_by_length": unpacked.sorted,
        "waste_sorted_by_length": round(unpacked.sorted_waste, 4),
        "packed_sequences": together.sequences,
        "packed_tokens": together.tokens,
        "packed_tokens_lost": together.lost,
        "waste_packed": round(together.waste, 4),
        "packed_sequences_per_batch": max(1, round(batch * mean / together.size)),
    }
    return Advice("against-padding", value, because, figures)


def schedule(rows: int, epochs: float | None = None) -> Schedule:
    """Return batch, epochs and steps for some rows: 16 rows and 3 epochs, unless that makes too few or too many steps.

    Too few: the batch is halved, down to 4. Too many: fewer epochs, down to one, then the batch is doubled, up to 128.

    Args:
        rows: rows that are trained on, at least 1.
        epochs: epochs that are already decided, or None.
    """
    batch, passes = BATCH, epochs if epochs is not None else EPOCHS

    def steps() -> int:
        return max(1, math.ceil(math.ceil(rows / batch) * passes))

    while steps() < LEAST_STEPS and batch > SMALLEST_BATCH:
        batch //= 2
    while epochs is None and steps() > MOST_STEPS and passes > 1:
        passes -= 1
    while steps() > MOST_STEPS and batch < LARGEST_BATCH:
        batch *= 2
    return Schedule(batch, passes, steps(), math.ceil(steps() * WARM_UP))


def _schedule(measured: Measured, rows: int, epochs: float | None) -> list[Advice]:
    plan = schedule(rows, epochs)
    tokens, trained = sum(measured.left), measured.left_trained
    batch = {
        "rows": plan.batch,
        "tokens": round(plan.batch * tokens / rows),
        "trained_tokens": round(plan.batch * trained / rows),
    }
    common = f"{BATCH} rows are usual with LoRA (QLoRA; Predibase: 16 or 32)"
    if plan.batch < BATCH:
        common += f", but of {_rows(rows)} they would make fewer than {LEAST_STEPS:,} steps"
    elif plan.batch > BATCH:
        common += f", but of {_rows(rows)} they would make more than {MOST_STEPS:,} steps"
    held = (
        f"{common}; on average {plan.batch} rows hold {batch['tokens']:,} tokens, {batch['trained_tokens']:,} trained"
    )
    figures = {
        "rows": rows,
        "steps": plan.steps,
        "tokens": round(tokens * plan.epochs),
        "trained_tokens": round(trained * plan.epochs),
    }
    said = "as set" if epochs is not None else "three are a usual beginning (transformers, Predibase)"
    if epochs is None and plan.epochs < EPOCHS:
        said = f"{said}, but would make more than {MOST_STEPS:,} steps"
    said += f": {_rows(rows)} in batches of {plan.batch} are {plan.steps:,} steps"
    if plan.steps < LEAST_STEPS:
        said += f", which is little (QLoRA took 1,875): more rows help, more than {EPOCHS} epochs seldom (Unsloth)"
    elif plan.steps > MOST_STEPS:
        said += ", which is much (QLoRA took 1,875): try with a part of the rows first"
    warm = f"{WARM_UP * 100:.0f} % of {plan.steps:,} steps, between the 3 % of QLoRA and the 5 to 10 % of Unsloth"
    return [
        Advice("batch", plan.batch, held, batch),
        Advice("epochs", plan.epochs, said, figures),
        Advice("warm-up-steps", plan.warm_up, warm, {"steps": plan.steps}),
    ]


def _trained_share(measured: Measured) -> Advice:
    tokens, trained = sum(measured.tokens), measured.trained
    share = trained / tokens if tokens else 0.0
    because = f"{trained:,} of {tokens:,} tokens are trained"
    if share < FEW_TRAINED:
        because += ": most of the work goes into prompts, so shorter ones save most of it"
    return Advice("trained-share", round(share, 4), because, {"tokens": tokens, "trained_tokens": trained})


def _useless_rows(measured: Measured) -> list[Advice]:
    """Return what to do about rows that add nothing, where there are any."""
    untrained = sum(1 for last in measured.last if not last)
    lost = sum(1 for last, left in zip(measured.last, measured.left) if last and not left)
    if not untrained + lost + measured.refused:
        return []
    kinds = [
        (untrained, "without a trained token"),
        (lost, "left out by the trainer"),
        (measured.refused, "refused by the template"),
    ]
    said = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    figures = {"without_trained_token": untrained, "left_out_by_trainer": lost, "refused": measured.refused}
    rows = untrained + lost + measured.refused
    return [Advice("useless-rows", rows, f"nothing is learned from {_rows(rows)}: {said}", figures)]


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
