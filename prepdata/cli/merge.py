"""`prepdata merge`: work an adapter into its base, and ask the merged model again."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prepdata.cli.options import Command, Flag, settings_flags
from prepdata.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from trainers.evaluate import Asked
    from trainers.generate import Options
    from trainers.merge import Merge, Source, Unmerged
    from trainers.record import Evaluation

_ASKING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--test", {"type": click.Path(), "metavar": "FILE", "help": "Held-out rows (default: those of the run)."}),
    ("--retention", {"type": click.Path(), "metavar": "FILE", "help": "Rows of what the model could do before."}),
    (
        "--compare",
        {
            "type": click.Path(),
            "metavar": "FILE",
            "help": "Record of base and adapter on these rows (default: they are asked first, unmerged).",
        },
    ),
    ("--same", {"type": click.FloatRange(0, 1), "metavar": "SHARE", "help": "Least share of equal answers (0.95)."}),
    ("--without-test", {"is_flag": True, "help": "Merge only, ask nothing."}),
    ("--scorer", {"multiple": True, "metavar": "NAME", "help": "As of prepdata evaluate; may repeat."}),
    ("--max-new-tokens", {"type": click.IntRange(min=1), "metavar": "N", "help": "Most tokens an answer may have."}),
    ("--batch-size", {"type": click.IntRange(min=1), "metavar": "N", "help": "Prompts asked at once."}),
    (
        "--record",
        {"type": click.Path(), "metavar": "FILE", "help": "Record of the merged model (default: FOLDER.json)."},
    ),
    ("--overwrite", {"is_flag": True, "help": "Replace a record that is there."}),
)
_OPTIONS = ("max_new_tokens", "batch_size", "device", "threads", "chat_template")


def _asking_flags(function: Any) -> Any:
    for name, details in reversed(_ASKING):
        given = details if {"multiple", "is_flag"} & details.keys() else {"default": None, **details}
        function = click.option(name, cls=Flag, section="The merged model is asked again", **given)(function)
    return function


@click.command("merge", cls=Command, short_help="Merge an adapter into its base.")
@click.argument("run", metavar="RUN|ADAPTER", type=click.Path(exists=True, file_okay=False))
@click.option("--output", required=True, type=click.Path(), metavar="FOLDER", help="Folder of the merged model.")
@click.option("--model", type=click.Path(), metavar="DIR", help="Folder of the base (default: that of the run).")
@click.option("--chat-template", type=click.Path(), metavar="FILE", help="Default: the one trained with.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "bfloat16", "float16", "float32"]),
    default="auto",
    metavar="TYPE",
    help="In which weights are stored: auto (as those of the base), bfloat16, float16, float32.",
)
@click.option("--device", metavar="NAME", help="auto (default), cpu, cuda, cuda:1.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads.")
@click.option("--json", "as_json", is_flag=True, help="The record of the merge, as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@_asking_flags
@settings_flags("input", "config", only={"format", "max_line_bytes", "config", "isolated"})
def command(run: str, output: str, model: str | None, dtype: Any, as_json: bool, quiet: bool, **flags: Any) -> int:
    """Work the adapter of RUN|ADAPTER into its base in full precision, write the merged model, and ask it again.

    Its answers are held against those of base and adapter apart. Exit codes: 0 as many answers as --same wants are the
    very same, 1 fewer are (the folder is there all the same), 2 it could not be merged or asked.
    """
    from prepdata.cli.asking import quiet_libraries
    from prepdata.jsontext import json_text
    from prepdata.reporters.base import safe
    from trainers.merge import Unmerged, check_target, find_source, not_asked

    source, target = find_source(run, model), Path(output)
    there = None if flags["without_test"] else not_asked(target, source, dtype)
    if there is None:
        check_target(target)
    flags["test"] = flags["test"] or (source.run.config.get("test") if source.run else None)
    if not flags["test"] and not flags["without_test"]:
        raise UsageError("no held-out rows to ask the merged model: name them by --test, or say --without-test")
    record = Path(flags["record"] or f"{target}.json")
    options, like = _options(source, flags)
    asked = None if flags["without_test"] else _asked(flags, like, record, there)
    quiet_libraries()
    if there is not None and not quiet:
        print(f"prepdata: {safe(str(target))} is merged already; it is asked now", file=sys.stderr)
    unmerged = Unmerged(source, options)
    if asked is None:
        merge = unmerged.write(target, dtype)
    else:
        merged_by: Callable[[], Merge] = partial(unmerged.write, target, dtype) if there is None else lambda: there
        merge, evaluation = _asked_twice(unmerged, asked, flags, target, record, merged_by, quiet)
    if as_json:
        click.echo(json_text(merge))
    elif not quiet:
        if asked is not None:
            _show(evaluation)
        _tell(merge, target, None if asked is None else record)
    return EXIT_FINDINGS if merge.agreement is not None and not merge.agreement.passed else EXIT_CLEAN


def _options(source: Source, flags: dict[str, Any]) -> tuple[Options, Evaluation | None]:
    """Return how to ask, and the record whose settings are taken: the one to compare with, else the run's baseline."""
    from trainers.baseline import like_baseline
    from trainers.generate import Options
    from trainers.record_files import read

    given = {name: flags[name] for name in _OPTIONS if flags[name] is not None}
    path = flags["compare"]
    if path is None and source.run is not None and source.run.config.get("baseline"):
        path = str(source.run.config["baseline"])
        if not Path(path).is_file() or read(path).sha256 != source.run.baseline:
            print(
                f"prepdata: {path}: not there, or not the baseline of the run; usual settings are used", file=sys.stderr
            )
            path = None
    if path is None:
        return Options(**given), None
    like = read(path)
    return like_baseline(Options(**given), like, set(given)), like


def _asked(flags: dict[str, Any], like: Evaluation | None, record: Path, there: Merge | None) -> Asked:
    """Return what is asked; `there` is the merge that goes on, whose own record may be written anew."""
    from prepdata.cli.asking import asked_of
    from trainers.evaluate import check_output
    from trainers.record_files import read

    own = there is not None and record.is_file() and read(record).model.weights == there.weights
    check_output(record, flags["overwrite"] or own)
    scorers = flags["scorer"] or (tuple(scorer.name for scorer in like.scorers) if like is not None else ())
    names = {"model": "", "general": None, "system_prompt": None, "few_shot": None, "shots": None}
    return asked_of({**flags, **names}, scorers)


def _asked_twice(
    unmerged: Unmerged,
    asked: Asked,
    flags: dict[str, Any],
    target: Path,
    record: Path,
    merged_by: Callable[[], Merge],
    quiet: bool,
) -> tuple[Merge, Evaluation]:
    """Ask base and adapter apart (or take the record of that), merge, ask the merged model; return what came out.

    Args:
        unmerged, asked, flags, quiet: as in `command`.
        target, record: folder of the merged model, and the record of its answers.
        merged_by: merges what `unmerged` holds into `target`, or finds that done.
    """
    import msgspec

    from prepdata.cli.asking import show_progress
    from trainers.baseline import held_against
    from trainers.evaluate import evaluate, outline
    from trainers.generate import Options
    from trainers.local import LocalModel
    from trainers.merge import PROBED, SAME, agreement, first_logits, largest_difference, write_record
    from trainers.record_files import read_samples
    from trainers.run_evaluation import trained

    progress: Callable[[int, int], None] | None = show_progress(quiet)
    with tempfile.TemporaryDirectory(prefix="prepdata-") as place:
        reference = Path(flags["compare"] or f"{place}/unmerged.json")
        if flags["compare"] is None:
            evaluate(unmerged, asked, reference, kind="tuned", progress=progress)
        apart, comparable = held_against(reference)
        before = read_samples(reference, apart)
    prompts = [asked.prompting.prompt(row) for _, row in asked.rows()]
    if flags["compare"]:  # before anything is merged
        comparable(outline(unmerged, asked, unmerged.rendering(prompts), "tuned", ()))
    logits, options = first_logits(unmerged, prompts[:PROBED]), unmerged.options
    merge, source = merged_by(), unmerged.source
    del unmerged.net
    options = msgspec.structs.replace(options, adapter=None, chat_template=None, dtype=Options().dtype)
    merged = LocalModel(str(target), options)
    difference = largest_difference(logits, first_logits(merged, prompts[:PROBED]))
    from_run = trained(source.adapter) if source.run is not None else None
    evaluation = evaluate(
        merged, asked, record, kind="tuned", command=sys.argv[1:], check=comparable, progress=progress,
        trained=None if from_run is None else from_run._replace(base=None),
    )  # fmt: skip
    found = agreement(
        Path(flags["compare"]).name if flags["compare"] else "unmerged",
        before,
        read_samples(record, evaluation),
        wanted=SAME if flags["same"] is None else flags["same"],
        logits=difference,
        evaluation=evaluation.sha256,
    )
    merge = msgspec.structs.replace(merge, agreement=found)
    write_record(target, merge, source.run)
    return merge, evaluation


def _show(evaluation: Evaluation) -> None:
    from prepdata.cli.asking import table
    from prepdata.reporters.base import safe

    click.echo("\n".join(safe(line) for line in table(evaluation)))


def _tell(merge: Merge, target: Path, record: Path | None) -> None:
    """Say what came of it."""
    from prepdata.reporters.base import safe

    click.echo(f"merged: {merge.parameters:,} parameters in {merge.dtype}")
    held = merge.agreement
    if held is not None:
        logits = "" if held.logits is None else f"; largest difference of a logit {held.logits:.2g}"
        apart = "base and adapter apart" if held.reference == "unmerged" else held.reference
        click.echo(f"{held.same:,} of {held.rows:,} answers are those of {safe(apart)}{logits}")
        if not held.passed:
            rows = ", ".join(held.differing)
            click.echo(f"fewer than the share of {held.wanted:g} that is wanted; other answers: {safe(rows)}")
    written = f"{target}, {record}" if record is not None else str(target)
    print(f"written: {safe(written)}", file=sys.stderr)
