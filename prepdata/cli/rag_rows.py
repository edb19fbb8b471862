"""`prepdata rag-rows`: training rows with retrieved context, from documents and questions with answers."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from prepdata.cli.options import Command, settings_flags, settings_from
from prepdata.errors import UsageError

_OF_LANGUAGE = re.compile(r"([^\W\d_]{1,20}(?:[-_][A-Za-z]{1,8})?)=(.*)", re.DOTALL)


@click.command("rag-rows", cls=Command, short_help="Build training rows with retrieved context.")
@click.argument("documents", metavar="DOCUMENTS")
@click.argument("questions", metavar="QUESTIONS")
@click.option("--output", "-o", required=True, metavar="FILE", help="File for the rows.")
@click.option("--distractors", type=click.IntRange(0, 50), default=3, metavar="N", help="Near passages beside (3).")
@click.option(
    "--distractors-from",
    type=click.Choice(["same-side", "any"]),
    default="same-side",
    metavar="WHERE",
    help="Documents they are from: same-side (default: none that a question of another side is about), any.",
)
@click.option("--unanswerable", default="0.1", metavar="SHARE", help="Share of rows without the true passage (0.1).")
@click.option(
    "--decline",
    multiple=True,
    metavar="TEXT",
    help="Answer of such rows; de=TEXT for one language. Default: a sentence of ours in 22 languages.",
)
@click.option("--citations/--no-citations", default=True, help="Add [n] to answers (default), or not.")
@click.option("--validation", metavar="SHARE", help="Share of the rows (0.1, 10%), or number of rows (500).")
@click.option("--test", metavar="SHARE", help="The same for test.")
@click.option("--seed", default="", metavar="TEXT", help="Another text draws other rows, places and sides.")
@click.option("--max-length", type=click.IntRange(1), metavar="N", help="Tokens a row may have; it loses distractors.")
@click.option("--tokenizer", metavar="NAME", help="Counts them: folder, tokenizer.json or tiktoken encoding.")
@click.option("--chunk-size", type=click.IntRange(1), metavar="N", help="Size of a passage, as for retrieval.")
@click.option("--overlap", type=click.IntRange(0), metavar="N", help="What neighbouring passages share.")
@click.option("--skip-unreadable", is_flag=True, help="Leave documents out that cannot be read.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are not as this command wrote them.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON on standard output.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@settings_flags("input", "config", only={"format", "max_line_bytes", "config", "isolated"})
def command(documents: str, questions: str, **flags: Any) -> int:
    """Build rows from a folder of DOCUMENTS and QUESTIONS (or - for standard input).

    QUESTIONS are chat rows with a mark `gold` or `source` that names the document, or a passage of it, that holds the
    answer. Each row gets that passage, near passages that do not hold the answer, and a citation; of some rows the true
    passage is taken out, and the answer says so. Questions that give no row go, each with its reason, into
    NAME.left-out.jsonl; the exit code is then 1.
    """
    from prepdata.jsontext import json_text
    from prepdata.rag_rows.report import as_json as plain
    from prepdata.rag_rows.report import described
    from prepdata.rag_rows.run import rag_rows
    from prepdata.rag_rows.settings import Asked
    from prepdata.reporters.base import safe

    show_json, quiet = flags.pop("as_json"), flags.pop("quiet")
    output, validation, test = flags.pop("output"), flags.pop("validation"), flags.pop("test")
    asked = Asked(
        distractors=flags.pop("distractors"),
        beyond=flags.pop("distractors_from") == "any",
        unanswerable=_share(flags.pop("unanswerable")),
        declines=_declines(flags.pop("decline")),
        citations=flags.pop("citations"),
        seed=flags.pop("seed"),
        max_length=flags.pop("max_length") or 0,
        tokenizer=flags.pop("tokenizer"),
        skip_unreadable=flags.pop("skip_unreadable"),
        chunk_size=flags.pop("chunk_size"),
        overlap=flags.pop("overlap"),
    )
    dry_run, force = flags.pop("dry_run"), flags.pop("force")
    if output == "-":
        raise UsageError("--output: rows, sides and what is left out are files beside each other; name a file, not -")
    settings, _ = settings_from(flags)
    report = rag_rows(
        documents,
        questions,
        output=output,
        asked=asked,
        validation=validation,
        test=test,
        settings=settings,
        dry_run=dry_run,
        force=force,
    )
    if show_json:
        click.echo(json_text(plain(report)))
    elif not quiet:
        for line in described(report, asked.distractors):
            print(safe(line), file=sys.stderr)
    return report.exit_code


def _share(value: str) -> float:
    """Return a share: 0.1 or 10%.

    Raises:
        UsageError: it is none.
    """
    from prepdata.splitting.assign import asked_of

    try:
        found = asked_of("unanswerable", value if value != "1" else "100%").share
    except UsageError:
        found = None
    if found is None:
        raise UsageError(f"--unanswerable: '{value}' is no share of the rows (0.1, 10%)")
    return found


def _declines(given: tuple[str, ...]) -> dict[str, str]:
    """Return the texts by language, "" for all.

    Raises:
        UsageError: two for one language. (What is no language, or an empty text, `Asked.checked` refuses.)
    """
    found: dict[str, str] = {}
    for text in given:
        match = _OF_LANGUAGE.fullmatch(text)
        language, said = (match[1], match[2]) if match else ("", text)
        if language in found:
            raise UsageError(f"--decline is given twice for {language or 'all languages'}")
        found[language] = said
    return found
