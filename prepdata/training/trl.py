"""What TRL's SFTTrainer makes of rows."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from prepdata.errors import UsageError
from prepdata.findings import Severity
from prepdata.record import Record
from prepdata.render.encoding import Encoded
from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import Change, OfFile, Prepared, Trainer, common_prefix, cut, of, refused
from prepdata.training.columns import Columns, Loader
from prepdata.training.settings import TrainerSettings
from prepdata.training.trl_rows import Ends, First, Taken, first, take

TEMPLATES = "chat_templates"
"""Folder in the package trl with the chat templates that it knows, ..."""
TRAINING = "_training.jinja"
"""... and the end of the names of those it swaps in."""
_NO_MARKS = "assistant-only loss needs a chat template with {% generation %} markers, and this one has none"

_LOOKED_UP = (
    "TRL puts another in the place of templates that it knows byte for byte; which these are could not be looked up, "
    "because the package trl is not installed here"
)


class _Drawn(NamedTuple):
    """A row that is rendered and not yet tokenised."""

    taken: Taken
    whole: Rendered
    prompt: Rendered | None


class Trl(Trainer):
    """`SFTTrainer` of TRL 1.16.0, for text models.

    Read in `trainer/sft_trainer.py` (`__init__`, `_prepare_dataset`), `data_utils.py` and `chat_template_utils.py` of
    TRL 1.16.0, with transformers 5.24 below it (2026-11). Settings:

    - `max_length`: 1,024 unless set; 0 for `max_length=None`. `overflow`: "keep-start" or "keep-end"
      (`truncation_mode`).
    - `loss`: None leaves both switches as they are (assistant-only off; completion-only for rows with a prompt);
      "assistant" is `assistant_only_loss=True`, and of prompt-completion rows then the assistant's tokens of the
      completion; "completion" is `completion_only_loss=True`; "all" is `completion_only_loss=False`.
    - `packing`: not by itself. Rows are then neither cut nor dropped one by one; `prepdata.training.packing` tells
      what becomes of them ("bfd" cuts off what goes beyond a sequence, which `end` shows).

    A row that TRL cannot read is refused, one at which the constructor of the trainer raises has `stopped`, and one
    that the template refuses both: nothing is trained then. TRL takes some decisions from the first row, and the
    library datasets gives all rows the same columns; without `columns` each row is judged as if all were like it.

    Args:
        renderer: of the tokenizer it trains with.
        settings: how it is set up.
        columns: what is in all rows of the file, so that they are taken as they are loaded.
        loader: how they are loaded.

    Raises:
        UsageError: TRL has no such setting.
    """

    name: ClassVar[str] = "trl"
    title: ClassVar[str] = "TRL"
    defaults: ClassVar[TrainerSettings] = TrainerSettings(max_length=1024, overflow="keep-start", packing="")

    def __init__(
        self,
        renderer: Renderer,
        settings: TrainerSettings | None = None,
        *,
        columns: Columns | None = None,
        loader: Loader = "json",
    ) -> None:
        super().__init__(renderer, settings)
        self.columns = columns
        self.loader: Loader = loader
        self._unloaded = columns.problem(loader) if columns is not None else ""
        self._first: First | None = None
        if columns is not None and columns.first is not None and not self._unloaded:
            self._first = first(columns.loaded(columns.first, loader)[0])
        self.swapped = False
        """True if TRL renders with another template than the tokenizer's: one with generation markers."""
        self.problem = ""
        """Why chat rows cannot be trained with this template and loss at all; "" if they can."""
        self._unknown = False
        if self._assistant:
            self._find_template()

    @classmethod
    def check(cls, settings: TrainerSettings) -> None:
        if settings.overflow not in ("keep-start", "keep-end"):
            raise UsageError(
                f"TRL does not know overflow '{settings.overflow}': it cuts longer rows (keep-start, keep-end)."
            )
        if settings.packing and not settings.max_length:
            raise UsageError("TRL needs a max-length to pack rows.")

    @property
    def reads_marks(self) -> bool:
        return self._assistant

    @property
    def doubt(self) -> str:
        return _LOOKED_UP if self._unknown else ""

    @property
    def _assistant(self) -> bool:
        return self.settings.loss == "assistant"

    def _find_template(self) -> None:
        """Take the template that TRL trains with. The default one decides, as in TRL, for rows with tools too."""
        try:
            template = self.renderer.template()
        except TemplateRefusal as refusal:
            self.problem = str(refusal)
            return
        if template.marks:
            return
        known = known_templates()
        if known is None:
            self._unknown = True
            self.problem = f"{_NO_MARKS}. {_LOOKED_UP}"
        elif template.source in known:
            self.swapped = True
            self.renderer = self.renderer.with_template(known[template.source])
        else:
            self.problem = f"{_NO_MARKS}; nor is it one of those that TRL knows and puts another in the place of"

    @cached_property
    def stop_token_trained(self) -> bool:
        """True if the token that ends the assistant's turn is trained with assistant-only loss. TRL only warns.

        As TRL finds it: the last token that the template marks in an answer with a question after it, white space left
        aside, is one of the tokens that were added to the vocabulary.
        """
        turns = [{"role": role, "content": "dummy"} for role in ("user", "assistant", "user")]
        try:
            encoded = self.renderer.encode(self.renderer.render(turns))
        except TemplateRefusal:
            return False
        tokenizer = self.renderer.tokenizer
        marked = (token for token, mark in zip(reversed(encoded.ids), reversed(encoded.mask)) if mark)
        last = next((token for token in marked if tokenizer.decode([token], skip_special_tokens=False).strip()), None)
        return last in tokenizer.get_added_tokens_decoder()

    def glance(self, records: Sequence[Record]) -> Any:
        kinds: dict[tuple[bool, bool, bool], list[int]] = {}
        for record in records:
            text = any(isinstance(record.raw.get(key), str) for key in ("text", "prompt"))
            kinds.setdefault((*first(record.raw), text), []).append(record.row)
        return [(*kind, rows) for kind, rows in kinds.items()]

    def of_file(self, glances: Sequence[tuple[int, Any]], rows: int) -> Iterator[OfFile]:
        kinds = [
            (First(renamed, chat), text, start, held) for start, part in glances for renamed, chat, text, held in part
        ]
        decided = min(kinds, key=lambda item: item[2] + item[3][0])[0] if kinds else None
        for kind, text, start, held in kinds:
            said, severity = _unlike(decided or kind, kind, text)
            if said:
                yield from (OfFile(start + row, said, severity, said) for row in held)

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        found: list[Prepared | None] = [None] * len(records)
        drawn: dict[int, _Drawn] = {}
        for number, record in enumerate(records):
            changes: tuple[Change, ...] = ()
            try:
                raw, changes = self._loaded(record)
                decided = self._first or first(raw)
                taken = take(record, raw, decided, self.renderer.folder.named.get("eos_token"))
                taken = taken._replace(changes=(*changes, *taken.changes))
            except Ends as error:
                found[number] = Prepared("", (), (), (), changes=changes, stopped=str(error))
                continue
            except TemplateRefusal as refusal:
                found[number] = refused(refusal, changes)
                continue
            try:
                drawn[number] = self._draw(taken)
            except Ends as error:
                found[number] = Prepared("", (), (), (), changes=taken.changes, stopped=str(error))
            except TemplateRefusal as refusal:
                stopped = f"the chat template does not render the row: {refusal}"
                found[number] = refused(refusal, taken.changes)._replace(stopped=stopped)
        texts = [row.whole for row in drawn.values()] + [row.prompt for row in drawn.values() if row.prompt is not None]
        encoded = self.renderer.encode_all(texts)
        prompts = iter(encoded[len(drawn) :])
        for (number, row), tokens in zip(drawn.items(), encoded):
            found[number] = self._finished(row, tokens, next(prompts).ids if row.prompt is not None else None)
        return [row for row in found if row is not None]

    def _loaded(self, record: Record) -> tuple[dict[str, Any], tuple[Change, ...]]:
        """Return the row as the library datasets gives it to the trainer."""
        if self.columns is None:
            return record.raw, ()
        if self._unloaded:
            raise Ends(self._unloaded)
        return self.columns.loaded(record.raw, self.loader)

    def _draw(self, taken: Taken) -> _Drawn:
        """Return a row as text.

        Raises:
            TemplateRefusal: the template does not render it.
            Ends: the arguments for the template contradict one another.
        """
        if taken.turns is None:
            prompt = None if taken.prompt is None else Rendered(str(taken.prompt), bare=True)
            return _Drawn(taken, Rendered(taken.text, bare=True), prompt)
        renderer, variables = self.renderer, taken.variables
        if taken.template is not None:
            renderer = renderer.with_template(renderer.folder.templates.get(taken.template, taken.template))
        going_on = variables.get("continue_final_message")
        if going_on and (self._assistant or taken.prompt is not None or variables.get("add_generation_prompt")):
            raise Ends("/chat_template_kwargs/continue_final_message contradicts what TRL asks of the template")
        if isinstance(going_on, str):
            raise TemplateRefusal("/chat_template_kwargs/continue_final_message with a name is not simulated")
        start = None
        if isinstance(taken.prompt, list):
            prompted = {**variables, "add_generation_prompt": True}
            start = renderer.render(taken.prompt, taken.tools, taken.documents, **prompted)
        return _Drawn(taken, renderer.render(taken.turns, taken.tools, taken.documents, **variables), start)

    def _finished(self, row: _Drawn, tokens: Encoded, prompt: Sequence[int] | None) -> Prepared:
        """Return a row with its trained tokens, cut."""
        prepared = of(tokens, row.whole.text, [1] * len(tokens.ids))._replace(changes=row.taken.changes)
        if prompt is not None:
            start = common_prefix(prompt, tokens.ids)
            prepared = prepared._replace(lost_prompt=len(prompt) - start)
            if self.settings.loss != "all":
                prepared = prepared._replace(trained=[0] * start + [1] * (len(tokens.ids) - start))
        if self._assistant:
            stopped, refusal = self._unmarked(row, tokens)
            if stopped or refusal:
                return prepared._replace(trained=[0] * len(tokens.ids), stopped=stopped, refusal=refusal)
            prepared = prepared._replace(trained=[a & b for a, b in zip(prepared.trained, tokens.mask)])
        return self._cut(prepared)

    def _unmarked(self, row: _Drawn, tokens: Encoded) -> tuple[str, TemplateRefusal | None]:
        """Return why assistant-only loss ends the run at this row, or why that cannot be told."""
        if row.taken.turns is None:
            return "assistant-only loss needs rows with turns", None
        if self._unknown:
            return "", TemplateRefusal(self.problem)
        if self.problem:
            return self.problem, None
        if 1 not in tokens.mask:
            return "the template marks no token of the row as the assistant's, and assistant-only loss needs one", None
        return "", None

    def _cut(self, row: Prepared) -> Prepared:
        row = cut(row, self.settings)
        most = self.settings.max_length
        if not most:
            return row
        if self.settings.packing:
            return row._replace(end=min(row.end, most)) if self.settings.packing == "bfd" else row
        if 1 not in row.trained[row.start : row.end]:
            left = f"no trained token is left at a length of {most:,} tokens"
            return row._replace(dropped=left if 1 in row.trained else "no token of it is trained")
        return row


def _unlike(decided: First, row: First, text: bool) -> tuple[str, Severity]:
    """Return (what becomes of a row that is not like the first one, how bad that is); "" for nothing.

    Args:
        decided: what the first row decides.
        row: what this row would.
        text: this row has a text that is read as such, if it is no conversation.
    """
    if row.chat and decided.chat and decided.renamed != row.renamed:
        these, this = ("has", "has not") if decided.renamed else ("has not", "has")
        said = (
            "TRL decides by the first row whether `conversations` with from and value are read as messages, for all "
            f"rows: the first row {these} such turns, and this one {this}"
        )
        return said, "error"
    if row.chat and not decided.chat:
        return "TRL ends with an error at this row: the first row is a text, and this one a conversation", "error"
    if text and decided.chat and not row.chat:
        return "the first row is a conversation, so TRL puts no end of text behind the text of this one", "warning"
    return "", "error"


def labels(row: Prepared) -> list[int]:
    """Return the labels of a row after it is cut: the token ids, -100 where the loss does not count."""
    stretch = slice(row.start, row.end)
    return [token if trained else -100 for token, trained in zip(row.ids[stretch], row.trained[stretch])]


@cache
def known_templates() -> dict[str, str] | None:
    """Return the templates that the installed trl puts others in the place of: template -> that for training.

    Read from the data files of the package, without importing it. None if it is not installed.
    """
    try:
        spec = importlib.util.find_spec("trl")
    except (ImportError, ValueError):
        return None
    folders = [Path(place) / TEMPLATES for place in (spec.submodule_search_locations or ())] if spec else []
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        return None
    pairs = ((folder / file.name.replace(TRAINING, ".jinja"), file) for file in sorted(folder.glob(f"*{TRAINING}")))
    return {known.read_text("utf-8"): file.read_text("utf-8") for known, file in pairs if known.is_file()}
