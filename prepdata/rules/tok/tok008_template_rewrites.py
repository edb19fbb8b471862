"""TOK008: text that the template adds, or leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from prepdata.chunk import Chunk
from prepdata.findings import Hit, Severity, around, clip
from prepdata.jsontext import json_text
from prepdata.record import Message, Record
from prepdata.rules.base import Parts
from prepdata.rules.tok._rows import RenderedRule, Told

if TYPE_CHECKING:
    from prepdata.training.base import Prepared, Trainer

_WORDS = re.compile(r"[^\W\d_]{2,}")
_ROLES = frozenset(("system", "user", "assistant", "tool", "model"))
ADDED = 4  # words in a row that no turn holds, from which they are told as added
PLACES = 20_000  # keys of a file, at any depth, beyond which it is not told what loading changes
COLUMNS = frozenset({"messages", "prompt", "completion", "chosen", "rejected", "conversations", "text", "tools",
                     "documents", "chat_template_kwargs"})  # fmt: skip
"""Columns that TRL reads."""
_NUMBERS = re.compile(r"/\d+(?=/|$)")
SPECIAL = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z_]{2,40}\]")


class TemplateRewrites(RenderedRule):
    """Finds rows of which the template leaves something out, or to which it adds sentences.

    Left out: the text of a turn, reasoning (many templates cut that of earlier turns), declared tools, calls. Added: a
    system prompt that the row has not, dates, instructions; told for rows without tools only, since declared tools come
    with instructions. White space at the ends of turns makes no difference. With `--target trl` also values that are
    others once the file is loaded: `load_dataset` gives all rows the same types. Needs `--tokenizer`. Kept: with TRL,
    the keys and kinds of values of each chunk; nothing a row.

    Why: the model is trained on another row than the one that was reviewed: tools it cannot see, reasoning it never
    learns, a system prompt that nobody wrote and that has to be there in use as well.
    Bad:
        {"messages": [{"role": "user", "content": "2 + 2?"},
         {"role": "assistant", "content": "4", "reasoning_content": "Two and two make four."},
         {"role": "user", "content": "And 3?"}, {"role": "assistant", "content": "7"}]}
    Good:
        {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"},
         {"role": "user", "content": "And 3?"}, {"role": "assistant", "content": "7"}]}
    Fix: none; write the system prompt yourself, split the row at each answer with reasoning, or take another template.
    Source: modelscope/ms-swift issue 4939 (Qwen 3 cuts earlier reasoning), unslothai/unsloth issue 989 and
    hiyouga/LLaMA-Factory issue 7592 (a system prompt that nobody wrote).
    """

    code: ClassVar[str] = "TOK008"
    name: ClassVar[str] = "template-rewrites"
    severity: ClassVar[Severity] = "warning"
    rereads: ClassVar[bool] = True

    def judge(self, record: Record, row: Prepared, trainer: Trainer) -> Iterator[Told]:
        if row.refusal is not None or not row.text or not record.messages:
            return
        at = 0
        turns = record.messages + record.chosen
        for message in turns:
            found = row.text.find(message.text.strip(), at)
            if found >= 0:
                at = found + len(message.text.strip())
            elif message.text.strip() not in row.text:
                said = "the template leaves out the text of this turn, or changes it"
                yield Told(Hit(said, message.path, None, clip(message.text, 80)), f"text {message.role}")
            yield from self._left_out(message, row)
        yield from self._tools(record, row)
        if not record.tools:
            yield from self._added(turns, row)

    def glance(self, chunk: Chunk, name: str, rows: list[Prepared]) -> Any:
        return _columns(chunk.records) if name == "trl" else None

    def judge_all(self, trainer: Trainer, parts: Parts) -> Iterator[tuple[int | None, Told]]:
        from prepdata.training.columns import Columns, Seen

        columns = Columns()
        for _, part in parts.parts:
            if part:
                columns.root.merge(Seen.unpacked(part))
            if not part or columns.root.size > PLACES:
                said = f"not known what loading changes: there are more than {PLACES:,} different keys"
                yield None, Told(Hit(said, severity="info"))
                return
        if not columns.may_change(COLUMNS):
            return
        for row, record in parts.fetch(range(parts.rows)):
            for path, what in columns.loaded(record.raw, "json")[1]:
                if path.split("/")[1] in COLUMNS:
                    said = (
                        f"{trainer.title} gets this otherwise from the library datasets, which loads the rows: {what}"
                    )
                    yield row, Told(Hit(said, path), f"loading {_NUMBERS.sub('/*', path)}")

    def _left_out(self, message: Message, row: Prepared) -> Iterator[Told]:
        reasoning = (message.reasoning or "").strip()
        if reasoning and reasoning not in row.text:
            said = "the template leaves out the reasoning of this turn, so it is not learnt"
            yield Told(Hit(said, message.path, None, clip(reasoning, 80)), "reasoning")
        for call in message.calls:
            if isinstance(call.name, str) and call.name and call.name not in row.text:
                said = f"the template leaves out the name of a call: '{clip(call.name, 40)}'"
                yield Told(Hit(said, message.path), "call")

    def _tools(self, record: Record, row: Prepared) -> Iterator[Told]:
        names = [tool.name for tool in record.tools if isinstance(tool.name, str)]
        missing = [name for name in names if name not in row.text]
        if missing and len(missing) == len(names):
            said = f"the template leaves out the declared tools ({len(names):,}: {clip(', '.join(names), 60)})"
            yield Told(Hit(said, record.tools_path), "tools")

    def _added(self, turns: tuple[Message, ...], row: Prepared) -> Iterator[Told]:
        held = sorted({piece for message in turns for piece in _pieces(message)}, key=len, reverse=True)
        roles = {message.role for message in turns} | _ROLES
        rest = row.text
        for piece in held:
            rest = rest.replace(piece, "\0")
        for piece in re.split("\0", SPECIAL.sub("\0", rest)):
            if sum(word not in roles for word in _WORDS.findall(piece)) >= ADDED:
                text = piece.strip()
                start = row.text.find(text)
                said = f"the template adds text that is not in the row: '{clip(text, 100)}'"
                excerpt = around(row.text, (start, start + len(text))) if start >= 0 else None
                yield Told(Hit(said, excerpt=excerpt), f"added {clip(text, 60)}")


def _columns(records: Sequence[Record]) -> list[Any]:
    """Return what stands where in some rows, packed; [] where that is too much."""
    from prepdata.training.columns import Seen

    root, known = Seen(), set()
    for record in records:
        row = record.raw
        if record.tools_key is not None and record.tools_path == "/tools":
            if record.tools_key in known:
                row = {key: value for key, value in row.items() if key != "tools"}  # looked at before
            known.add(record.tools_key)
        root.add(row)
    return root.packed() if root.size <= PLACES else []


def _pieces(message: Message) -> Iterator[str]:
    """Yield what a turn says, as far as a template may write it."""
    given = [message.text, message.reasoning or "", str(message.name or "")]
    for call in message.calls:
        arguments = call.arguments if isinstance(call.arguments, str) else json_text(call.arguments)
        given += [str(call.name), arguments]
    yield from (piece.strip() for piece in given if len(piece.strip()) > 3)
