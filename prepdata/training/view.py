"""One row as the model sees it, as plain values: what `prepdata show --json` writes, and what the terminal draws.

Secrets and personal data are masked in it: their text, and the ids of their tokens, from which one could read them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

from prepdata.chunk import texts_of
from prepdata.record import Record
from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.text.masking import Hidden, hidden, masked
from prepdata.tokens.huggingface import clean
from prepdata.training.base import Prepared, Trainer
from prepdata.training.reading import read
from prepdata.training.settings import TrainerSettings

VIEW_VERSION = 1


class UsedTemplate(msgspec.Struct, frozen=True):
    """The chat template that wrote a row.

    Args:
        name: its name in the tokenizer folder: "default", or "tool_use" for rows with tools.
        source: the tokenizer folder, or the file given in its place.
        digest: the first 16 hexadecimal digits of the SHA-256 of its text.
    """

    name: str
    source: str
    digest: str


class Refused(msgspec.Struct, frozen=True):
    """Why a row cannot be rendered.

    Args:
        said: the reason, for people.
        line: line of the template, from 1; null if not known.
        meant: true if the template refuses by `raise_exception`, false if it stumbles.
    """

    said: str
    line: int | None
    meant: bool


class Changed(msgspec.Struct, frozen=True):
    """Something that the trainer changes before rendering. `path` is a JSON pointer into the row."""

    path: str
    what: str


class Counts(msgspec.Struct, frozen=True):
    """Tokens of a row.

    Args:
        tokens: of the whole row.
        trained: those of them whose loss counts.
        left: tokens that are left in training; 0 if the row is left out.
        left_trained: trained tokens that are left.
        lost: tokens that are cut off; 0 if the row is left out.
        lost_trained: trained tokens that are cut off.
    """

    tokens: int
    trained: int
    left: int
    left_trained: int
    lost: int
    lost_trained: int


class View(msgspec.Struct, frozen=True):
    """A row as the model sees it. `ids`, `tokens`, `trained`, `special` and `offsets` are of equal length: one entry
    for each token of the uncut row.

    Args:
        file: path of the file.
        line: line in the file, from 1; null where rows have none (Parquet).
        record: number of the row in the file, from 0.
        format: the record format.
        trainer: the simulated trainer.
        settings: how it is set up.
        template: the chat template; null for rows that are plain text.
        text: the rendered text, with secrets and personal data masked.
        ids: token ids; null for tokens of masked text.
        tokens: the piece of `text` that each token covers. Several tokens may share one character, which all of them
            then name; characters that the tokenizer passes over are in none.
        trained: true for tokens whose loss counts.
        special: true for special tokens of the tokenizer.
        offsets: [start, end] of each token in `text`, in characters (Unicode code points).
        start: first token that is left when the row is cut.
        end: token after the last one that is left.
        holes: [start, end] of tokens between these that are cut away too.
        counts: tokens in all, trained, left, lost.
        dropped: why the trainer leaves the row out; "" if it does not.
        stopped: why the trainer ends with an error at this row; "" if it does not.
        refused: why the row cannot be rendered; null if it can.
        changes: what the trainer changes before rendering.
        lost_prompt: tokens at the end of the prompt, rendered by itself, that the whole row does not begin with.
        masked: [start, end] of each masked stretch of `text`.
    """

    file: str
    line: int | None
    record: int
    format: str
    trainer: str
    settings: TrainerSettings
    template: UsedTemplate | None
    text: str
    ids: list[int | None]
    tokens: list[str]
    trained: list[bool]
    special: list[bool]
    offsets: list[tuple[int, int]]
    start: int
    end: int
    holes: list[tuple[int, int]]
    counts: Counts
    dropped: str
    stopped: str
    refused: Refused | None
    changes: list[Changed]
    lost_prompt: int
    masked: list[tuple[int, int]]


class Document(msgspec.Struct, frozen=True):
    """What `prepdata show --json` writes: the rows in the order in which they were named."""

    schema_version: int
    rows: list[View]


def view(record: Record, prepared: Prepared, trainer: Trainer, *, file: str, line: int | None, number: int) -> View:
    """Return a row as the model sees it.

    Args:
        record: the row.
        prepared: what the trainer made of it.
        trainer: the trainer.
        file: path of the file.
        line: line in the file, from 1, or None.
        number: number of the row in the file, from 0.
    """
    sources = [one.text for one in texts_of(record)]
    rendered = clean(prepared.text)
    secrets = hidden(rendered, sources)
    offsets = covering(rendered, prepared.offsets) if keeps_space(trainer.renderer) else list(prepared.offsets)
    text, places, spans = _masked(rendered, offsets, secrets)
    special = special_ids(trainer.renderer)
    refusal = prepared.refusal
    return View(
        file=file,
        line=line,
        record=number,
        format=record.format,
        trainer=trainer.name,
        settings=trainer.settings,
        template=used_template(record, trainer.renderer),
        text=text,
        ids=[None if secret else token for token, secret in zip(prepared.ids, _touching(offsets, secrets))],
        tokens=[text[start:end] for start, end in places],
        trained=[bool(flag) for flag in prepared.trained],
        special=[token in special for token in prepared.ids],
        offsets=places,
        start=prepared.start,
        end=prepared.end,
        holes=list(prepared.holes),
        counts=counts_of(prepared),
        dropped=prepared.dropped,
        stopped=prepared.stopped,
        refused=Refused(_discreet(refusal.said, sources), refusal.line, refusal.meant) if refusal else None,
        changes=[Changed(change.path, _discreet(change.what, sources)) for change in prepared.changes],
        lost_prompt=prepared.lost_prompt,
        masked=spans,
    )


def counts_of(prepared: Prepared) -> Counts:
    """Return how many tokens a row has, and what is left of them."""
    tokens, trained = len(prepared.ids), sum(prepared.trained)
    if not prepared.kept:
        return Counts(tokens, trained, 0, 0, 0, 0)
    left, left_trained = prepared.left_size, prepared.left_trained
    return Counts(tokens, trained, left, left_trained, tokens - left, trained - left_trained)


def special_ids(renderer: Renderer) -> frozenset[int]:
    """Return the ids of the special tokens of a tokenizer."""
    return frozenset(n for n, token in renderer.tokenizer.get_added_tokens_decoder().items() if token.special)


def keeps_space(renderer: Renderer) -> bool:
    """True if every character of a text is in some token, white space too, as with byte-level tokenizers."""
    if renderer.folder.encoding:
        return True
    decoder = renderer.tokenizer.decoder
    state = decoder.__getstate__().decode() if decoder is not None else ""
    return "ByteLevel" in state or "Metaspace" in state


def covering(text: str, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return offsets that cover the white space too which a tokenizer leaves out of them (`trim_offsets`): it belongs
    to the token after it, at the end of the text to the last one."""
    found: list[tuple[int, int]] = []
    at = 0
    for start, end in offsets:
        found.append((at if start > at and text[at:start].isspace() else start, end))
        at = max(at, end)
    if found and text[at:].isspace():
        found[-1] = (found[-1][0], len(text))
    return found


def used_template(record: Record, renderer: Renderer) -> UsedTemplate | None:
    """Return the chat template that writes a row; None for a row that is plain text, or that cannot be read."""
    try:
        reading = read(record)
        if reading.text is not None or isinstance(reading.prompt, str):
            return None
        template = renderer.template(reading.tools is not None)
    except TemplateRefusal:
        return None
    folder = renderer.folder
    name = next(name for name, source in folder.templates.items() if source == template.source)
    if reading.tools is None:
        name = "default"
    digest = hashlib.sha256(template.source.encode("utf-8", "replace")).hexdigest()[:16]
    return UsedTemplate(name, str(folder.path), digest)


def _discreet(said: str, sources: Sequence[str]) -> str:
    for source in sources:
        said = masked(said, source)
    return masked(said)


def _touching(offsets: Sequence[tuple[int, int]], secrets: Sequence[Hidden]) -> list[bool]:
    """Return for each token whether any of it stands in a secret."""
    ends = [secret.end for secret in secrets]
    first = [bisect_right(ends, start) for start, _ in offsets]  # the first secret that ends after the token begins
    return [n < len(secrets) and secrets[n].start < end for n, (_, end) in zip(first, offsets)]


def _masked(
    text: str, offsets: Sequence[tuple[int, int]], secrets: Sequence[Hidden]
) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    """Return (text with secrets masked, offsets in it, where the masks are in it)."""
    pieces: list[str] = []
    masks: list[tuple[int, int]] = []
    at = size = 0
    for secret in secrets:
        size += secret.start - at
        masks.append((size, size + len(secret.shown)))
        pieces += [text[at : secret.start], secret.shown]
        size += len(secret.shown)
        at = secret.end
    starts = [secret.start for secret in secrets]

    def moved(place: int) -> int:
        """Return a place of the text in the masked text; one within a secret is at the end of its mask."""
        number = bisect_left(starts, place) - 1  # the last secret that begins before it
        return place if number < 0 else masks[number][1] + max(0, place - secrets[number].end)

    return "".join([*pieces, text[at:]]), [(moved(start), moved(end)) for start, end in offsets], masks
