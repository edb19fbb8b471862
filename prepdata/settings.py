"""Settings: the whole truth about a run, for the library, the command line and the configuration file."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FailOn = Literal["error", "warning", "info", "never"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that changes what a run does. Names are the same as keyword arguments of `prepdata.validate`,
    as flags (`--fail-on`) and as keys of `[tool.prepdata]` (`fail-on` or `fail_on`).

    Args:
        format: name of the record format, or "auto" to find it.
        columns: which columns hold what, for rows of no known format: {"prompt": "question", "completion": "sql"}.
        targets: providers and trainers whose rules apply.
        model: model to be fine-tuned; chooses encoding and prices.
        encoding: tiktoken encoding; None to follow the model.
        tokenizer: what to count and render with: path of a `tokenizer.json` or tokenizer folder, a tiktoken encoding by
            its name or the path of its rank file (with `chat_template`), or a model of the Hugging Face Hub
            ("org/name", "org/name@revision").
        tokens: False to skip counting.
        epochs: epochs for the cost estimate; None for the provider's default.
        context_length: tokens a row may have; None for the targets' own.
        chat_template: file of the chat template to train with, in place of that of the tokenizer folder.
        max_length: tokens at which the trainer cuts or drops a row, 0 for no limit; None for the trainer's own default.
        loss: which tokens are trained: "assistant", "completion" (all after the prompt) or "all"; None for the
            trainer's own default.
        overflow: what the trainer does to longer rows: "keep-start", "keep-end", "drop" or "error"; None for its own.
        packing: how the trainer packs rows: "" not at all, "bfd", "bfd_split", "wrapped"; None for its own default.
        eval: evaluation files that the rows are held against: nothing in them may be trained on.
        index: indexes of benchmarks that the rows are held against, by name or path (`prepdata index build`).
        select: rules that run, by name, code, beginning of codes or ALL; empty for the default set.
        extend_select: rules that run besides.
        ignore: rules that do not run.
        per_file_ignores: file pattern -> rules not reported there.
        rules: options per rule name.
        fail_on: least severity that makes the exit code 1.
        waivers: path of the waivers file; None for `prepdata-waivers.json` beside the configuration, if there.
        lock: path of the lock file that data and tokenizer are held against (`prepdata lock`); None for `prepdata.lock`
            beside the configuration, if there; "" for none.
        marks: names of the row marks where they differ from the usual ones.
        jobs: worker processes; 0 for one per core.
        cache: False to neither read nor write the cache.
        cache_dir: folder of the cache; None for the user's cache folder.
        max_line_bytes: longest line that is read, in bytes.
        offline: True if nothing may be downloaded.
    """

    format: str = "auto"
    columns: dict[str, str] = {}
    targets: tuple[str, ...] = ()
    model: str | None = None
    encoding: str | None = None
    tokenizer: str | None = None
    tokens: bool = True
    epochs: float | None = None
    context_length: int | None = None
    chat_template: str | None = None
    max_length: int | None = None
    loss: Literal["assistant", "completion", "all"] | None = None
    overflow: Literal["keep-start", "keep-end", "drop", "error"] | None = None
    packing: Literal["", "bfd", "bfd_split", "wrapped"] | None = None
    eval: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    rules: dict[str, dict[str, Any]] = {}
    fail_on: FailOn = "error"
    waivers: str | None = None
    lock: str | None = None
    marks: dict[str, str] = {}
    jobs: int = 0
    cache: bool = True
    cache_dir: str | None = None
    max_line_bytes: int = 64 * 1024 * 1024
    offline: bool = False
