"""One row as the model sees it, drawn for the terminal: trained, special and lost tokens told apart.

With colours a token's kind is its colour; without, a line of marks stands below each line of text. White space that
matters is made visible, and what cannot be seen or would steer the terminal is written as `\\uXXXX`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TextIO

from prepdata.findings import plural
from prepdata.reporters.base import Output, safe
from prepdata.reporters.text import columns, indented

if TYPE_CHECKING:
    from prepdata.training.view import View

NEWLINE, TAB, TRAILING, BORDER = "↵", "→", "·", "▏"
BORDERS, CUT = "border", "cut"
"""Kinds of pieces that are no part of the text."""
UNSEEN = "unseen"
"""Kind of characters that the tokenizer passes over: the model does not see them."""
WIDTH = 100
"""Columns of a line where there is no terminal."""
_TRAILING = re.compile(r" +(?=\n|\Z)")


class Look(NamedTuple):
    """How a kind of token is shown: its colour, its mark where there are no colours, its name in the legend."""

    color: str
    mark: str
    name: str


_LOOKS = {
    "trained": Look("32", "=", "trained"),
    "special-trained": Look("1;4;32", "#", "special, trained"),
    "special": Look("36", "~", "special"),
    "lost-trained": Look("31", "x", "trained, but cut off"),
    "lost": Look("2", "-", "cut off"),
    "plain": Look("", " ", "not trained"),
    UNSEEN: Look("33", ".", "no token"),
    BORDERS: Look("2", " ", "borders of tokens"),
}


class Piece(NamedTuple):
    """Something drawn: its text, its kind, and whether a new line begins after it."""

    text: str
    kind: str
    breaks: bool = False


def write_view(view: View, out: TextIO, output: Output, *, borders: bool = False) -> None:
    """Write a row as the model sees it: a head with the counts, then the text.

    Args:
        view: the row.
        out: where to write.
        output: colours and width.
        borders: True to mark where each token begins.
    """
    width = output.width or WIDTH
    for line in head(view):
        out.write(indented(line, width, 4) + "\n")
    if not view.text:
        return
    kinds = [kind_of(view, number) for number in range(len(view.ids))]
    legend = _legend(kinds, output, borders=borders, unseen=has_unseen(view))
    out.write(indented(f"  shown: {'; '.join(legend)}", width, 4) + "\n\n")
    page = _Page(out, output, width)
    for piece in pieces(view, kinds, borders):
        page.add(piece)
    page.end_line()


def _legend(kinds: list[str], output: Output, *, borders: bool, unseen: bool) -> Iterator[str]:
    """Yield how each kind of token that there is looks."""
    for kind, look in _LOOKS.items():
        if kind in kinds or (kind == UNSEEN and unseen):
            yield _painted(look.name, kind, output) if output.color else f"{look.mark.strip() or 'no mark'} {look.name}"
    if borders:
        yield f"{BORDER} a token begins"


def head(view: View) -> Iterator[str]:
    """Yield what is to be said of a row: its place, its tokens, what becomes of it, what rendered it."""
    counts = view.counts
    place = f"{view.file}:{view.line}" if view.line is not None else f"{view.file}[{view.record}]"
    yield f"{safe(place)} ({view.format})"
    if view.refused:
        where = f" (line {view.refused.line} of the template)" if view.refused.line else ""
        verb = "refused by the template" if view.refused.meant else "not rendered"
        yield f"  {verb}: {safe(view.refused.said)}{where}"
    else:
        share = f" ({counts.trained / counts.tokens:.1%})" if counts.tokens else ""
        yield f"  tokens: {counts.tokens:,}, {counts.trained:,} of them trained{share}"
    if view.stopped:
        yield f"  stopped: the trainer ends with an error here: {safe(view.stopped)}"
    elif view.dropped:
        yield f"  dropped: the trainer leaves this row out: {safe(view.dropped)}"
    elif counts.lost:
        yield f"  cut: {counts.left:,} tokens are left, {counts.left_trained:,} of them trained; {_lost(view)}"
    if view.lost_prompt:
        lost = plural(view.lost_prompt, "token")
        yield f"  prompt: rendered by itself it ends with {lost} that the whole row does not begin with"
    for change in view.changes:
        yield f"  changed: {safe(change.path) or 'the row'}: {safe(change.what)}"
    settings = {name: getattr(view.settings, name) for name in view.settings.__struct_fields__}
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items() if value)
    yield f"  trainer: {view.trainer}" + (f" ({said})" if said else "")
    if view.template:
        used = view.template
        yield f"  template: {safe(used.name)} of {safe(used.source)} (sha256 {used.digest}...)"
    elif not view.refused:
        yield "  template: none, the row is plain text"
    if view.masked:
        places = "1 place that holds" if len(view.masked) == 1 else f"{len(view.masked):,} places that hold"
        yield f"  masked: {places} secrets or personal data"


def _lost(view: View) -> str:
    return f"{plural(view.counts.lost, 'token')} cut off, {view.counts.lost_trained:,} of them trained"


def kind_of(view: View, number: int) -> str:
    """Return the kind of a token, by its number."""
    trained = view.trained[number]
    if view.counts.left and (
        not view.start <= number < view.end or any(start <= number < end for start, end in view.holes)
    ):
        return "lost-trained" if trained else "lost"
    if view.special[number]:
        return "special-trained" if trained else "special"
    return "trained" if trained else "plain"


def has_unseen(view: View) -> bool:
    """True if some character of the text is in no token."""
    at = 0
    for start, end in view.offsets:
        if start > at:
            return True
        at = max(at, end)
    return at < len(view.text)


def pieces(view: View, kinds: list[str], borders: bool) -> Iterator[Piece]:
    """Yield what is drawn, token by token. Characters that several tokens share are drawn with the first of them."""
    text, at = view.text, 0
    trailing = {place for match in _TRAILING.finditer(text) for place in range(match.start(), match.end())}
    for number, (start, _) in enumerate(view.offsets):
        if view.special[number]:
            while start > at and text[start - 1] == " ":  # in front of a special token one cannot see it either
                start -= 1
                trailing.add(start)
    for number, (start, end) in enumerate(view.offsets):
        for place in range(at, start):
            yield _drawn(text[place], UNSEEN, place in trailing)
        at = max(at, start)
        if number == view.start and number and view.counts.lost:
            yield Piece(f"cut: what stands above is lost: {_lost(view)}", CUT)
        for first, last in view.holes:
            if number == first:
                yield Piece(f"cut: {plural(last - first, 'token')} from here on are lost", CUT)
            if number == last:
                yield Piece("cut: from here on the row goes on", CUT)
        if number == view.end and view.counts.lost:
            yield Piece(f"cut at {view.counts.left:,} tokens: {_lost(view)}", CUT)
        if borders and (end > at or view.ids[number] is not None):  # a secret shows one border, however many tokens
            yield Piece(BORDER, BORDERS)
        for place in range(at, end):
            yield _drawn(text[place], kinds[number], place in trailing)
        at = max(at, end)
    for place in range(at, len(text)):
        yield _drawn(text[place], UNSEEN, place in trailing)


def _drawn(letter: str, kind: str, trailing: bool) -> Piece:
    if letter == "\n":
        return Piece(NEWLINE, kind, breaks=True)
    if letter == "\t":
        return Piece(TAB, kind)
    if letter == " ":
        return Piece(TRAILING if trailing else " ", kind)
    if letter.isprintable():
        return Piece(letter, kind)
    return Piece(f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}", kind)


class _Page:
    """Writes pieces line by line, wrapped, without colours with a line of marks below each."""

    def __init__(self, out: TextIO, output: Output, width: int) -> None:
        self.out = out
        self.output = output
        self.width = width - 4
        self.gutter = "|"
        self.line: list[Piece] = []
        self.used = 0

    def add(self, piece: Piece) -> None:
        """Write a piece; one that says where the row is cut has a line of its own."""
        if piece.kind == CUT:
            self.end_line()
            self.out.write(indented(f"  --- {piece.text} ---", self.width + 4, 6) + "\n")
            return
        need = columns(piece.text)
        if self.used + need > self.width:
            self._flush("+")
        self.line.append(piece)
        self.used += need
        if piece.breaks:
            self.end_line()

    def end_line(self) -> None:
        """Write what waits; the next piece begins a line of text."""
        self._flush("|")

    def _flush(self, then: str) -> None:
        if self.line:
            text = "".join(
                _painted("".join(piece.text for piece in run), kind, self.output)
                for kind, run in groupby(self.line, key=lambda piece: piece.kind)
            )
            marks = "".join(_LOOKS[piece.kind].mark * columns(piece.text) for piece in self.line).rstrip()
            self.out.write(f"  {_painted(self.gutter, BORDERS, self.output)} {text}\n")
            if marks and not self.output.color:
                self.out.write(f"    {marks}\n")
        self.line, self.used, self.gutter = [], 0, then


def _painted(text: str, kind: str, output: Output) -> str:
    color = _LOOKS[kind].color
    return f"\x1b[{color}m{text}\x1b[0m" if output.color and color else text
