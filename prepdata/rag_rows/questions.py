"""What a row asks and answers, and where it says that the answer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from prepdata.formats.marks import MEDIA_KEYS, ROW_MARKS
from prepdata.jsontext import json_text
from prepdata.rag_rows.settings import Left
from prepdata.record import Record
from prepdata.rules.rag._citations import citations
from prepdata.text import _marked_passages as marked
from prepdata.text import _passage_words as names
from prepdata.text import _written_passages as written

_OWN = frozenset({"passages", "documents", "contexts", "context", "gold", "answerable", "group", "metadata", "meta"})
CARRIED = ROW_MARKS - MEDIA_KEYS - _OWN
"""Marks that the row made from a question keeps."""
MOST_NAMED = 20
"""Sources that a question may name."""


class Named(msgspec.Struct, frozen=True):
    """A source that a question names: a document or a chunk of one, or a passage by its text, or both."""

    name: str = ""
    text: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its answer.

    Args:
        before: turns before the question, as role and text.
        text: the question.
        answer: the answer.
        sources: where the answer is; empty where the documents do not hold it (`none` is True).
        none: True if the row says that no document holds the answer.
        group: the row's own mark `group`, "" for none.
        marks, metadata: what the row made from it keeps.
    """

    before: tuple[tuple[str, str], ...]
    text: str
    answer: str
    sources: tuple[Named, ...]
    none: bool
    group: str
    marks: dict[str, Any]
    metadata: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """32 hex digits of what the question says, where its answer is, and its group: the same in any file."""
        import xxhash

        said = [
            self.before,
            self.text,
            self.answer,
            sorted([source.name, source.text] for source in self.sources),
            self.group,
        ]
        return xxhash.xxh3_128_hexdigest(json_text(said).encode())


def question_of(record: Record) -> Question | Left:
    """Return the question of a row, or why it has none that can be put to documents."""
    raw = record.raw
    if record.preference:
        return Left("preference pair", "a preference pair has two answers; give rows with one")
    if record.tools or any(record.calls()):
        return Left("tools", "the row has tools; context is put into plain conversations only")
    if not raw.keys().isdisjoint(MEDIA_KEYS):
        return Left("media", "the row has media; context is put into plain conversations only")
    prompt, answers = record.split()
    if not answers or answers[0] is not record.messages[-1] or answers[0].kind != "text":
        return Left("no answer", "the row does not end with an answer in words")
    if not answers[0].trained:
        return Left("no answer", "the answer has weight 0: it is not trained on")
    if not prompt or prompt[-1].role != "user":
        return Left("no question", "no question of the user stands before the answer")
    odd = next((turn for turn in prompt if turn.kind != "text" or turn.role not in _ROLES), None)
    if odd is not None:
        return Left("not plain text", f"the turn at {odd.path or '/'} is not a plain text of system, user or assistant")
    question, answer = prompt[-1].text, answers[0].text
    if written.read(question, "") or marked.of_prompt(question.strip(), ""):
        return Left("context in the question", "the question already holds a context; give the question alone")
    if cited := next((one.name for one in citations(answer) if one.name.isdigit() and not one.attached), None):
        return Left(
            "cites already", f"the answer cites [{cited}], which would be the number of another passage; take it out"
        )
    sources, none = _sources(raw)
    if not sources and not none:
        return Left("no source", "no mark `gold` or `source` says which document holds the answer")
    if len(sources) > MOST_NAMED:
        return Left("too many sources", f"more than {MOST_NAMED} sources are named")
    group = raw.get("group")
    return Question(
        before=tuple((turn.role, turn.text) for turn in prompt[:-1]),
        text=question,
        answer=answer,
        sources=tuple(dict.fromkeys(sources)),
        none=none,
        group=str(group) if type(group) in (str, int) else "",
        marks={key: value for key, value in raw.items() if key in CARRIED},
        metadata=_metadata(raw.get("metadata")),
    )


_ROLES = frozenset({"system", "developer", "user", "assistant"})


def _sources(raw: dict[str, Any]) -> tuple[list[Named], bool]:
    """Return the sources that a row names, and whether it says that there is none."""
    gold = raw.get("gold")
    if raw.get("answerable") is False or gold == []:
        return [], True
    passages = list(_passages(raw.get("passages")))
    if gold is not None:
        by_id = {id: named for id, named in passages if id}
        named = [by_id.get(str(one)) or Named(str(one)) for one in _listed(gold) if str(one).strip()]
        return [*named, *(one for _, one in _passages(gold))], False
    if len(passages) == 1:
        return [passages[0][1]], False
    return [Named(one) for one in _listed(raw.get("source")) if type(one) is str and one.strip()], False


def _metadata(value: Any) -> dict[str, Any]:
    """Return what `metadata` says beside passages and which of them is true."""
    if type(value) is not dict:
        return {}
    of_passages = {*names.LISTS, *names.GOLD, *names.GOLD_INDEX, *names.ANSWERABLE, *names.UNANSWERABLE}
    return {key: held for key, held in value.items() if key not in of_passages}


def _listed(value: Any) -> list[Any]:
    listed = value if type(value) is list else [value]
    return [one for one in listed if type(one) in (str, int)]


def _passages(value: Any) -> Iterator[tuple[str, Named]]:
    """Yield the passages of a row's mark, each with its id."""
    for item in value if type(value) is list else ():
        if type(item) is dict:
            text = next((item[key] for key in names.TEXT if type(item.get(key)) is str), "")
            name = next((item[key] for key in ("source", "file", "path", "url") if type(item.get(key)) is str), "")
            if name or text:
                yield (
                    next((str(item[key]) for key in names.ID if type(item.get(key)) in (str, int)), ""),
                    Named(name, text),
                )
