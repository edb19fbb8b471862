"""The command line: finds the command, and turns every error into one line and exit code 2."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

import prepdata
from prepdata.errors import EXIT_ERROR, PrepdataError

COMMANDS = {
    "validate": "Check files: every bad row, with file, line, path, reason and cure.",
    "fix": "Repair what can be repaired, with a receipt for every change.",
    "split": "Split files into train, validation and test without leaks between them.",
    "rag-rows": "Build training rows with retrieved context from documents, questions and answers.",
    "lock": "Write down what data, tokenizer and targets are now, so that a change is noticed.",
    "convert": "Write one record format as another, where nothing is lost.",
    "stats": "Show lengths, roles, turns, languages, system prompts, tools.",
    "show": "Show a row as the model sees it: tokens, what is trained, where it is cut.",
    "advise": "Say whether prompts, retrieval, fine-tuning or both fit your case, and why.",
    "retrieval": "Index documents, find passages for questions, measure how well they are found.",
    "cost": "Estimate tokens, price and time of a fine-tune.",
    "baseline": "Record what a model can do before training.",
    "train": "Fine-tune with LoRA or QLoRA, after a check of everything it hangs on.",
    "merge": "Merge a trained adapter into its base, and ask the merged model again.",
    "evaluate": "Ask a trained model the same rows.",
    "compare": "Compare a fine-tuned model with its baseline on the same rows: did training help?",
    "arms": "Measure prompts, retrieval, fine-tuning and both on the same rows: which to take?",
    "runs": "List trainings and what came of them.",
    "rule": "Explain a rule, or list all of them.",
    "init": "Write a commented configuration and the pre-commit snippet.",
    "index": "Build and list indexes of benchmarks that no training row may hold.",
    "vocab": "List or add vocabulary files for exact token counts without internet.",
    "completion": "Print the shell completion script.",
}


_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""Errors of a disk without room."""
_ENDINGS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class Commands(click.Group):
    """Imports a command's module only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"prepdata.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from prepdata.errors import nearest

            raise click.UsageError(f"{error.message}{nearest(args[0], COMMANDS)}", ctx) from None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(prepdata.__version__, prog_name="prepdata")
def cli() -> None:
    """Find what is wrong with fine-tuning data before paying for the fine-tune.

    Exit codes: 0 nothing to report, 1 findings, 2 wrong use, unreadable input or a crash; 130 (Ctrl-C) and 143
    (terminated) if a signal ended the run.
    """


def main() -> None:
    """Run the command line."""
    _streams()
    for number in _ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
            signal.signal(number, _interrupt)
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = EXIT_ERROR
    except click.ClickException as error:
        _say(error.format_message())
        context = getattr(error, "ctx", None)
        if context is not None:
            print(f"Try '{context.command_path} --help'.", file=sys.stderr)
        code = EXIT_ERROR
    except (click.Abort, KeyboardInterrupt) as error:
        code = _ended_by(error)
        _say("interrupted")
    except PrepdataError as error:
        _say(str(error))
        code = EXIT_ERROR
    except BrokenPipeError:
        code = 0
    except OSError as error:
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        _say(f"{name or ('output: ' if error.errno in _FULL else '')}{error.strerror or error}")
        code = EXIT_ERROR
    except MemoryError:
        _say("not enough memory; try --jobs 1, or a smaller file")
        code = EXIT_ERROR
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("prepdata", "trainers", ""):
            code = _unexpected(error)
        else:
            raise  # a library that prepdata needs: prepdata.__main__ says so
    except Exception as error:
        code = _unexpected(error)
    sys.exit(_flushed(code or 0))


def _streams() -> None:
    """Open what the caller left closed, so that no data file takes the place of an output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _interrupt(number: int, _: Any) -> None:
    """End like after Ctrl-C: temporary files and other processes are cleared away."""
    raise KeyboardInterrupt(number)


def _ended_by(error: BaseException) -> int:
    """Return the exit code of a run that a signal ended: 128 and its number. Another signal now ends it at once."""
    for other in (signal.SIGINT, *_ENDINGS):
        signal.signal(other, signal.SIG_DFL)
    given = (error.__cause__ or error).args
    return 128 + (given[0] if given and isinstance(given[0], int) else signal.SIGINT)


def _flushed(code: int) -> int:
    """Write out what waits for standard output; return the exit code, 2 where it could not be written."""
    try:
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        pass
    except OSError as error:
        _say(f"standard output: {error.strerror or error}")
        code = EXIT_ERROR
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what waits is dropped at the end
    return code


def _say(text: str) -> None:
    """Write a message on standard error; controls in names are made visible."""
    from prepdata.reporters.base import safe

    with contextlib.suppress(OSError):
        print("prepdata:", "\n".join(map(safe, text.split("\n"))), file=sys.stderr, flush=True)


def _unexpected(error: Exception) -> int:
    """Say that prepdata itself failed, in one line; the traceback only where PREPDATA_DEBUG asks for it."""
    if os.environ.get("PREPDATA_DEBUG"):
        import traceback

        traceback.print_exc()
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
    _say(
        f"internal error: {type(error).__name__}{where}. This is a bug in prepdata, not in your data; "
        "please report it (PREPDATA_DEBUG=1 shows the details)."
    )
    return EXIT_ERROR
