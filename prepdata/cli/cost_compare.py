"""`prepdata cost --compare`: prompting, long context, retrieval, fine-tuning and both, side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from prepdata.cli.draw import bar, money, table
from prepdata.cli.options import Flag, Whole
from prepdata.errors import UsageError
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.cost import Range
    from prepdata.cost_compare.model import Arm, BreakEven, Comparison, Span, Traffic
    from prepdata.cost_gpu import Method
    from prepdata.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
MOST = 10**12
DEFAULT_GPU = "A100-80"
DEFAULT_EMBEDDING = "text-embedding-3-small"
OWN_STORE = "own"
BAR = 30
LEGEND = {
    "prompt": "prompt of today",
    "long-context": "all documents in the prompt, cached",
    "rag": "prompt of today and retrieved passages",
    "tuned": "tuned and served by a provider",
    "own-gpu": "tuned and served on GPUs of your own",
    "hybrid": "tuned by a provider, with retrieved passages",
    "own-gpu-hybrid": "tuned on GPUs of your own, with retrieved passages",
}
_NUMBER = Whole(0, MOST)
_FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--compare", {"is_flag": True, "help": "Compare prompting, long context, retrieval, tuning and both."}),
    ("--calls-per-day", {"type": Whole(1, MOST), "metavar": "N", "help": "Calls a day."}),
    ("--knowledge-tokens", {"type": Whole(1, MOST), "metavar": "N", "help": "Tokens of the documents."}),
    ("--few-shot", {"type": _NUMBER, "metavar": "N", "help": "Examples in the prompt of today (mean rows of PATHS)."}),
    ("--retrieved-tokens", {"type": _NUMBER, "metavar": "N", "help": "Tokens of passages a call (1,000 to 4,000)."}),
    ("--embedding", {"metavar": "NAME", "help": "Model that makes vectors (text-embedding-3-small)."}),
    ("--store", {"metavar": "NAME", "help": "Store of vectors: own (default), openai-file-search."}),
    ("--prices", {"type": click.Path(dir_okay=False), "metavar": "FILE", "help": "TOML with prices of your own."}),
    ("--svg", {"type": click.Path(dir_okay=False), "metavar": "FILE", "help": "Write the chart there."}),
)
NAMES = tuple(flag[2:].replace("-", "_") for flag, _ in _FLAGS)


def compare_flags(function: F) -> F:
    """Add the flags of the comparison."""
    for flag, details in reversed(_FLAGS):
        function = click.option(flag, cls=Flag, section="Comparison", **{"default": None, **details})(function)
    return function


def compare(paths: tuple[str, ...], settings: Settings, wanted: dict[str, Any]) -> Comparison:
    """Return the comparison for the rows of some files.

    Raises:
        UsageError: a number that the comparison hangs on is lacking, or no price can be found by what is given.
    """
    from prepdata.api import validate
    from prepdata.cli.cost import cut_total, without_rules
    from prepdata.cli.unread import check_read, tell_unread
    from prepdata.cost import Amount
    from prepdata.cost_compare.arms import arms, baked, cases
    from prepdata.cost_compare.book import book, read_prices
    from prepdata.cost_compare.breakeven import break_evens
    from prepdata.cost_compare.model import SCHEMA_VERSION, Comparison
    from prepdata.cost_compare.tuning import Tuning
    from prepdata.prices import billions_in
    from prepdata.targets import load

    for target in settings.targets:
        load(target)  # an unknown one is told before anything that hangs on it
    if wanted["calls_per_day"] is None:
        raise UsageError("--compare needs the traffic: give --calls-per-day")
    own = read_prices(Path(wanted["prices"])) if wanted["prices"] else {}
    billions = wanted["billions"] or (billions_in(settings.model) if settings.model else None)
    if settings.model is None and billions is None and not own:
        raise UsageError(
            "--compare needs prices: give --model NAME (such as gpt-4o-mini), --params N, or --prices FILE"
        )
    if len(wanted["gpus"]) > 1:
        raise UsageError("--compare takes one --gpu")
    card = next(iter(wanted["gpus"]), DEFAULT_GPU) if billions else None
    if wanted["gpus"] and card is None:
        raise UsageError("--gpu needs the size of the model: give --params, or a --model whose name states it")
    embedding, store = wanted["embedding"] or DEFAULT_EMBEDDING, wanted["store"] or OWN_STORE
    prices = book(settings.model, settings.targets, card=card, embedding=embedding, store=store, own=own)
    if prices.unlisted and billions is None:
        raise UsageError(
            f"{prices.unlisted}. So no way can be priced: give the name as a provider lists it, --params N for GPUs of "
            "your own, or --prices FILE"
        )
    report = validate(paths, without_rules(settings), meters=("tokens", "choosing"))
    tokens, rows = report.measures["tokens"], report.measures["tokens"]["rows"]
    check_read(paths, rows)
    tell_unread(paths, report, rows)
    work = _workload(tokens, report.measures["choosing"], wanted)
    method: Method = "qlora" if wanted["method"] == "qlora" else "lora"
    tuning = Tuning(
        amount=Amount(rows, cut_total(tokens, settings.context_length), tokens["exact"]),
        epochs=settings.epochs,
        context=settings.context_length,
        billions=billions,
        card=card,
        method=method,
        longest=tokens["per_row"]["max"],
    )
    return Comparison(
        schema_version=SCHEMA_VERSION,
        workload=work,
        arms=arms(work, prices, tuning),
        break_even=break_evens(cases(work, prices, tuning), work.calls_per_day),
        baked=baked(work, prices),
    )


def _workload(tokens: dict[str, Any], choosing: dict[str, Any], wanted: dict[str, Any]) -> Any:
    """Return a day's calls: a call is a mean row of the file; its prompt has `--prompt-before` tokens, if given."""
    from prepdata.cost_compare.model import Workload, exactly

    rows = tokens["rows"]
    system, answer = choosing["system_tokens"] / rows, tokens["trained"] / rows
    user = max(0.0, tokens["prompt"] / rows - system)
    before, shots = wanted["prompt_before"], wanted["few_shot"] or 0
    if before is not None and shots:
        raise UsageError("--prompt-before holds the examples already: leave out --few-shot")
    if before is not None and before < user:
        raise UsageError(f"--prompt-before {before}: the questions of the rows alone have {user:,.0f} tokens")
    more = {} if wanted["retrieved_tokens"] is None else {"retrieved": exactly(float(wanted["retrieved_tokens"]))}
    return Workload(
        calls_per_day=wanted["calls_per_day"],
        system=system if before is None else before - user,
        user=user,
        answer=answer,
        few_shot=shots * (user + answer),
        knowledge=wanted["knowledge_tokens"],
        exact=tokens["exact"],
        **more,
    )


def text(comparison: Comparison) -> str:
    """Return a comparison as text for people."""
    work, baked = comparison.workload, comparison.baked
    how = "" if work.exact else " (ESTIMATED)"
    lines = [
        f"{work.calls_per_day:,} calls a day; tokens a call{how}: {work.system:,.0f} of instructions, "
        f"{work.few_shot:,.0f} of examples, {work.user:,.0f} of question, {work.answer:,.0f} of answer"
        + (f"; documents: {work.knowledge:,} tokens" if work.knowledge else ""),
    ]
    priced = [arm for arm in comparison.arms if arm.priced]
    if priced:
        lines += ["", "US dollars (low - likely - high; a month has 30 days)", *_costs(priced)]
        lines += ["", "A month, likely", *_bars(priced)]
    left_out = [arm for arm in comparison.arms if not arm.priced]
    if left_out:
        lines += ["", "Not priced", *_told({arm.name: arm.unknown for arm in left_out})]
    if comparison.break_even:
        lines += ["", "Break-even of ways that know the same (earliest - likely - latest)"]
        head = ("", "calls", "days", "cheaper to run at, calls a day")
        lines += table([head, *map(_row, comparison.break_even)], right=frozenset({1, 2, 3}))
        if any("own-gpu" in name for item in comparison.break_even for name in (item.first, item.then)):
            lines.append("  GPUs of your own: calls and days with the machines of today's traffic; cheaper to run with")
            lines.append("  as many machines as that traffic needs")
    saved = f"{baked.system_tokens + baked.few_shot_tokens:,.0f} tokens a call, {baked.tokens_per_day:,.0f} a day"
    worth = baked.usd_per_thousand_calls
    if worth is not None:
        saved += f": {money(worth)} per 1,000 calls before, where they do not come from the cache"
    else:
        saved += " (the prompt of today is not priced)"
    lines += ["", "Instructions and examples in the weights save", f"  {saved}"]
    lines += ["", "Ways", *table([(arm.name, LEGEND[arm.name]) for arm in comparison.arms])]
    lines += _prices(priced) + _assumptions(priced)
    return "\n".join(map(safe, lines))


def _dollars(figures: Range | None) -> str:
    if figures is None:
        return "unknown"
    return _spread([money(figure) for figure in (figures.low, figures.likely, figures.high)])


def _costs(arms: list[Arm]) -> list[str]:
    head = ("", "once", "1,000 calls", "a day besides", "a month")
    rows = [
        (
            arm.name,
            _dollars(arm.one_time),
            _dollars(arm.per_call.times(1000) if arm.per_call else None),
            _dollars(arm.per_day),
            _dollars(arm.per_month),
        )
        for arm in arms
    ]
    return table([head, *rows], right=frozenset({1, 2, 3, 4}))


def _bars(arms: list[Arm]) -> list[str]:
    months = [(arm.name, arm.per_month.likely) for arm in arms if arm.per_month is not None]
    most = max(usd for _, usd in months) or 1.0
    return table([(name, money(usd), bar(usd / most, BAR)) for name, usd in months], right=frozenset({1}))


def _row(item: BreakEven) -> tuple[str, ...]:
    reach = [_traffic(t) for t in (item.cheaper_at.low, item.cheaper_at.likely, item.cheaper_at.high)]
    shown = (_points(item.calls), _points(item.days, 1), _spread(reach))
    return f"{item.then} against {item.first}", *shown


def _points(span: Span, places: int = 0) -> str:
    return _spread(["never" if p is None else f"{p:,.{places}f}" for p in (span.low, span.likely, span.high)])


def _traffic(span: Traffic | None) -> str:
    if span is None:
        return "never"
    if span.end is None:
        return "any" if span.start == 1 else f"from {span.start:,}"
    return f"to {span.end:,}" if span.start == 1 else f"{span.start:,} to {span.end:,}"


def _spread(shown: list[str]) -> str:
    return shown[0] if len(set(shown)) == 1 else " - ".join(shown)


def _prices(arms: list[Arm]) -> list[str]:
    from prepdata.cli.cost import dated
    from prepdata.prices import as_of

    used = {item.row: item for arm in arms for item in arm.prices}
    rows = []
    for item in used.values():
        sure = "; ".join(filter(None, ["" if item.confidence == "provider" else item.confidence, item.note]))
        day = dated(as_of(item.date)) if item.date else "no date"
        rows.append((item.row, f"{_dollars(item.usd)} per {item.unit}", day, sure))
    return ["", "Prices", *table(rows)] if rows else []


def _assumptions(arms: list[Arm]) -> list[str]:
    said = _told({arm.name: arm.assumptions for arm in arms})
    return ["", "Assumptions", *said] if said else []


def _told(by_name: dict[str, list[str]]) -> list[str]:
    """Return what is said of each, every sentence once with all that it is said of."""
    names: dict[str, list[str]] = {}
    for name, sentences in by_name.items():
        for sentence in sentences:
            names.setdefault(sentence, []).append(name)
    return [f"  - {sentence} ({', '.join(of)})" for sentence, of in names.items()]
