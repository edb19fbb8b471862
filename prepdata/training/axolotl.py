"""Axolotl, as far as it changes what becomes of chat rows."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from prepdata.errors import UsageError
from prepdata.record import Record, escape
from prepdata.render.encoding import Encoded
from prepdata.render.errors import TemplateLimit, TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.axolotl_parts import Detail, joined, trained_tokens
from prepdata.training.base import Change, NotSimulated, OfFile, Prepared, RunEnds, Trainer, cut, ended, of, refused
from prepdata.training.reading import OWN, own_turns, place, read
from prepdata.training.settings import TrainerSettings

When = Literal["all", "turn", "last", "none"]
_ROLES = {
    "human": "user", "user": "user", "assistant": "assistant", "gpt": "assistant", "system": "system", "tool": "tool",
}  # fmt: skip
_KEYS = {"role": "role", "content": "content", "reasoning_content": "reasoning_content"}
_STANDINS = ("[[dummy_message]]", "zzdummymessagezz")  # the two texts that Axolotl puts in the place of a turn
_NEAR = 3  # tokens after a turn among which its end token is looked for


class AxolotlSettings(TrainerSettings, frozen=True, kw_only=True):
    """How Axolotl is set up. All names but those of `TrainerSettings` are its own.

    Args:
        roles_to_train: roles whose turns are trained; the assistant if not given.
        train_on_eos, train_on_eot: which end tokens are trained: after every turn, after turns that are trained (so if
            not given), the last one, or none. That of the end of a turn is as that of the end of the text by itself.
        eot_tokens: texts of the tokens that end a turn; if not given, the end-of-text token alone.
        min_sample_len: rows of fewer tokens are dropped; 2 if not given.
        field_messages: key of the turns. If not given, rows are read as their format has it.
        message_property_mappings: what the template calls a key of a turn -> its name in the row.
        roles: role for the template -> the words that rows have for it.
        message_field_training: key of a turn that tells whether it is trained.
    """

    roles_to_train: tuple[str, ...] | None = None
    train_on_eos: When | None = None
    train_on_eot: When | None = None
    eot_tokens: tuple[str, ...] | None = None
    min_sample_len: int | None = None
    field_messages: str | None = None
    message_property_mappings: dict[str, str] | None = None
    roles: dict[str, tuple[str, ...]] | None = None
    message_field_training: str | None = None


class _Turn(NamedTuple):
    """A turn as the template gets it, and whether it, or which stretches of it, are trained: None where its role
    decides."""

    message: dict[str, Any]
    trained: bool | None = None
    details: tuple[Detail, ...] | None = None


class _Row(NamedTuple):
    """A row on its way: turns and tools for the template, and what was changed."""

    turns: list[_Turn]
    tools: list[Any] | None
    changes: tuple[Change, ...]
    rendered: Rendered


class Axolotl(Trainer):
    """Axolotl with `type: chat_template`, sample for sample.

    Read in axolotl 0.19.0 (2026-11-29; `prompt_strategies/chat_template.py`, `prompt_strategies/
    jinja_template_analyzer.py`, `utils/data/utils.py`, `utils/data/sft.py`, `utils/trainer.py`):

    - Of a turn, the template gets role, content and reasoning, and those other keys that it reads from a variable that
      is called `message`. A template whose loop has another name for it gets no tool calls.
    - Roles are renamed (human, gpt); contents in parts become one text, and what is no text is left out.
    - Arguments of calls, tools and parameters that are texts are decoded as JSON. A text that is none ends the run, as
      does all else that cannot be read or that the template refuses.
    - The tokens of a turn are found by rendering the row with another text in its place; where that is refused (a tool
      result without a call before it, say) the run ends. Trained are the turns of `roles_to_train`, and their end
      tokens if they follow within 3 tokens (`train_on_eos`, `train_on_eot`). What the template writes around turns is
      never trained.
    - Rows over `sequence_len` are dropped unless told otherwise, rows of fewer than 2 tokens always.
    - With sample packing, rows without a trained token are dropped; without it they stay.

    `TrainerSettings` are called: max_length `sequence_len`; overflow `excess_length_strategy` ("drop" drop,
    "keep-start" truncate, "error" raise); loss "all" `train_on_inputs: true`, "assistant" `roles_to_train`; packing
    "bfd" `sample_packing: true`. The other values have no counterpart and are refused.

    Not simulated: strategies of other types (rows of other formats are taken as chat rows), `split_thinking`,
    `drop_system_message`, `message_field_training_detail`, images, tokenizers of mistral-common.
    """

    name: ClassVar[str] = "axolotl"
    title: ClassVar[str] = "Axolotl"
    defaults: ClassVar[TrainerSettings] = AxolotlSettings(max_length=512, loss="assistant", overflow="drop", packing="")
    note: ClassVar[str] = (
        "Axolotl is simulated with type: chat_template. Rows of other formats are taken as if they were written as "
        "chat rows; its own strategies for them (alpaca, completion, input_output) write other texts."
    )
    settings: AxolotlSettings

    def __init__(self, renderer: Renderer, settings: TrainerSettings | None = None) -> None:
        super().__init__(renderer, settings)
        held = self.settings
        given = held.roles or {}
        self._roles = {word: role for role, words in given.items() for word in words} if given else _ROLES
        self._keys = held.message_property_mappings or _KEYS
        self._trained = {
            self._roles.get(role, role)
            for role in (("assistant",) if held.roles_to_train is None else held.roles_to_train)
        }
        self._on_eos = held.train_on_eos or "turn"
        self._on_eot = held.train_on_eot or self._on_eos
        self._eos = self._ids(renderer.folder.named.get("eos_token"))
        self._eot = self._ends_of_turn()

    @classmethod
    def check(cls, settings: TrainerSettings) -> None:
        if settings.overflow == "keep-end":
            raise UsageError("Axolotl cannot cut rows at the beginning: overflow drop, keep-start or error.")
        if settings.loss == "completion":
            raise UsageError("Axolotl trains turns by their role: loss assistant or all.")
        if settings.packing not in ("", "bfd"):
            raise UsageError("Axolotl packs whole rows only: packing bfd or none.")

    def without_rows(self) -> str:
        return "no row has a token that is trained" if self.settings.packing else ""

    def cautions(self) -> list[str]:
        """Return what Axolotl warns of at the beginning of a run, about template and end tokens."""
        eos, template = self.renderer.folder.named.get("eos_token"), self.renderer.template().source
        if self.settings.eot_tokens in (None, (eos,)):
            if eos is None or eos in template or "eos_token" in template:
                return []
            return [f"the template does not write the end-of-text token {eos}: no end of a turn is trained"]
        return [f"the template does not write {one}" for one in self.settings.eot_tokens or () if one not in template]

    def of_file(self, glances: Sequence[tuple[int, Any]], rows: int) -> Iterator[OfFile]:
        try:
            held = self.cautions() if rows else []
        except TemplateRefusal:  # there is no default template, as every row says
            return
        for caution in held:
            yield OfFile(None, f"Axolotl warns at the start of the run: {caution}", "warning")

    @cached_property
    def _kept(self) -> frozenset[str]:
        """The keys of turns that the template gets beside those that are mapped."""
        return self.renderer.template().keys_of("message")

    def _ids(self, text: str | None) -> list[int]:
        return [] if text is None else list(self.renderer.encode(Rendered(text)).ids)

    def _ends_of_turn(self) -> set[int]:
        """Return the ids of the tokens that end a turn.

        Raises:
            UsageError: Axolotl does not take the settings.
        """
        eos = self.renderer.folder.named.get("eos_token")
        given = self.settings.eot_tokens
        if given in (None, (eos,)):
            return set(self._eos) if len(self._eos) == 1 else set()
        template = self.renderer.template().source
        held = [text for text in given or () if text in template]
        for text in held:
            if len(self._ids(text)) != 1:
                raise UsageError(f"eot_tokens: {text} is no single token. Add it to the tokenizer, or name another.")
        if eos in held and self._on_eos != self._on_eot:
            raise UsageError("train_on_eos and train_on_eot differ, but the end-of-text token is one of eot_tokens.")
        return {self._ids(text)[0] for text in held}

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        found: dict[int, Prepared] = {}
        rows: list[tuple[int, _Row]] = []
        for number, record in enumerate(records):
            changes: list[Change] = []
            try:
                rows.append((number, self._row(record, changes)))
            except RunEnds as error:
                found[number] = ended(str(error), tuple(changes))
            except TemplateRefusal as refusal:
                found[number] = _stopped(refused(refusal, tuple(changes)), refusal)
        encoded = self.renderer.encode_all([row.rendered for _, row in rows])
        for (number, row), tokens in zip(rows, encoded):
            made = of(tokens, row.rendered.text, [0] * len(tokens.ids))._replace(changes=row.changes)
            try:
                found[number] = self._finished(made._replace(trained=self._mask(row, tokens)))
            except TemplateRefusal as refusal:
                found[number] = _stopped(made._replace(end=0), refusal)
        return [found[number] for number in range(len(records))]

    def _finished(self, row: Prepared) -> Prepared:
        """Return a row with what its length and its mask make of it."""
        size, least = len(row.ids), self.settings.min_sample_len or 2
        if size < least:
            return row._replace(end=0, dropped=f"shorter than {least:,} tokens")
        row = cut(row, msgspec.structs.replace(self.settings, packing=""))
        if self.settings.packing and row.kept and 1 not in row.trained[row.start : row.end]:
            return row._replace(start=0, end=0, dropped="no token of it is trained")
        return row

    def _row(self, record: Record, changes: list[Change]) -> _Row:
        """Return what the template gets of a row, and the text.

        Raises:
            RunEnds, TemplateRefusal: it gets nothing.
        """
        raw = _without_nulls(record.raw)
        given = self._given(record, raw)
        if not given:
            raise RunEnds("the row has no turn")
        turns = [self._turn(record, number, message, changes) for number, message in enumerate(given)]
        if "role" not in turns[0].message:
            raise RunEnds("the first turn has no role")
        if turns[0].message["role"] != "system" and "system" in record.raw and self._as_it_stands(record):
            changes.append(Change("/system", "it is put before the first turn as a system turn"))
            turns.insert(0, _Turn({"role": "system", "content": record.raw["system"]}))
        for key in ("chat_template_kwargs", "documents"):
            if raw.get(key):
                changes.append(Change(f"/{key}", "it is left out"))
        tools = self._tools(record, raw, changes)
        rendered = self.renderer.render([turn.message for turn in turns], tools or None)
        return _Row(turns, tools, tuple(changes), rendered)

    def _given(self, record: Record, raw: dict[str, Any]) -> Sequence[Any]:
        """Return the turns of a row as they stand in it."""
        if self.settings.field_messages is None:
            messages = raw.get("messages")
            if self._as_it_stands(record) and isinstance(messages, list):
                return messages
            reading = read(record)
            if reading.messages is not None:
                return [_without_nulls(message) for message in reading.messages]
            if isinstance(reading.prompt, list) and isinstance(reading.completion, list):
                return [_without_nulls(message) for message in [*reading.prompt, *reading.completion]]
            raise NotSimulated("Axolotl reads turns of a chat with type: chat_template; the row has none")
        held = raw.get(self.settings.field_messages)
        if held is None:
            raise RunEnds(f"the row has no {self.settings.field_messages} (field_messages)")
        held = _decoded(held, self.settings.field_messages) if isinstance(held, str) else held
        if not isinstance(held, list):
            raise RunEnds(f"{self.settings.field_messages} is no list (field_messages)")
        return held

    def _as_it_stands(self, record: Record) -> bool:
        return self.settings.field_messages is not None or record.format in OWN or own_turns(record) is not None

    def _place(self, record: Record, number: int, key: str = "") -> str:
        if self.settings.field_messages is None:
            return place(record, number, key)
        return f"/{escape(self.settings.field_messages)}/{number}" + (f"/{escape(key)}" if key else "")

    def _turn(self, record: Record, number: int, given: Any, changes: list[Change]) -> _Turn:
        """Return a turn as the template gets it."""
        if not isinstance(given, dict):
            raise RunEnds(f"turn {number + 1} is no object")
        message = {key: given[held] for key, held in self._keys.items() if held in given}
        role = message.get("role")
        if isinstance(role, list | dict):
            raise RunEnds(f"the role of turn {number + 1} is no text")
        if isinstance(role, str):
            message["role"] = self._roles.get(role, role)
        for key in given:
            if key in self._keys.values() or key == self.settings.message_field_training:
                continue
            if key in self._kept:
                message[key] = given[key]
            else:
                changes.append(
                    Change(self._place(record, number, key), "it is left out: the template does not read it")
                )
        if message.get("tool_calls"):
            message["tool_calls"] = self._calls(record, number, message["tool_calls"], changes)
        trained = given.get(self.settings.message_field_training) if self.settings.message_field_training else None
        details = None
        if isinstance(message.get("content"), list):
            parts = message["content"]
            message["content"], details, lost = joined(parts)
            what = "its texts are joined" + (f"; {lost} of {len(parts)} parts are left out" if lost else "")
            changes.append(Change(self._place(record, number, "content"), what))
        if isinstance(message.get("reasoning_content"), list):
            raise NotSimulated(f"the reasoning of turn {number + 1} is in parts")
        return _Turn(message, None if trained is None else bool(trained), details)

    def _calls(self, record: Record, number: int, calls: Any, changes: list[Change]) -> list[Any]:
        """Return calls with their arguments decoded."""
        if not isinstance(calls, list):
            raise RunEnds(f"tool_calls of turn {number + 1} are no list")
        made = []
        for at, call in enumerate(calls):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                path = f"{self._place(record, number)}/tool_calls/{at}/function/arguments"
                arguments = _decoded(function["arguments"], f"arguments of a call in turn {number + 1}")
                changes.append(Change(path, "the text is decoded as JSON"))
                call = {**call, "function": {**function, "arguments": arguments}}
            made.append(call)
        return made

    def _tools(self, record: Record, raw: dict[str, Any], changes: list[Change]) -> list[Any] | None:
        """Return the declared tools with their parameters decoded."""
        tools = raw.get("tools") if self._as_it_stands(record) else read(record).tools
        if isinstance(tools, str):
            tools = _decoded(tools, "tools")
            changes.append(Change("/tools", "the text is decoded as JSON"))
        if tools is None:
            return None
        if not isinstance(tools, list):
            raise RunEnds("tools are no list")
        made = []
        for at, tool in enumerate(tools):
            function = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(function, dict) and isinstance(function.get("parameters"), str):
                parameters = _decoded(function["parameters"], f"parameters of tool {at + 1}")
                changes.append(Change(f"/tools/{at}/function/parameters", "the text is decoded as JSON"))
                tool = {**tool, "function": {**function, "parameters": parameters}}
            made.append(tool)
        return made

    def _mask(self, row: _Row, tokens: Encoded) -> list[int]:
        """Return 1 for each token that is trained.

        Raises:
            TemplateRefusal: the template does not render the row with another text in the place of a turn.
        """
        trained = [0] * len(tokens.ids)
        last = {"eot": -1, "eos": -1}
        for number, turn in enumerate(row.turns):
            wanted = self._wanted(turn)
            if not wanted and "all" not in (self._on_eos, self._on_eot):
                continue
            start, end = self._span(row, number, tokens)
            if wanted and start >= 0:
                if turn.details:
                    for token in trained_tokens(self.renderer, turn.message["content"], turn.details):
                        if start + token < len(trained):
                            trained[start + token] = 1
                else:
                    trained[start:end] = [1] * (end - start)
            for name, ids, when in self._end_tokens():
                at = _first(tokens.ids, ids, end)
                if at != -1 and abs(at - end) <= _NEAR:
                    last[name] = at
                    trained[at] = 1 if when == "all" or (when == "turn" and wanted) else trained[at]
        for name, _, when in self._end_tokens():
            if when == "last" and last[name] != -1:
                trained[last[name]] = 1
        return trained

    def _wanted(self, turn: _Turn) -> bool:
        if turn.trained is not None:
            return turn.trained
        if turn.details is not None:
            return bool(turn.details)
        return self.settings.loss == "all" or turn.message.get("role") in self._trained

    def _end_tokens(self) -> tuple[tuple[str, set[int], str], ...]:
        return (("eot", self._eot, self._on_eot), ("eos", set(self._eos[:1]), self._on_eos))

    def _span(self, row: _Row, number: int, tokens: Encoded) -> tuple[int, int]:
        """Return (start, end) of the tokens of a turn, (-1, -1) where it has none: those that change when another text
        stands in its place."""
        turns = [turn.message for turn in row.turns]
        own = turns[number]
        text = row.rendered.text
        begin, stop = len(text), 0
        for standin in _STANDINS:
            other: dict[str, Any] = {"role": own.get("role"), "content": standin}
            if row.turns[number].details and "reasoning_content" in own:
                other["reasoning_content"] = own["reasoning_content"]
            try:
                changed = self.renderer.render([*turns[:number], other, *turns[number + 1 :]], row.tools or None).text
            except TemplateRefusal as refusal:
                refusal.said += f" (with another text for turn {number + 1}, as Axolotl renders it to find its tokens)"
                raise
            most = min(len(text), len(changed))
            same = _alike(text, changed, most)
            begin = min(begin, same)
            stop = max(stop, len(text) - _alike(text[::-1], changed[::-1], most - same))
        if stop <= begin:
            return -1, -1
        start = bisect_right(tokens.offsets, begin, key=lambda one: one[1])
        end = bisect_left(tokens.offsets, stop, key=lambda one: one[0])
        return (start, end) if start < end else (-1, -1)


def _stopped(row: Prepared, refusal: TemplateRefusal) -> Prepared:
    """Return a row that the template refuses: the run ends there, unless it is us who stop."""
    if isinstance(refusal, NotSimulated | TemplateLimit):
        return row._replace(refusal=refusal)
    return row._replace(refusal=refusal, stopped=f"the chat template refuses the row: {refusal}")


def _without_nulls(value: Any) -> Any:
    """Return a JSON value without the keys whose value is null."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _decoded(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunEnds(f"{what}: no JSON ({error})") from error


def _first(ids: Sequence[int], wanted: set[int], start: int) -> int:
    """Return the place of the first token of some from a place on, -1 if there is none. From -1 on, the last token is
    looked at first: so it is in Axolotl where a turn was not found."""
    return next((at for at in range(start, len(ids)) if ids[at] in wanted), -1)


def _alike(one: str, other: str, most: int) -> int:
    """Return how many characters two texts begin with alike, at most some."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
