"""A report of tables and lists, written to the terminal, as Markdown, and as an HTML page that needs nothing else."""

from __future__ import annotations

from typing import NamedTuple, TextIO

from prepdata.reporters.base import Output, safe
from trainers.reporters import markdown, page, terminal

_COLORS = {True: "\x1b[32m", False: "\x1b[31m", None: "\x1b[33m"}
_MARKS = {True: "✅", False: "❌", None: "⚠️"}
_KINDS = {True: "ok", False: "error", None: "warning"}


class Table(NamedTuple):
    """Rows below a title; columns named in `right` hold numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()


class Document(NamedTuple):
    """What is said.

    Args:
        command: that says it.
        headline: the outcome, in one line; `state` whether it is good, bad or not known (None).
        lead: sentences below it.
        tables, lists: in this order; empty ones are left out.
        legend: how numbers are to be read.
    """

    command: str
    headline: str
    state: bool | None
    lead: tuple[str, ...]
    tables: tuple[Table, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    legend: str


def to_terminal(held: Document, out: TextIO, output: Output) -> None:
    """Write for a terminal."""
    said = safe(held.headline)
    lines = [f"{_COLORS[held.state]}\x1b[1m{said}\x1b[0m" if output.color else said, *map(safe, held.lead)]
    for one in held.tables:
        if one.rows:
            lines += ["", f"{one.title}:", *terminal.table([one.head, *one.rows], one.right)]
    for title, texts in held.lists:
        if texts:
            lines += ["", f"{title}:", *(f"  {safe(text)}" for text in texts)]
    out.write("\n".join([*lines, "", held.legend]) + "\n")


def to_markdown(held: Document, out: TextIO) -> None:
    """Write as Markdown; what comes from files is escaped: it makes no link, mention or markup."""
    lines = [f"### {_MARKS[held.state]} {held.command}: {markdown.text(held.headline)}", ""]
    lines += [f"- {markdown.text(said)}" for said in held.lead]
    for one in held.tables:
        if one.rows:
            lines += ["", f"**{markdown.text(one.title)}**", "", markdown.row(one.head)]
            lines += [markdown.row(["---"] * len(one.head), plain=True), *map(markdown.row, one.rows)]
    for title, texts in held.lists:
        if texts:
            lines += ["", f"**{title}**", "", *(f"- {markdown.text(text)}" for text in texts)]
    out.write("\n".join([*lines, "", markdown.text(held.legend), ""]))


def to_html(held: Document, out: TextIO) -> None:
    """Write as a page; everything from files is escaped, nothing is loaded, there is no script."""
    badge = f'<span class="badge {_KINDS[held.state]}">{page.text(held.headline)}</span>'
    parts = [f"<h1>{held.command} {badge}</h1>", f"<ul>{''.join(f'<li>{page.text(s)}</li>' for s in held.lead)}</ul>"]
    parts += [page.table(one.title, one.head, one.rows) for one in held.tables if one.rows]
    parts += [page.listed(title, texts) for title, texts in held.lists]
    parts.append(f'<p class="dim">{page.text(held.legend)}</p>')
    out.write(page.whole(f"{held.command}: {held.headline}", parts))
