"""What `prepdata baseline` and `prepdata evaluate` share: flags, the run, the table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from prepdata.cli.options import Flag, settings_from
from prepdata.errors import EXIT_CLEAN, UsageError

if TYPE_CHECKING:
    from trainers.evaluate import Asked
    from trainers.record import Evaluation, Latency
    from trainers.run_evaluation import Trained

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path()
_COUNT = click.IntRange(min=1)
_FLAGS: list[tuple[str, str, dict[str, Any]]] = [
    ("Model", "--model", {"required": True, "metavar": "DIR|URL",
                          "help": "Folder of a model, or an endpoint with chat completions (http://host:8000/v1)."}),
    ("Model", "--model-name", {"metavar": "NAME", "help": "Model at the endpoint (default: the only one)."}),
    ("Model", "--api-key-env", {"metavar": "NAME", "help": "Environment variable with the key for the endpoint "
                                "(default: PREPDATA_API_KEY)."}),
    ("Model", "--timeout", {"type": click.FloatRange(min=0, min_open=True), "metavar": "S",
                            "help": "Seconds that one request may take (default 120)."}),
    ("Model", "--retries", {"type": click.IntRange(min=0), "metavar": "N",
                            "help": "Further tries after 429, 5xx, a cut connection (default 4)."}),
    ("Model", "--chat-template", {"type": _FILE, "help": "Chat template (default: that of the adapter, "
                                   "else of the folder)."}),
    ("Model", "--dtype", {"type": click.Choice(["auto", "float32", "bfloat16", "float16"]), "metavar": "TYPE",
                          "help": "Of the weights: auto (as stored), float32, bfloat16, float16."}),
    ("Model", "--device", {"metavar": "NAME", "help": "auto (default), cpu, cuda, cuda:1."}),
    ("Model", "--threads", {"type": _COUNT, "metavar": "N", "help": "Processor threads."}),
    ("Rows and scores", "--test", {"required": True, "type": _FILE, "metavar": "FILE", "help": "Held-out rows."}),
    ("Rows and scores", "--retention", {"type": _FILE, "metavar": "FILE",
                                        "help": "Rows of what the model can do and must not forget."}),
    ("Rows and scores", "--general", {"type": _FILE, "metavar": "FILE",
                                      "help": "Texts ({\"text\": \"...\"}) whose loss shows what is forgotten."}),
    ("Rows and scores", "--scorer", {"multiple": True, "metavar": "NAME",
                                     "help": "By name or FILE.py:NAME; may repeat (default: what fits the rows)."}),
    ("Prompt", "--system-prompt", {"type": _FILE, "metavar": "FILE",
                                   "help": "Takes the place of the rows' system prompts."}),
    ("Prompt", "--few-shot", {"type": _FILE, "metavar": "FILE", "help": "Rows to show before each question."}),
    ("Prompt", "--shots", {"type": _COUNT, "metavar": "N", "help": "How many of them (default: all)."}),
    ("Answers", "--max-new-tokens", {"type": _COUNT, "metavar": "N", "help": "Most tokens an answer may have (512)."}),
    ("Answers", "--batch-size", {"type": _COUNT, "metavar": "N", "help": "Prompts asked at once (8)."}),
    ("Answers", "--temperature", {"type": click.FloatRange(0, 10), "metavar": "T", "help": "0 (default): greedy."}),
    ("Answers", "--top-p", {"type": click.FloatRange(0, 1, min_open=True), "metavar": "P",
                            "help": "Share of the probability to sample from (default 1)."}),
    ("Answers", "--seed", {"type": click.IntRange(min=0), "metavar": "N", "help": "Of sampling (default 0)."}),
    ("Output", "--output", {"type": _FILE, "metavar": "FILE",
                            "help": "Record, a name in .json (needed, but to evaluate a run: its evaluation.json)."}),
    ("Output", "--overwrite", {"is_flag": True, "help": "Replace a record that is there."}),
    ("Output", "--allow-errors", {"is_flag": True,
                                  "help": "Record rows without an answer as errors, not leave them for later."}),
    ("Output", "--quiet", {"is_flag": True, "help": "Say nothing but errors."}),
]  # fmt: skip
_OPTIONS = {
    "model_name": "model_name", "api_key_env": "key_variable", "timeout": "timeout", "retries": "retries",
    "chat_template": "chat_template", "dtype": "dtype", "device": "device", "threads": "threads", "adapter": "adapter",
    "max_new_tokens": "max_new_tokens", "batch_size": "batch_size", "temperature": "temperature", "top_p": "top_p",
    "seed": "seed",
}  # fmt: skip
"""Flag -> name among the options of a backend."""


def asking_flags(function: F) -> F:
    """Add the flags of both commands."""
    for section, flag, details in reversed(_FLAGS):
        given = details if {"multiple", "required", "is_flag"} & details.keys() else {"default": None, **details}
        function = click.option(flag, cls=Flag, section=section, **given)(function)
    return function


def run(flags: dict[str, Any], kind: Literal["base", "prompted", "tuned"]) -> int:
    """Ask, score, write, say what came out.

    Raises:
        PrepdataError: something cannot be used or reached; says what to do.
    """
    import msgspec

    from prepdata.model_folder import check_adapter, template_of
    from prepdata.reporters.base import safe
    from trainers.baseline import held_against, like_baseline
    from trainers.evaluate import InTurns, check_output, evaluate
    from trainers.generate import Options, is_url, open_backend
    from trainers.notes import notes
    from trainers.record_files import read_samples
    from trainers.timing import open_base

    trained = _trained(flags)
    output = _output(flags, trained)
    check_output(output, flags["overwrite"])
    given = {_OPTIONS[name]: flags[name] for name in _OPTIONS if flags.get(name) is not None}
    options, scorers = Options(**given), flags["scorer"]
    if options.adapter is not None and options.chat_template is None and not is_url(flags["model"]):
        options = msgspec.structs.replace(options, chat_template=template_of(check_adapter(options.adapter)))
    baseline, check, against = None, None, None
    if flags.get("baseline") is not None:
        baseline, check = held_against(flags["baseline"])
        options = like_baseline(options, baseline, set(given))
        scorers = scorers or tuple(scorer.name for scorer in baseline.scorers)
    asked = asked_of(flags, scorers)
    if not flags["quiet"]:
        for name, held in asked.sets():
            for said in held.said():
                print(f"prepdata: {name}: {safe(said)}", file=sys.stderr)
    if not is_url(flags["model"]):
        quiet_libraries()
    backend = open_backend(flags["model"], options)
    if flags.get("latency_rows"):
        base = open_base(flags["base"], flags["base_name"], flags["model"], options, baseline)
        against = InTurns(base, flags["latency_rows"])
    record = evaluate(
        backend, asked, output, kind=kind, command=sys.argv[1:], allow_errors=flags["allow_errors"], trained=trained,
        check=check, against=against, progress=show_progress(flags["quiet"]),
    )  # fmt: skip
    if not flags["quiet"]:
        for note in notes(record, read_samples(output, record)):
            print(f"prepdata: {safe(note)}", file=sys.stderr)
        click.echo("\n".join(safe(line) for line in table(record)))
        print(f"written: {safe(str(output))}, {safe(record.samples.path)}", file=sys.stderr)
    return EXIT_CLEAN


def _trained(flags: dict[str, Any]) -> Trained | None:
    """Return the run that the model is from: that of its adapter, or the one that is named; None where nobody knows."""
    adapter, named = flags.get("adapter"), flags.get("run")
    if adapter is not None and named is not None:
        raise UsageError("--run names the training of a model without an adapter; leave it out, or --adapter")
    place = adapter if named is None else named
    if place is None:
        return None
    from trainers.run_evaluation import trained

    found = trained(place)
    if found is None and named is not None:
        raise UsageError(f"{named}: no run folder: it has no run.json")
    return found if found is None or adapter is not None else found._replace(base=None)


def _output(flags: dict[str, Any], trained: Trained | None) -> Path:
    if flags["output"] is not None:
        return Path(flags["output"])
    if trained is None:
        raise UsageError("Missing option '--output': the file of the record.")
    from trainers.run_evaluation import EVALUATION

    return trained.folder / EVALUATION


def quiet_libraries() -> None:
    """Keep the libraries quiet that a model in a folder needs.

    Raises:
        UsageError: one of them is missing.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("transformers") is None:
        raise UsageError(
            "Asking a model in a folder needs torch and transformers: install torch, then pip install "
            "'prepdata[train]'. An endpoint (--model http://...) needs neither."
        )
    from prepdata.quiet import hush

    hush()


def asked_of(flags: dict[str, Any], scorers: tuple[str, ...]) -> Asked:
    """Return the rows, prompts and scorers that the flags name."""
    from trainers.evaluate import Asked, scorers_for
    from trainers.generate import is_url
    from trainers.prompting import read_prompting
    from trainers.testset import read_sets, read_texts

    names = {"format", "max_line_bytes", "config", "isolated"}
    settings, _ = settings_from({name: value for name, value in flags.items() if name in names})
    test, retention = read_sets(flags["test"], flags["retention"], settings, mark="--")
    rows = [*test.rows, *(retention.rows if retention else ())]
    prompting = read_prompting(flags["system_prompt"], flags["few_shot"], flags["shots"], rows, settings)
    wanted = scorers_for(rows, scorers)
    if flags["general"] is None:
        return Asked(test, retention, prompting, wanted)
    if is_url(flags["model"]):
        raise UsageError("--general: an endpoint tells no loss; it is measured on a model in a folder only")
    texts, info = read_texts(flags["general"], settings)
    return Asked(test, retention, prompting, wanted, texts, info)


def show_progress(quiet: bool) -> Callable[[int, int], None] | None:
    """Return what shows how many answers there are: one line, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\x1b[K\r" if done < total else "\r\x1b[K"
        print(f"\r{done:,} of {total:,} answers", end=end, file=sys.stderr, flush=True)

    return show


def table(record: Evaluation) -> list[str]:
    """Return the lines that tell what a record holds."""
    model, arm = record.model, record.arm
    put = [f"{arm.few_shot} examples"] if arm.few_shot else []
    put += ["own system prompt"] if arm.system_prompt else []
    lines = [f"{record.kind}: {model.name}{f' with {chr(44).join(put)}' if put else ''}"]
    for name, metrics in record.results.items():
        count = record.n_samples[name]["effective"]
        lines.append(f"{name} ({count:,} row{'' if count == 1 else 's'})")
        for metric, found in metrics.items():
            if found.value is None:
                lines.append(f"  {metric:<24}      -")
                continue
            around = (
                f"  [{found.low:.3f}, {found.high:.3f}]" if found.low is not None and found.high is not None else ""
            )
            left = f"  of {found.n:,} rows" if found.not_applicable else ""
            lines.append(f"  {metric:<24} {found.value:6.3f}{around}{left}")
        if name in record.loss:
            loss = record.loss[name]
            lines.append(f"  {'loss per token':<24} {loss.value:6.3f}  of {loss.tokens:,} tokens")
        if name in record.latency:
            lines.append(f"  {'seconds an answer':<24} {_time(record.latency[name])}")
    if record.timing is not None:
        timing = record.timing
        lines.append(f"in turns with {timing.model.name} ({len(timing.rows):,} rows)")
        for side, time in (("base", timing.base), (record.kind, timing.tuned)):
            lines.append(f"  {f'seconds an answer, {side}':<24} {_time(time)}")
    if "general" in record.loss:
        loss = record.loss["general"]
        lines += ["general text", f"  {'loss per token':<24} {loss.value:6.3f}  of {loss.tokens:,} tokens"]
    return lines


def _time(time: Latency) -> str:
    each = f", {time.ms_per_token:.1f} ms a token" if time.ms_per_token is not None else ""
    return f"{time.p50:6.3f}  median, {time.p95:.3f} p95{each}"
