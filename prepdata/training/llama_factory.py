"""LLaMA-Factory, as far as it changes what becomes of chat rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

from prepdata.errors import UsageError
from prepdata.record import Record
from prepdata.render.encoding import Encoded
from prepdata.render.errors import TemplateRefusal
from prepdata.render.template import Rendered
from prepdata.training.base import Change, NotSimulated, Prepared, RunEnds, Trainer, ended, refused
from prepdata.training.llama_factory_rows import align
from prepdata.training.llama_factory_slots import Slots, parse, pieces
from prepdata.training.settings import TrainerSettings


class LlamaFactorySettings(TrainerSettings, frozen=True, kw_only=True):
    """How LLaMA-Factory is set up.

    Args:
        formatting: the converter of the data set (`formatting` in dataset_info.json). If not given, that of the row's
            format: openai for `messages`, sharegpt for `conversations`, alpaca for instructions.
    """

    formatting: Literal["alpaca", "sharegpt", "openai"] | None = None


class _Row(NamedTuple):
    """A row on its way: the texts of each turn, and what was changed."""

    turns: list[list[str]]
    changes: tuple[Change, ...]


class LlamaFactory(Trainer):
    """LLaMA-Factory in the stage sft without a `template`, sample for sample.

    Read in llamafactory 0.9.5 (2026-11-29; `data/converter.py`, `data/template.py`, `data/formatter.py`,
    `data/tool_utils.py`, `data/processor/supervised.py`, `data/processor/processor_utils.py`, `data/loader.py`):

    - It does not render chat templates. Told no `template`, it takes the texts around turns from the tokenizer's one
      and tokenises each by itself: that is simulated. Told one (`template: qwen`, as for most models), it writes texts
      of its own, which are not here: the tokens may differ then, the rest is the same.
    - Where the tokenizer begins texts with a token that the template does not write, the texts around turns lose as
      many characters at their beginning as that token has.
    - Question and answer must alternate and end with an answer, else the row is skipped with a warning. A role that the
      converter `openai` does not know ends the run, as does a content that is no text.
    - `openai` adds a line that switches thinking off to the system text of rows without tools, or makes one; it puts
      the calls of a turn in the place of its text, joins results that follow each other, and loses those at the end.
    - Calls are written as "Action" and "Action Input", arguments that are a text as JSON in a JSON text. Where the
      template writes thoughts, answers without one get an empty one, which is trained.
    - A pair of question and answer is cut to what `cutoff_len` leaves: the longer of the two, or both by their shares.
      Pairs after that are left out. With `mask_history` the last pair comes first, and it alone is trained.
    - Rows without a trained token stay.

    `TrainerSettings` are called: max_length `cutoff_len`; loss "assistant" nothing, "completion" `mask_history: true`,
    "all" `train_on_prompt: true`; packing "bfd" `packing: true` or `neat_packing: true` (one token less). How it cuts
    cannot be chosen.

    Not simulated: its own templates, the text in which it declares tools (rows with tools), images, preference rows,
    `enable_thinking: false`, `preserve_thinking`, `default_system`, `tool_format`.
    """

    name: ClassVar[str] = "llama-factory"
    title: ClassVar[str] = "LLaMA-Factory"
    defaults: ClassVar[TrainerSettings] = LlamaFactorySettings(max_length=2048, loss="assistant", packing="")
    note: ClassVar[str] = (
        "LLaMA-Factory is simulated without `template`: it then takes the texts around turns from the chat template of "
        "the tokenizer. With a template of its own, its texts and so its tokens may differ; which rows it skips, what "
        "it changes and how it cuts is the same. Rows that declare tools are not simulated."
    )
    settings: LlamaFactorySettings

    @classmethod
    def check(cls, settings: TrainerSettings) -> None:
        if settings.overflow is not None:
            raise UsageError("LLaMA-Factory cuts long rows in a way of its own: leave overflow out.")
        if settings.packing not in ("", "bfd"):
            raise UsageError("LLaMA-Factory packs whole rows only: packing bfd or none.")

    def without_rows(self) -> str:
        return "no valid row is left"

    @cached_property
    def _slots(self) -> Slots | NotSimulated:
        try:
            return parse(self.renderer)
        except NotSimulated as error:
            return error

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        found: dict[int, Prepared] = {}
        rows: list[tuple[int, _Row]] = []
        for number, record in enumerate(records):
            changes: list[Change] = []
            try:
                made = self._row(record, changes)
                if isinstance(made, _Row):
                    rows.append((number, made))
                else:
                    found[number] = made
            except RunEnds as error:
                found[number] = ended(str(error), tuple(changes))
            except TemplateRefusal as refusal:
                found[number] = refused(refusal, tuple(changes))
        texts = [text for _, row in rows for turn in row.turns for text in turn]
        encoded = iter(self.renderer.encode_all([Rendered(text) for text in texts]))
        for number, row in rows:
            found[number] = self._written(row, [[(text, next(encoded)) for text in turn] for turn in row.turns])
        return [found[number] for number in range(len(records))]

    def _row(self, record: Record, changes: list[Change]) -> _Row | Prepared:
        row = align(record, self.settings.formatting, changes)
        if row.skipped:
            return Prepared("", (), (), (), dropped=row.skipped)
        if row.tools and row.tools != "[]":
            raise NotSimulated("the text in which LLaMA-Factory declares tools is not simulated")
        if isinstance(self._slots, NotSimulated):
            raise self._slots
        if row.system and not isinstance(row.system, str):
            raise RunEnds("the system text is no text")
        system = row.system or ("" if row.tools else None)
        last_only = self.settings.loss == "completion"
        return _Row(pieces(self._slots, row.turns, system, last_only=last_only), tuple(changes))

    def _written(self, row: _Row, turns: list[list[tuple[str, Encoded]]]) -> Prepared:
        """Return a row as tokens, cut."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        trained: list[int] = []
        text = ""
        sizes = []
        for number, turn in enumerate(turns):
            before = len(ids)
            for piece, tokens in turn:
                ids += tokens.ids
                offsets += [(start + len(text), end + len(text)) for start, end in tokens.offsets]
                text += piece
            sizes.append(len(ids) - before)
            trained += [self._trained(number, len(turns))] * sizes[-1]
        kept = self._kept(sizes)
        return Prepared(
            text, ids, trained, offsets, kept[0][0] if kept else 0, kept[-1][1] if kept else 0, changes=row.changes,
            holes=tuple((one[1], other[0]) for one, other in pairwise(kept)),
        )  # fmt: skip

    def _trained(self, number: int, turns: int) -> int:
        if self.settings.loss == "all":
            return 1
        if self.settings.loss == "completion":
            return int(number == turns - 1)
        return number % 2

    def _kept(self, sizes: list[int]) -> list[tuple[int, int]]:
        """Return (start, end) of the stretches of tokens that are left, those that touch in one.

        Args:
            sizes: tokens of each turn; questions and answers alternate.
        """
        most = (self.settings.max_length or sum(sizes)) - bool(self.settings.packing)
        pairs = [(number, number + 1) for number in range(0, len(sizes), 2)]
        left = [0] * len(sizes)
        for question, answer in reversed(pairs) if self.settings.loss == "completion" else pairs:
            room = most - sum(left)
            if room <= 0:
                break
            left[question], left[answer] = shares(sizes[question], sizes[answer], room)
        found: list[tuple[int, int]] = []
        at = 0
        for size, stays in zip(sizes, left):
            if stays and found and found[-1][1] == at:
                found[-1] = (found[-1][0], at + stays)
            elif stays:
                found.append((at, at + stays))
            at += size
        return found


def shares(question: int, answer: int, room: int) -> tuple[int, int]:
    """Return how many tokens are left of a question and of its answer.

    The question is cut where the answer takes less than half of the room, else the answer where the question does, else
    both by their shares, the answer rounded down (`infer_seqlen`).
    """
    if answer * 2 < room:
        most = room
    elif question * 2 < room:
        most = room - question
    else:
        most = int(room * (answer / (question + answer)))
    answer = min(most, answer)
    return min(max(room - answer, 0), question), answer
