"""The command line: finds the command, and turns every error into one line and exit code 2."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

import prepdata
from prepdata.errors import EXIT_ERROR, PrepdataError

COMMANDS = {
    "validate": "Check files: every bad row, with file, line, path, reason and cure.",
    "fix": "Repair what can be repaired, with a receipt for every change.",
    "convert": "Write one record format as another, where nothing is lost.",
    "stats": "Show lengths, roles, turns, languages, system prompts, tools.",
    "cost": "Estimate tokens, price and time of a fine-tune.",
    "rule": "Explain a rule, or list all of them.",
    "init": "Write a commented configuration and the pre-commit snippet.",
    "vocab": "List or add vocabulary files for exact token counts without internet.",
    "completion": "Print the shell completion script.",
}


class Commands(click.Group):
    """Imports a command's module only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"prepdata.cli.{cmd_name}")
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

    Exit codes: 0 nothing to report, 1 findings, 2 wrong use, unreadable input or a crash.
    """


def main() -> None:
    """Run the command line."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = EXIT_ERROR
    except click.ClickException as error:
        print(f"prepdata: {error.format_message()}", file=sys.stderr)
        context = getattr(error, "ctx", None)
        if context is not None:
            print(f"Try '{context.command_path} --help'.", file=sys.stderr)
        code = EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        print("prepdata: interrupted", file=sys.stderr)
        code = EXIT_ERROR
    except PrepdataError as error:
        print(f"prepdata: {error}", file=sys.stderr)
        code = EXIT_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        name = f" {error.filename}:" if error.filename else ""
        print(f"prepdata:{name} {error.strerror or error}", file=sys.stderr)
        code = EXIT_ERROR
    except Exception as error:
        code = _unexpected(error)
    sys.exit(code or 0)


def _unexpected(error: Exception) -> int:
    """Say that prepdata itself failed, in one line; the traceback only where PREPDATA_DEBUG asks for it."""
    if os.environ.get("PREPDATA_DEBUG"):
        import traceback

        traceback.print_exc()
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
    print(
        f"prepdata: internal error: {type(error).__name__}{where}. This is a bug in prepdata, not in your data; "
        "please report it (PREPDATA_DEBUG=1 shows the details).",
        file=sys.stderr,
    )
    return EXIT_ERROR
