"""A trainer without habits of its own: what any trainer does that is set up well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from prepdata.record import Record
from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import Prepared, Trainer, common_prefix, cut, of, refused
from prepdata.training.reading import Reading, read, turns
from prepdata.training.settings import TrainerSettings


class Plain(Trainer):
    """Renders a row whole and trains on what the assistant says.

    Where the template marks that (`{% generation %}`), by its marks; else on the tokens of each answer, found by
    rendering the turns before it with the beginning of an answer, as trainers without marks do. Longer rows are cut at
    the end. For prompt-completion rows, all tokens after the prompt are trained.
    """

    name: ClassVar[str] = "plain"
    title: ClassVar[str] = "the trainer"
    defaults: ClassVar[TrainerSettings] = TrainerSettings(loss="assistant", overflow="keep-start", packing="")

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        found: list[Prepared | None] = [None] * len(records)
        whole: list[tuple[int, Reading, Rendered]] = []
        for number, record in enumerate(records):
            try:
                reading = read(record)
                whole.append((number, reading, render_whole(self.renderer, reading)))
            except TemplateRefusal as refusal:
                found[number] = refused(refusal)
        encoded = self.renderer.encode_all([rendered for _, _, rendered in whole])
        for (number, reading, rendered), tokens in zip(whole, encoded):
            row = of(tokens, rendered.text, tokens.mask)
            if self.settings.loss == "all" or reading.text is not None:
                row = row._replace(trained=[1] * len(tokens.ids))
            elif rendered.bare or self.settings.loss == "completion" or not self._marked(reading):
                row = answers_by_prompt(self.renderer, reading, row)
            found[number] = self._finished(row)
        return [row for row in found if row is not None]

    def _marked(self, reading: Reading) -> bool:
        return self.renderer.template(reading.tools is not None).marks

    def _finished(self, row: Prepared) -> Prepared:
        row = cut(row, self.settings)
        if row.kept and 1 not in row.trained[row.start : row.end]:
            most = self.settings.max_length
            why = f"no trained token is left at a length of {most:,} tokens" if 1 in row.trained and most else ""
            return row._replace(dropped=why or "no token of it is trained")
        return row


def render_whole(renderer: Renderer, reading: Reading) -> Rendered:
    """Return the text of a whole row.

    Raises:
        TemplateRefusal: the template does not render it.
    """
    if reading.text is not None:
        return Rendered(reading.text, bare=True)
    if reading.messages is not None:
        return _rendered(renderer, reading, turns(reading.messages))
    if isinstance(reading.prompt, str) and isinstance(reading.completion, str):
        return Rendered(reading.prompt + reading.completion, bare=True)
    return _rendered(renderer, reading, turns([*(reading.prompt or ()), *(reading.completion or ())]))


def _rendered(
    renderer: Renderer, reading: Reading, messages: list[dict[str, object]], prompt: bool = False
) -> Rendered:
    return renderer.render(
        messages, reading.tools, reading.documents, add_generation_prompt=prompt, **reading.variables
    )


def answers_by_prompt(renderer: Renderer, reading: Reading, row: Prepared) -> Prepared:
    """Return a row in which the answers are trained, found by rendering what stands before each.

    An answer begins where the tokens of the turns before it, with the beginning of an answer, end, and goes up to where
    the tokens of the turns up to it end. Of a prompt-completion row, all after the prompt.
    """
    trained = [0] * len(row.ids)
    lost = 0
    for before, upto in _places(reading):
        if isinstance(before, str):
            ids = renderer.encode(Rendered(before, bare=True)).ids
            start, end = common_prefix(ids, row.ids), len(row.ids)
        else:
            try:
                prompt = renderer.encode(_rendered(renderer, reading, before, prompt=True)) if before else None
                whole = renderer.encode(_rendered(renderer, reading, upto)) if upto is not None else None
            except TemplateRefusal:
                continue  # some templates refuse beginnings of conversations; the whole row they took
            ids = prompt.ids if prompt else []
            start = common_prefix(ids, row.ids)
            end = len(row.ids) if whole is None else common_prefix(whole.ids, row.ids)
        lost = lost or len(ids) - start
        trained[start:end] = [1] * max(0, end - start)
    return row._replace(trained=trained[: len(row.ids)], lost_prompt=lost)


def _places(reading: Reading) -> list[tuple[list[dict[str, object]] | str, list[dict[str, object]] | None]]:
    """Return (what stands before an answer, that and the answer: None where it ends the row) of each answer."""
    if isinstance(reading.prompt, str):
        return [(reading.prompt, None)]
    if reading.messages is None:
        return [(turns(reading.prompt or ()), None)]
    messages = turns(reading.messages)
    answers = [number for number, turn in enumerate(messages) if turn.get("role") == "assistant"]
    last = len(messages) - 1
    return [(messages[:number], None if number == last else messages[: number + 1]) for number in answers]
