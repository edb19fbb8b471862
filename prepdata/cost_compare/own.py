"""What a model costs that is tuned and served on GPUs of one's own or rented ones, day and night. Pure functions.

Serving: weights in 2 bytes a parameter and a fifth more for the cache of keys and values; 2 operations per parameter
and token (Kaplan et al. 2020). Reading a prompt reaches the share of the peak that training does
(`prepdata.cost_gpu`), writing an answer 1 to 20 %, likely 5; the busiest hour has 1 to 6 times the mean traffic, likely
3. The fifth and the last two are judgement, not measured here; where traffic is low one machine does.
"""

from __future__ import annotations

from collections.abc import Sequence

from prepdata.cost import Amount, Range
from prepdata.cost_compare.book import Book
from prepdata.cost_compare.model import ZERO, Arm, Workload, product, total
from prepdata.cost_compare.running import Running
from prepdata.cost_compare.tuning import Tuning, figures, tuned_prompt
from prepdata.cost_gpu import GIB, GPU_COUNTS, PEAK_SHARE, USABLE, OwnGpu, own_gpu
from prepdata.prices import gpu

SERVING_BYTES = 2.0 * 1.2
SERVING_FLOPS = 2.0
WRITING_SHARE = Range(0.01, 0.05, 0.20)
"""Share of a GPU's peak reached in writing answers."""
BUSIEST = Range(1.0, 3.0, 6.0)
DEFAULT_EPOCHS = 3.0


def own_gpu_arm(work: Workload, book: Book, tuning: Tuning, passages: Range = ZERO) -> Arm:
    """Return what the arm costs.

    Args:
        work, book, tuning: the calls, the prices, what tuning starts from.
        passages: tokens of retrieved passages that it has to read as well, in training and in every call.
    """
    if tuning.billions is None or tuning.card is None or "gpu_hour" not in book.prices:
        said = "the size of the model and the GPU are not known: give --params and --gpu"
        return Arm(name="own-gpu", serves="task", unknown=[said])
    card, hour = gpu(tuning.card), book.prices["gpu_hour"]
    weights = tuning.billions * 1e9 * SERVING_BYTES / GIB
    count = next((n for n in GPU_COUNTS if weights / n <= card.memory_gib * USABLE), None)
    runs = _runs(tuning, tuning.billions, card.name, passages)
    hours = [run.hours.times(run.gpus) for run in runs if run.hours is not None and run.gpus is not None]
    if count is None or len(hours) < len(runs):
        return Arm(name="own-gpu", serves="task", unknown=[f"the model does not fit on 8 {card.name}"])
    training = product(Range(hours[0].low, hours[1].likely, hours[2].high), hour.usd)
    prompt, said = tuned_prompt(work)
    running = Running(
        machine=hour.usd.times(24 * count),
        busy=busy(tuning.billions, card.tflops * count, total([prompt, passages]), work.tokens(work.answer)),
    )
    return Arm(
        name="own-gpu",
        serves="task",
        one_time=training,
        running=running,
        prompt_tokens=prompt,
        prices=[hour],
        assumptions=[
            *_notes(running, work.calls_per_day, f"{count} {card.name}"),
            *_training_notes(runs[1]),
            *tuning.amount.caution(),
            *tuning.passages_said(passages),
            said,
        ],
    )


def _runs(tuning: Tuning, billions: float, card: str, passages: Range) -> Sequence[OwnGpu]:
    """Return the training run at the low, the likely and the high number of tokens."""
    return [
        own_gpu(
            card,
            Amount(tuning.amount.rows, round(tokens)),
            billions=billions,
            method=tuning.method,
            epochs=tuning.epochs or DEFAULT_EPOCHS,
            row_tokens=tuning.longest_row(more),
        )
        for tokens, more in zip(figures(tuning.tokens(passages)), figures(passages))
    ]


def busy(billions: float, tflops: float, reading: Range, writing: Range) -> Range:
    """Return how many machines a call a day keeps busy, in the busiest hour.

    Args:
        billions: parameters of the model, in billions.
        tflops: peak of the GPUs that hold it once, in 10^12 operations a second.
        reading, writing: tokens of the prompt and of the answer.
    """
    work = SERVING_FLOPS * billions * 1e9 / 86_400 / (tflops * 1e12)
    peak, own = PEAK_SHARE, WRITING_SHARE
    return Range(
        (reading.low / peak.high + writing.low / own.high) * work * BUSIEST.low,
        (reading.likely / peak.likely + writing.likely / own.likely) * work * BUSIEST.likely,
        (reading.high / peak.low + writing.high / own.low) * work * BUSIEST.high,
    )


def _notes(running: Running, calls: int, machine: str) -> list[str]:
    low, likely, high = (running.machines(calls, bound) for bound in ("low", "likely", "high"))
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}, likely {likely:,},"
    return [
        f"served on {count} {'machine' if high == 1 else 'machines'} of {machine}, day and night",
        "weights in 2 bytes a parameter, a fifth more for keys and values (judgement)",
        f"the busiest hour has {BUSIEST.low:g} to {BUSIEST.high:g} times the mean traffic (judgement)",
        f"{PEAK_SHARE.low:.0%} to {PEAK_SHARE.high:.0%} of a GPU's peak reached in reading prompts (judgement)",
        f"{WRITING_SHARE.low:.0%} to {WRITING_SHARE.high:.0%} in writing answers (judgement)",
    ]


def _training_notes(run: OwnGpu) -> list[str]:
    """Return what the training run rests on; its price per hour is told with the prices."""
    return [f"{run.method} training: {line}" for line in run.assumptions if "USD a GPU hour" not in line]
