"""Unsloth, as far as it changes what becomes of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from prepdata.errors import UsageError
from prepdata.findings import clip
from prepdata.record import Record
from prepdata.render.errors import TemplateLimit, TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import (
    Change,
    NotSimulated,
    OfFile,
    Prepared,
    RunEnds,
    Trainer,
    common_prefix,
    ended,
    of,
    refused,
)
from prepdata.training.reading import own_turns, read
from prepdata.training.settings import TrainerSettings
from prepdata.training.unsloth_marks import Marks, answers, detect, marks_of

_ALIASES = {
    "system": "system", "user": "user", "human": "user", "input": "user", "gpt": "assistant",
    "assistant": "assistant", "output": "assistant",
}  # fmt: skip
_ELSEWHERE = ("trl-preference", "openai-dpo", "trl-kto")
_FIRST = 10  # rows from which the names of keys are guessed
_WORD = 60  # characters that no word for a role has


class UnslothSettings(TrainerSettings, frozen=True, kw_only=True):
    """How Unsloth is set up.

    Args:
        train_on_responses_only: True if that function is called on the trainer.
        instruction_part, response_part: its arguments, both or none; from the chat template if not given.
        last_response_only: its argument: only the last answer is trained.
        role_key, content_key: names of the keys of turns under `conversations`, as `guess_keys` finds them in a file.
    """

    train_on_responses_only: bool | None = None
    instruction_part: str | None = None
    response_part: str | None = None
    last_response_only: bool | None = None
    role_key: str | None = None
    content_key: str | None = None


class _Row(NamedTuple):
    """A row on its way: its text, whether an answer must be found in it, and the text of the prompt if it has one."""

    rendered: Rendered
    chat: bool
    prompt: Rendered | None = None


class Unsloth(Trainer):
    """Unsloth with the SFTTrainer of TRL, whose data preparation it replaces by its own.

    Read in unsloth_zoo 2026.10.9 (`dataset_utils.py`) and unsloth 2026.10.9 (`models/rl.py`), 2026-11-29:

    - `messages` are rendered with the chat template, tools and `chat_template_kwargs` of the row; all tokens are
      trained. Of `prompt` and `completion` the tokens after as many as the prompt has by itself are; completions that
      are a text get the end-of-text token.
    - Rows under `conversations` go through `standardize_data_formats` and a formatting function: turns need the same
      two keys, both texts, and a role that it knows. What else they hold ends the run.
    - Texts (`text`, and what formatting functions make) are tokenised with the special tokens that the tokenizer adds,
      unless the text or the chat template has the beginning-of-text token. No end-of-text token is added.
    - Longer rows are cut at the end, also before they are packed ("wrapped" packing of chats aside).
    - `assistant_only_loss` takes the generation marks of the template, else the texts that stand before questions and
      answers; rows left without a trained token are dropped, texts end the run.
    - `train_on_responses_only` trains, of what is left of a row after the cut, the tokens from `response_part` up to
      the end-of-text token (with it), the next turn or the end. Rows without one are removed; if none is left, the run
      ends.

    `TrainerSettings` are called: max_length `max_seq_length` of the model (2048) or a lower `max_length`; loss
    "assistant" `assistant_only_loss: true`, "completion" and "all" `completion_only_loss`; overflow "keep-end"
    `truncation_mode: keep_end` (of `messages` only); packing `packing` and `packing_strategy`.

    Not simulated: templates that TRL exchanges for training variants, images, preference rows,
    `mask_out_tokens`, formatting functions that do other than render the turns.
    """

    name: ClassVar[str] = "unsloth"
    title: ClassVar[str] = "Unsloth"
    defaults: ClassVar[TrainerSettings] = UnslothSettings(max_length=2048, overflow="keep-start", packing="")
    note: ClassVar[str] = (
        "Unsloth is simulated without train_on_responses_only unless that is set; rows that have neither messages nor "
        "prompt and completion nor text are taken as rendered with the chat template by a formatting function."
    )
    settings: UnslothSettings

    def __init__(self, renderer: Renderer, settings: TrainerSettings | None = None) -> None:
        super().__init__(renderer, settings)
        held = self.settings
        self._by_marks = bool(held.train_on_responses_only or held.instruction_part is not None)

    @classmethod
    def check(cls, settings: TrainerSettings) -> None:
        if settings.overflow not in ("keep-start", "keep-end"):
            raise UsageError("Unsloth cuts long rows: overflow keep-start or keep-end.")
        if isinstance(settings, UnslothSettings) and (
            (settings.instruction_part is None) != (settings.response_part is None)
        ):
            raise UsageError("instruction_part and response_part go together: give both, or neither.")

    def without_rows(self) -> str:
        if self._by_marks or self.settings.loss == "assistant":
            return "every row is left without a trained token"
        return ""

    @cached_property
    def _found(self) -> Marks | UsageError:
        held = self.settings
        try:
            if held.instruction_part is not None and held.response_part is not None:
                return marks_of(self.renderer, held.instruction_part, held.response_part)
            return marks_of(self.renderer, *detect(self.renderer))
        except UsageError as error:
            return error

    @property
    def _marks(self) -> Marks:
        """What answers are found by.

        Raises:
            RunEnds: it cannot be found.
        """
        if isinstance(self._found, UsageError):
            raise RunEnds(str(self._found))
        return self._found

    def _adds_special(self, text: str) -> bool:
        """True if the tokenizer adds special tokens to a text. Unsloth looks at the first row for all."""
        bos = self.renderer.folder.named.get("bos_token")
        return not bos or not (text.startswith(bos) or bos in self.renderer.template().source)

    def glance(self, records: Sequence[Record]) -> Any:
        if self.settings.role_key is not None:
            return None
        firsts: list[tuple[bool, dict[str, list[str | None]]]] = []
        rows: dict[str, list[int]] = {}
        for record in records:
            turns = _conversing(record)
            if turns is None:
                continue
            try:
                pair = sorted(guess_keys([{"conversations": turns}]))
                rows.setdefault(json.dumps(pair), []).append(record.row)
            except RunEnds:
                pair = []
            if len(firsts) < _FIRST:
                firsts.append((not pair, _values(turns)))
        return (firsts, rows) if firsts else None

    def of_file(self, glances: Sequence[tuple[int, Any]], rows: int) -> Iterator[OfFile]:
        firsts = [one for _, (some, _) in glances for one in some][:_FIRST]
        if not firsts:
            return
        turns = [[{key: value} for key, held in values.items() for value in held] for _, values in firsts]
        try:
            keys = sorted(guess_keys([{"conversations": held} for held in turns]))
        except RunEnds as error:
            if not any(told for told, _ in firsts):
                said = (
                    f"Unsloth ends with an error: it reads the keys of turns off the first {_FIRST} rows, and {error}"
                )
                yield OfFile(None, said)
            return
        for start, (_, pairs) in glances:
            for pair, numbers in pairs.items():
                if json.loads(pair) != keys:
                    here, there = (" and ".join(clip(key, 40) for key in both) for both in (json.loads(pair), keys))
                    said = (
                        f"Unsloth ends with an error at this row: its turns have the keys {here}, and those of the "
                        f"first {_FIRST} rows, by which it reads all, have {there}"
                    )
                    yield from (OfFile(start + number, said, kind=said) for number in numbers)

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        found: dict[int, Prepared] = {}
        rows: list[tuple[int, _Row, tuple[Change, ...]]] = []
        for number, record in enumerate(records):
            changes: list[Change] = []
            try:
                rows.append((number, self._row(record, changes), tuple(changes)))
            except RunEnds as error:
                found[number] = ended(str(error), tuple(changes))
            except TemplateRefusal as refusal:
                ours = isinstance(refusal, NotSimulated | TemplateLimit)
                why = "" if ours else f"the chat template refuses the row: {refusal}"
                found[number] = refused(refusal, tuple(changes))._replace(stopped=why)
        encoded = self.renderer.encode_all([row.rendered for _, row, _ in rows])
        for (number, row, made), tokens in zip(rows, encoded):
            prepared = of(tokens, row.rendered.text, [1] * len(tokens.ids))._replace(changes=made)
            try:
                found[number] = self._finished(row, prepared, tokens.mask)
            except RunEnds as error:
                found[number] = prepared._replace(end=0, stopped=str(error))
        return [found[number] for number in range(len(records))]

    def _row(self, record: Record, changes: list[Change]) -> _Row:
        """Return the text of a row.

        Raises:
            RunEnds, TemplateRefusal: there is none.
        """
        if record.format in _ELSEWHERE:
            raise NotSimulated(f"rows of the format {record.format} are not for supervised training")
        raw = record.raw
        if "prompt" in raw and "completion" in raw:
            return self._pair(record)
        assistant = self.settings.loss == "assistant"
        if isinstance(raw.get("text"), str) and not (assistant and record.format == "openai"):
            row = _Row(Rendered(raw["text"], bare=self._adds_special(raw["text"])), chat=False)
        elif (messages := own_turns(record)) is not None:
            return _Row(self._rendered(record, messages, raw.get("chat_template_kwargs")), chat=True)
        else:
            turns = self._standard(raw["conversations"]) if isinstance(raw.get("conversations"), list) else None
            given = turns if turns is not None else read(record).messages
            if given is None:
                raise NotSimulated("the row has neither turns nor a text")
            if raw.get("tools"):
                changes.append(Change("/tools", "it is left out unless the formatting function passes it on"))
            text = self.renderer.render(given).text
            row = _Row(Rendered(text, bare=self._adds_special(text)), chat=False)
        if assistant:
            raise RunEnds("assistant_only_loss needs rows with messages")
        return row

    def _pair(self, record: Record) -> _Row:
        """Return the texts of a row of prompt and completion."""
        prompt, completion = record.raw["prompt"], record.raw["completion"]
        if isinstance(prompt, list) and isinstance(completion, list):
            if isinstance(record.raw.get("tools"), str):
                raise RunEnds("tools of a row of prompt and completion are a text, not a list")
            kwargs = record.raw.get("chat_template_kwargs")
            before = self._rendered(record, prompt, kwargs, prompt=True)
            return _Row(self._rendered(record, [*prompt, *completion], kwargs), chat=True, prompt=before)
        if not isinstance(prompt, str) or not isinstance(completion, str):
            raise RunEnds("prompt and completion are neither both texts nor both lists of turns")
        if self.settings.loss == "assistant":
            raise RunEnds("assistant_only_loss needs prompt and completion as turns, not as texts")
        eos = self.renderer.folder.named.get("eos_token", "")
        completion = completion if completion.endswith(eos) else completion + eos
        bare = self._adds_special(prompt)
        return _Row(Rendered(prompt + completion, bare=bare), chat=False, prompt=Rendered(prompt, bare=bare))

    def _rendered(self, record: Record, messages: list[Any], kwargs: Any, prompt: bool = False) -> Rendered:
        tools = record.raw.get("tools")
        if isinstance(tools, str):
            try:
                tools = json.loads(tools)
            except (ValueError, RecursionError) as error:
                raise RunEnds(f"tools: no JSON ({error})") from error
        for number, turn in enumerate(messages):
            if not isinstance(turn, dict):
                raise RunEnds(f"turn {number + 1} is no object")
        variables = {str(key): value for key, value in kwargs.items()} if isinstance(kwargs, dict) else {}
        return self.renderer.render(messages, tools, add_generation_prompt=prompt, **variables)

    def _standard(self, turns: list[Any]) -> list[dict[str, str]]:
        """Return turns under the usual names."""
        role_key, content_key = self.settings.role_key, self.settings.content_key
        if role_key is None or content_key is None:
            role_key, content_key = guess_keys([{"conversations": turns}])
        made = []
        for number, turn in enumerate(turns):
            if not isinstance(turn, dict) or set(turn) != {role_key, content_key}:
                raise RunEnds(f"turn {number + 1} has other keys than {role_key} and {content_key}")
            if not all(isinstance(value, str) for value in turn.values()):
                raise RunEnds(f"turn {number + 1} holds what is no text")
            role = _ALIASES.get(turn[role_key].strip().lower())
            if role is None:
                raise RunEnds(f"turn {number + 1}: it does not know the role {json.dumps(turn[role_key])}")
            made.append({"role": role, "content": turn[content_key]})
        return made

    def _finished(self, row: _Row, made: Prepared, marked: Sequence[int]) -> Prepared:
        """Return a row masked and cut."""
        trained = list(made.trained)
        if row.prompt is not None:
            ids = self.renderer.encode(row.prompt).ids
            made = made._replace(lost_prompt=len(ids) - common_prefix(ids, made.ids))
            if self.settings.loss != "all":
                trained[: len(ids)] = [0] * min(len(ids), len(trained))
        if self.settings.loss == "assistant":
            found = marked if self.renderer.template().marks else _mask(made.ids, answers(made.ids, self._marks))
            trained = [one & other for one, other in zip(trained, found)]
        start, end = self._cut(row, len(made.ids))
        if self._by_marks:
            spans = answers(made.ids[start:end], self._marks)
            spans = spans[-1:] if self.settings.last_response_only else spans
            found = [0] * start + _mask(made.ids[start:end], spans) + [0] * (len(trained) - end)
            trained = [one & other for one, other in zip(trained, found)]
        made = made._replace(trained=trained, start=start, end=end)
        removes = (self._by_marks and not self.settings.packing) or self.settings.loss == "assistant"
        if removes and 1 not in trained[start:end]:
            return made._replace(start=0, end=0, dropped="no token of it is trained")
        return made

    def _cut(self, row: _Row, size: int) -> tuple[int, int]:
        most = self.settings.max_length
        chat = row.chat and row.prompt is None
        if not most or size <= most or (chat and self.settings.packing == "wrapped"):
            return 0, size
        return (size - most, size) if chat and self.settings.overflow == "keep-end" else (0, most)


def _mask(ids: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    mask = [0] * len(ids)
    for start, end in spans:
        mask[start:end] = [1] * (end - start)
    return mask


def _conversing(record: Record) -> list[Any] | None:
    """Return the turns under `conversations` of a row that is read by these, else None."""
    raw = record.raw
    if record.format in _ELSEWHERE or ("prompt" in raw and "completion" in raw) or own_turns(record) is not None:
        return None
    turns = raw.get("conversations")
    return turns if isinstance(turns, list) and not isinstance(raw.get("text"), str) else None


def _values(turns: list[Any]) -> dict[str, list[str | None]]:
    """Return the different values of each key of turns, as far as `guess_keys` looks at them: long texts are no roles,
    and stand shortened; None for what is no text."""
    found: dict[str, dict[str | None, None]] = {}
    for turn in turns:
        for key, value in turn.items() if isinstance(turn, dict) else ():
            text = value if isinstance(value, str) else None
            if text is not None and len(text) > _WORD:
                text = f"{text[:_WORD]} {hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
            found.setdefault(key, {})[text] = None
    return {key: list(values) for key, values in found.items()}


def guess_keys(rows: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return (key of the role, key of the content) of turns under `conversations`, as Unsloth guesses them for a whole
    file from its first 10 rows.

    The role is the key whose values are all known roles; if both or neither are, the one called role or from (both), or
    the one with fewer different values (the second, if equal).

    Raises:
        RunEnds: there are not exactly two keys, both with texts only, or the role has words that it does not know.
    """
    values: dict[str, list[str]] = {}
    for row in rows[:_FIRST]:
        for turn in row["conversations"]:
            for key, value in turn.items() if isinstance(turn, dict) else ():
                if not isinstance(value, str):
                    raise RunEnds(f"{key} of a turn is no text")
                values.setdefault(key, []).append(value)
    if len(values) != 2:
        raise RunEnds(f"turns need exactly two keys; there are {len(values)}: {', '.join(values)}")
    known = [key for key, held in values.items() if all(_known(value) for value in held)]
    named = [key for key in values if key.strip().lower() in ("role", "from")]
    first, second = values
    if len(known) == 1:
        role = known[0]
    elif len(known) == 2 and len(named) == 1:
        role = named[0]
    else:
        role = first if len(set(values[first])) < len(set(values[second])) else second
    unknown = sorted({value for value in values[role] if not _known(value)})
    if unknown:
        raise RunEnds(f"it does not know the role {json.dumps(unknown[0])}")
    return role, second if role == first else first


def _known(role: str) -> bool:
    return role.strip().lower() in _ALIASES
