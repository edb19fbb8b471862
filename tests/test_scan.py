"""Triggers decide only how fast a rule runs, never what it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prepdata.chunk import Chunk, Text, texts
from prepdata.findings import Hit
from prepdata.formats.openai import OpenAIChat
from prepdata.record import Record
from prepdata.rules.base import EVERY, LOOK, SHAPE, Pattern, RecordRule, Words
from prepdata.scan import Scanner


class Sorry(RecordRule):
    code, name, severity = "TST001", "sorry", "warning"
    trigger = Words(("sorry", "straße"))

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if "sorry" in message.text.lower() or "straße" in message.text.lower():
                yield Hit("sorry", message.field)


class Digit(RecordRule):
    code, name, severity = "TST002", "digit", "warning"
    trigger = Pattern(re.compile(r"\d"))

    def check(self, record: Record) -> Iterator[Hit]:
        return self.check_texts(record, texts(Chunk("openai", [record], [], 0)))

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        for piece in held:
            for match in re.finditer(r"\d", piece.text):
                yield Hit(match[0], piece.path)


class Pair(RecordRule):
    """Two digits with at most a blank between them, or a letter beyond ASCII; its traces tell less."""

    code, name, severity = "TST005", "pair", "warning"
    trigger = Pattern(re.compile(r"[1-9] ?[1-9]|ß"), (re.compile(b"0 ?0"), re.compile(b"never")))

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if self.trigger.pattern.search(message.text):
                yield Hit("pair", message.field)


class Beyond(RecordRule):
    code, name, severity = "TST006", "beyond", "warning"
    trigger = Pattern(re.compile(r"[²日]"), ())

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if self.trigger.pattern.search(message.text):
                yield Hit("beyond", message.field)


class NoUser(RecordRule):
    code, name, severity = "TST003", "no-user", "warning"
    trigger = SHAPE

    def check(self, record: Record) -> Iterator[Hit]:
        if not record.users:
            yield Hit("no user")


class Crash(RecordRule):
    code, name, severity = "TST004", "crash", "warning"
    trigger = EVERY

    def check(self, record: Record) -> Iterator[Hit]:
        if any("boom" in m.text for m in record.turns):
            raise ValueError("boom")
        yield from ()


class Greeting(RecordRule):
    code, name, severity = "TST007", "greeting", "warning"
    trigger = LOOK

    def wanted(self, chunk: Chunk) -> Iterator[Record]:
        """Name rows twice and backwards, and give up at an empty turn."""
        for record in reversed(chunk.records):
            for message in record.turns:
                if not message.text:
                    raise ValueError("empty")
                if message.text[:2] == "I ":
                    yield record

    def check(self, record: Record) -> Iterator[Hit]:
        for message in record.turns:
            if message.text[:2] == "I ":
                yield Hit("greeting", message.field)


RULES = (Sorry, Digit, NoUser, Crash, Pair, Beyond, Greeting)
words = st.sampled_from(
    ["Sorry", "I am", "SORRY!", "7", "10", "7 7", "", " ", "boom", "Straße", "STRASSE", "İ", "\0", "日本", "²", "٣"]
)
text = st.lists(words, max_size=4).map(" ".join)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "bot"]), "content": st.one_of(text, st.none())}
)
rows = st.lists(st.fixed_dictionaries({"messages": st.lists(message, max_size=4)}), max_size=8)


def found(given_rows: list[dict[str, Any]], triggers: bool, times: int = 1) -> list[tuple[str, int, str | None, str]]:
    scanner = Scanner([rule() for rule in RULES], triggers=triggers)
    hits = []
    for _ in range(times):
        hits = []
        records = [OpenAIChat().view(row) for row in given_rows]
        for number, record in enumerate(records):
            record.row = number
        for rule, record, hit in scanner.run(Chunk("openai", records, [], len(records))):
            if isinstance(hit, Hit):
                hits.append((rule.code, record.row, hit.path, hit.message))
            else:
                hits.append((rule.code, record.row, None, repr(hit)))
    return sorted(hits, key=lambda hit: hit[:2])  # each rule's findings of a row in their order


@given(rows)
def test_triggers_change_nothing(given_rows: list[dict[str, Any]]) -> None:
    assert found(given_rows, True) == found(given_rows, False)


@given(rows)
def test_what_is_remembered_of_shapes_changes_nothing(given_rows: list[dict[str, Any]]) -> None:
    assert found(given_rows, True, times=2) == found(given_rows, True)


def test_a_crash_is_a_value() -> None:
    row = {"messages": [{"role": "user", "content": "boom 7"}]}
    hits = found([row, row], True)
    assert [h for h in hits if h[0] == "TST004"] == [
        ("TST004", 0, None, "ValueError('boom')"),
        ("TST004", 1, None, "ValueError('boom')"),
    ]
    assert len([h for h in hits if h[0] == "TST002"]) == 2


def test_no_rules_no_texts() -> None:
    assert list(Scanner([]).run(Chunk("openai", [], [], 0))) == []
    assert found([], True) == []
