"""`prepdata cost`: tokens, price and time of a fine-tune, each as a range with its assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.cost_compare import NAMES, compare, compare_flags
from prepdata.cli.cost_compare import text as comparison_text
from prepdata.cli.draw import histogram, hours, money, span, table
from prepdata.cli.options import Command, Whole, settings_flags, settings_from
from prepdata.errors import EXIT_CLEAN, UsageError
from prepdata.findings import plural
from prepdata.report import json_text
from prepdata.reporters.base import safe

if TYPE_CHECKING:
    from prepdata.cost_gpu import Method
    from prepdata.settings import Settings

DEFAULT_GPUS = ("RTX4090", "A100-80", "H100")
MOST_TOKENS = 10**9  # no prompt has more
MOST_BILLIONS = 1e6  # a model of more is a slip: parameters in place of billions; nan is none of these either
PER_ROW = (("least", "min"), ("median", "p50"), ("95 % up to", "p95"), ("most", "max"))


@click.command("cost", cls=Command, short_help="Estimate the price of a fine-tune.")
@click.argument("paths", nargs=-1, metavar="PATHS...")
@settings_flags("targets", "input", "config")
@click.option("--gpu", "gpus", multiple=True, metavar="NAME", help="GPU to train on; may repeat (with --params).")
@click.option("--params", "billions", type=click.FloatRange(min=0.001), help="Parameters of the model, in billions.")
@click.option("--method", type=click.Choice(["lora", "qlora", "both"]), default="both", help="Training on own GPUs.")
@click.option("--prompt-before", type=Whole(1, MOST_TOKENS), metavar="N", help="Tokens of the prompt of today.")
@compare_flags
@click.option("--output-format", "-f", "output", type=click.Choice(["text", "json"]), default="text", help="Output.")
def command(paths: tuple[str, ...], **flags: Any) -> int:
    """Estimate what a fine-tune on PATHS costs: hosted, on your own GPUs, and per call before and after.

    Every figure is a range with its assumptions; prices carry their date. What is not known is said to be unknown.
    With --compare: what prompting, long context, retrieval, tuning and both cost, and when the dearer pays off.
    """
    wanted = {name: flags.pop(name) for name in ("gpus", "billions", "method", "prompt_before", "output", *NAMES)}
    settings, _ = settings_from(flags)
    if not paths:
        raise UsageError("give at least one file or folder, or - for standard input")
    if wanted["billions"] is not None and not wanted["billions"] <= MOST_BILLIONS:
        raise UsageError(f"--params {wanted['billions']}: expected the billions of parameters of a model, such as 8")
    if not settings.tokens:
        raise UsageError("a price needs the tokens: leave out --no-tokens")
    if wanted["compare"]:
        return _compare(paths, settings, wanted)
    if lost := [name for name in NAMES if wanted[name] is not None and name != "compare"]:
        raise UsageError(f"--{lost[0].replace('_', '-')} goes with --compare")
    answer = estimate(paths, settings, wanted)
    click.echo(json_text(answer, indent=2) if wanted["output"] == "json" else text(answer))
    return EXIT_CLEAN


def _compare(paths: tuple[str, ...], settings: Settings, wanted: dict[str, Any]) -> int:
    """Write the comparison, and its chart where one is asked for."""
    from pathlib import Path

    from prepdata.cli.output import same_file, written
    from prepdata.cost import plain
    from prepdata.cost_compare.chart import svg

    if wanted["svg"]:
        if any(same_file(wanted["svg"], path) for path in paths):
            raise UsageError(f"{wanted['svg']} is the data; give the chart a name of its own")
        if wanted["prices"] and same_file(wanted["svg"], wanted["prices"]):
            raise UsageError(f"{wanted['svg']} holds the prices; give the chart a name of its own")
    found = compare(paths, settings, wanted)
    if wanted["svg"]:
        with written(Path(wanted["svg"])) as file:
            file.write(svg(found))
    click.echo(json_text(plain(found), indent=2) if wanted["output"] == "json" else comparison_text(found))
    return EXIT_CLEAN


def estimate(paths: tuple[str, ...], settings: Settings, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the whole estimate as plain JSON values."""
    from prepdata.api import validate
    from prepdata.cli.unread import check_read, tell_unread
    from prepdata.prices import billions_in, providers, unlisted

    settings, asked = without_rules(settings), settings.targets
    if not settings.targets and not wanted["gpus"] and wanted["billions"] is None:
        settings = _with_targets(settings, providers())
    report = validate(paths, settings, meters=("tokens", "cost"))
    tokens, hosted = report.measures["tokens"], report.measures["cost"]["hosted"]
    check_read(paths, tokens["rows"])
    tell_unread(paths, report, tokens["rows"])
    billions = wanted["billions"] or (billions_in(settings.model) if settings.model else None)
    return {
        "rows": tokens["rows"],
        "tokens": tokens,
        "hosted": hosted,
        "unpriced": _unpriced(settings.targets, {h["provider"] for h in hosted}),
        "unlisted": unlisted(settings.model, asked) if settings.model and settings.targets and not hosted else None,
        "own_gpus": _own_gpus(tokens, settings, wanted, billions),
        "calls": _calls(tokens, hosted, settings, wanted["prompt_before"]),
    }


def _unpriced(names: tuple[str, ...], priced: set[str]) -> list[str]:
    """Return the providers that were asked for and have no price for this model; trainers have none by nature."""
    from prepdata.targets import load

    asked = [load(name) for name in names]
    return [target.name for target in asked if target.kind == "provider" and target.name not in priced]


def without_rules(settings: Settings) -> Settings:
    """Return the settings with no rule selected: only meters run."""
    import msgspec

    return msgspec.structs.replace(settings, select=(), extend_select=(), ignore=("ALL",), per_file_ignores={})


def _with_targets(settings: Settings, names: tuple[str, ...]) -> Settings:
    import msgspec

    return msgspec.structs.replace(settings, targets=names)


def _own_gpus(
    tokens: dict[str, Any], settings: Settings, wanted: dict[str, Any], billions: float | None
) -> list[dict[str, Any]]:
    from prepdata.cost import Amount, plain
    from prepdata.cost_gpu import own_gpu

    if billions is None:
        if wanted["gpus"]:
            raise UsageError("--gpu needs the size of the model: give --params, or a --model whose name states it")
        return []
    methods: tuple[Method, ...] = ("lora", "qlora") if wanted["method"] == "both" else (wanted["method"],)
    longest = max(1, min(tokens["per_row"]["max"], settings.context_length or tokens["per_row"]["max"]))
    amount = Amount(tokens["rows"], cut_total(tokens, settings.context_length), tokens["exact"])
    return [
        plain(
            own_gpu(name, amount, billions=billions, method=method, epochs=settings.epochs or 3.0, row_tokens=longest)
        )
        for name in wanted["gpus"] or DEFAULT_GPUS
        for method in methods
    ]


def cut_total(tokens: dict[str, Any], context: int | None) -> int:
    """Return the tokens of all rows, cut at the context length where one is given."""
    cut = next((item["tokens_cut"] for item in tokens["limits"] if item["limit"] == context), 0)
    return int(tokens["total"]) - int(cut)


def _calls(
    tokens: dict[str, Any], hosted: list[dict[str, Any]], settings: Settings, before: int | None
) -> list[dict[str, Any]]:
    """Return prices per call: the rows' own prompts after the fine-tune, `before` tokens of prompt before it."""
    from prepdata.cost import calls, plain

    if before is None or not tokens["rows"]:
        return []
    prompt, answer = tokens["prompt"] / tokens["rows"], tokens["trained"] / tokens["rows"]
    found = []
    for job in hosted:
        for item in calls(
            job["provider"],
            model=settings.model,
            prompt_before=before,
            prompt_after=prompt,
            answer=answer,
            training_usd=job["usd"]["likely"] if job["usd"] else None,
        ):
            if item.offer == job["offer"]:
                found.append({"provider": job["provider"], **plain(item)})
    return found


def text(answer: dict[str, Any]) -> str:
    """Return an estimate as text for people."""
    lines = tokens_text(answer["tokens"])
    if answer["hosted"]:
        lines += ["", "Hosted fine-tuning (low - likely - high, US dollars)", *_hosted_lines(answer["hosted"])]
    if answer["unlisted"]:
        lines += ["", f"{answer['unlisted'][0].upper()}{answer['unlisted'][1:]}."]
    elif answer["unpriced"]:
        lines += ["", f"No price known for: {', '.join(answer['unpriced'])}."]
    if answer["own_gpus"]:
        lines += ["", "Own or rented GPUs", *_gpu_lines(answer["own_gpus"])]
    if answer["calls"]:
        lines += ["", "One call, before and after", *_call_lines(answer["calls"])]
    assumptions = dict.fromkeys(
        f"{job.get('provider') or job.get('gpu')}: {said}"
        for part in ("hosted", "own_gpus", "calls")
        for job in answer[part]
        for said in job["assumptions"]
    )
    if assumptions:
        lines += ["", "Assumptions", *(f"  - {said}" for said in assumptions)]
    return "\n".join(map(safe, lines))


def tokens_text(tokens: dict[str, Any]) -> list[str]:
    """Return the token measures as lines: sums, percentiles, limits, histogram."""
    kind = "counted" if tokens["exact"] else "ESTIMATED"
    spread = tokens["per_row"]
    per_row = ", ".join(f"{label} {spread[key]:,}" for label, key in PER_ROW)
    lines = [
        f"Tokens ({kind} with {tokens['counter']})",
        f"  {plural(tokens['rows'], 'row')}, {plural(tokens['total'], 'token')}",
        f"  {tokens['prompt']:,} in prompts, {tokens['trained']:,} trained",
        f"  per row: {per_row}",
    ]
    if tokens["untrained_rows"]:
        lines.append(f"  {plural(tokens['untrained_rows'], 'row')} without a trained token")
    if tokens["media_rows"]:
        lines.append(
            f"  {plural(tokens['media_rows'], 'row')} with images or other media, whose tokens are not counted"
        )
    for item in tokens["limits"]:
        state = f"{plural(item['rows_over'], 'row')} longer" if item["rows_over"] else "no row is longer"
        lines.append(f"  {item['target']}: {state} than {item['limit']:,} tokens")
    lines += [f"  {note}" for note in tokens["notes"]]
    return [*lines, *histogram(tokens["histogram"])]


def _hosted_lines(jobs: list[dict[str, Any]]) -> list[str]:
    rows = []
    for job in jobs:
        price = span(job["usd"], money)
        extra = [] if job["confidence"] == "provider" else [f"price {job['confidence']}"]
        if job["minimum_applied"]:
            extra.append("minimum charge")
        if job["storage_month"]:
            extra.append(f"{money(job['storage_month'])} a month to keep")
        if job["hosting_hour"]:
            extra.append(f"{money(job['hosting_hour'])} an hour to host")
        rows.append((job["provider"], job["offer"], price, dated(job["as_of"]), "; ".join(extra)))
    return table(rows, right=frozenset({2}))


def dated(as_of: str) -> str:
    """Return "as of ..., old from ..." with a mark where that day has come."""
    import datetime

    return f"{as_of} (OLD)" if as_of[-10:] <= datetime.date.today().isoformat() else as_of


def _gpu_lines(jobs: list[dict[str, Any]]) -> list[str]:
    rows = []
    for job in jobs:
        if job["gpus"] is None:
            rows.append((job["gpu"], job["method"], "does not fit on 8", f"{job['memory_gib']:,.0f} GiB", "", ""))
            continue
        rows.append(
            (
                job["gpu"],
                job["method"],
                f"{job['gpus']} GPU" + ("s" if job["gpus"] > 1 else ""),
                f"{job['memory_gib']:,.0f} GiB",
                span(job["hours"], hours),
                f"{span(job['usd'], money)}  {dated(job['as_of'])}",
            )
        )
    return table(rows)


def _call_lines(items: list[dict[str, Any]]) -> list[str]:
    rows = []
    for item in items:
        pays = item["calls_to_pay_off"]
        after = f"paid for after {plural(pays, 'call')}" if pays else "never pays for itself by calls alone"
        known = item["saving"] is not None
        rows.append(
            (
                item["provider"],
                item["offer"],
                f"{money(item['before'])} before",
                f"{money(item['after'])} after",
                after if known else "not known",
                dated(item["as_of"]),
            )
        )
    return table(rows)
