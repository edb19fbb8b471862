"""Which rows carry retrieved context, and what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prepdata.chunk import Chunk
from prepdata.formats import recognise
from prepdata.record import Record
from prepdata.text import _passage_words as words
from prepdata.text._passage_traces import TRACES
from prepdata.text._written_passages import read
from prepdata.text.passages import Context, context_of, contexts

HOURS = "The office opens at nine on weekdays."
POST = "Letters are sent on Fridays, parcels on Mondays."
ASK = "When does the office open?"


def record(row: dict[str, Any], number: int = 0) -> Record:
    found = recognise(row)
    assert found is not None
    view = found.view(row)
    view.row = number
    return view


def chat(user: str, answer: str = "At nine.", **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": answer}], **fields}


def context(row: dict[str, Any]) -> Context:
    found = context_of(record(row))
    assert found is not None
    return found


WRITTEN = {
    "numbers in brackets": (f"Context:\n[1] {HOURS}\n\n[2] {POST}\n\nQuestion: {ASK}", ["1", "2"]),
    "with titles": (f"Sources:\n[1] Hours\n{HOURS}\n[2] Post\n{POST}\n\nQuestion: {ASK}", ["1", "2"]),
    "counted from 0": (f"## Context\n[0] {HOURS}\n[1] {POST}\n\nQuestion: {ASK}", ["0", "1"]),
    "numbered documents": (f"Document 1: {HOURS}\nDocument 2: {POST}\n\n{ASK}", ["1", "2"]),
    "Document [1](Title: ...)": (f"Document [1](Title: A) {HOURS}\nDocument [2](Title: B) {POST}\n{ASK}", ["1", "2"]),
    "Command R": (f"Document:0\nTitle: A\nText: {HOURS}\n\nDocument:1\nTitle: B\nText: {POST}\n{ASK}", ["0", "1"]),
    "Markdown headings": (f"### Passage 1\n{HOURS}\n\n### Passage 2\n{POST}\n\n### Question:\n{ASK}", ["1", "2"]),
    "files": (f"### Source: a/hours.md\n{HOURS}\n### Source: a/post.md\n{POST}\nQuestion: {ASK}", ["", ""]),
    "tags": (f"<documents><document index='1'>{HOURS}</document><document index='2'>{POST}</document></documents>{ASK}",
             ["1", "2"]),
    "RAFT": (f"<DOCUMENT>{HOURS}</DOCUMENT>\n<DOCUMENT>{POST}</DOCUMENT>\n{ASK}", ["", ""]),
    "rules": (f"Context:\n{HOURS}\n---\n{POST}\n\nQuestion: {ASK}", ["", ""]),
    "one block": (f"Context: {HOURS}\nQuestion: {ASK}", [""]),
    "tags around one block": (f"<context>\n{HOURS}\n</context>\n{ASK}", [""]),
    "LangChain": (f"Use the following pieces of context to answer.\n\n{HOURS} {POST}\n\nQuestion: {ASK}\nAnswer:", [""]),
    "LlamaIndex": (f"Context information is below.\n------\n{HOURS}\n------\nAnswer the query.\nQuery: {ASK}", [""]),
    "German": (f"Kontext:\n[1] {HOURS}\n[2] {POST}\n\nFrage: {ASK}", ["1", "2"]),
    "French": (f"Contexte :\n{HOURS}\n\nQuestion : {ASK}", [""]),
    "Chinese": ("已知信息：\n[1] 办公室九点开门。\n[2] 周五寄信。\n\n问题：几点开门？", ["1", "2"]),
    "Japanese": ("参考資料：\n文書1：事務所は九時に開きます。\n文書2：手紙は金曜日に送ります。\n\n質問：いつ？", ["1", "2"]),
    "Russian": ("Контекст:\nОфис открывается в девять утра по будням.\n\nВопрос: когда?", [""]),
    "Arabic": ("السياق:\nيفتح المكتب في الساعة التاسعة صباحا كل يوم.\n\nالسؤال: متى؟", [""]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_passages_in_a_prompt_are_told_apart(name: str) -> None:
    prompt, ids = WRITTEN[name]
    found = context(chat(prompt))
    assert [passage.id for passage in found.passages] == ids
    assert all(passage.path == "/messages/0/content" for passage in found.passages)
    if HOURS in prompt:
        assert [place for place, passage in enumerate(found.passages) if HOURS in passage.text] == [0]
        assert not any(ASK in passage.text for passage in found.passages[:-1])


@pytest.mark.parametrize("name", WRITTEN)
def test_a_quick_look_passes_over_no_text_with_passages(name: str) -> None:
    """The traces are only there to be quick: what is read must hold one."""
    prompt, _ = WRITTEN[name]
    rows = [record(chat("Hello?"), 0), record(chat(prompt), 1), record(chat("Hi?"), 2)]
    assert [one.record.row for one in contexts(Chunk("openai", rows, [], 3))] == [1]
    system = {"messages": [{"role": "system", "content": prompt}, *chat(ASK)["messages"]]}
    assert len(contexts(Chunk("openai", [record(system)], [], 1))) == 1


@pytest.mark.parametrize("word", sorted({*words.HEADINGS, *words.UNITS}))
def test_every_word_of_a_heading_leaves_a_trace(word: str) -> None:
    heads = []
    for spelled in (word, word.upper(), word.capitalize()):
        heads += [f"{spelled}:", f"**{spelled}**:", f"[{spelled}]", f"## {spelled}\n", f"{spelled} (retrieved):"]
        heads += [f"{spelled} 1:", f"[{spelled} 1]", f"{spelled} #1:", f"{spelled}: 1:", f"{spelled} [1]:"]
    for head in heads:
        text = f"{head} {HOURS} {POST}\n\nQuestion: {ASK}"
        if read(text, "") is not None:
            assert contexts(Chunk("openai", [record(chat(text))], [], 1)), head
    assert len(TRACES) < 600  # an automaton of thousands costs more than it saves


@pytest.mark.parametrize(
    "prompt",
    [
        "Context: work\nQuestion: how do I ask for a rise?",
        f"Passage: {POST}\n\nTask: Translate it into French.",
        f"Summarize the following document:\n\n{HOURS} {POST}",
        f"Sort the following documents by length:\n{HOURS}\n{POST}",
        "Which context does he mean, and which source?",
        "def f(context):\n    return context[0]",
        "[1] Smith, 1990. [2] Jones, 1994.",
        "Document the function, then close the file: it is done.",
        f"Here is my story. Chapter 1: {HOURS} Chapter 2: {POST} Is it good?",
    ],
)
def test_other_prompts_have_no_context(prompt: str) -> None:
    assert context_of(record(chat(prompt))) is None


FIELDS: list[tuple[dict[str, Any], list[str], set[int] | None]] = [
    ({"passages": [{"id": "1", "source": "a.md", "text": HOURS}, {"id": "2", "text": POST}], "gold": ["2"]},
     ["1", "2"], {1}),
    ({"passages": [{"id": 1, "text": HOURS}], "gold": []}, ["1"], set()),
    ({"documents": [{"title": "Hours", "text": HOURS}, {"title": "Post", "text": POST}], "gold": "Post"}, ["", ""], {1}),
    ({"documents": [{"page_content": HOURS, "metadata": {"source": "x/a.md"}}], "gold": ["a.md"]}, [""], {0}),
    ({"contexts": [HOURS, POST], "positive_ctx_idx": 0}, ["", ""], {0}),
    ({"contexts": [HOURS, POST], "positive_ctx_idx": -1}, ["", ""], set()),
    ({"passages": {"passage_text": [HOURS, POST], "is_selected": [0, 1]}}, ["", ""], {1}),
    ({"context": {"sentences": [[HOURS, POST]], "title": [["a", "b"]]}, "oracle_context": HOURS}, ["", ""], {0}),
    ({"context": HOURS}, [""], None),
    ({"context": HOURS, "is_impossible": True}, [""], set()),
    ({"contexts": [HOURS], "answerable": False}, [""], set()),
    ({"contexts": [HOURS], "answerable": True}, [""], None),
    ({"retrieved_contexts": [HOURS], "metadata": {"gold": "nobody"}}, [""], None),
    ({"metadata": {"documents": [{"doc_id": "d7", "content": HOURS, "is_gold": True}]}}, ["d7"], {0}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "ids", "gold"), FIELDS)
def test_fields_of_a_row_say_what_its_context_is(fields: dict[str, Any], ids: list[str], gold: set[int] | None) -> None:
    found = context(chat(ASK, **fields))
    assert [passage.id for passage in found.passages] == ids
    assert found.gold == gold
    for passage in found.passages:
        value: Any = fields
        for key in passage.path.split("/")[1:]:
            value = value[int(key)] if isinstance(value, list) else value.get(key, value)
        assert passage.text


def test_fields_without_text_take_it_from_the_prompt() -> None:
    row = chat(WRITTEN["numbers in brackets"][0], passages=[{"id": "2", "source": "post.md"}], gold=["2"])
    found = context(row)
    assert [passage.text for passage in found.passages] == [POST]
    assert found.gold == {0}
    assert {"1", "2", "post.md"} <= found.known


def test_a_mark_may_name_a_passage_of_the_prompt() -> None:
    assert context(chat(WRITTEN["numbers in brackets"][0], gold=["2"])).gold == {1}


def test_only_tools_that_retrieve_give_context() -> None:
    def asked(name: str, result: str) -> Context | None:
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}
        messages = [
            {"role": "user", "content": ASK}, {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": result}, {"role": "assistant", "content": "At nine."},
        ]  # fmt: skip
        rows = [record({"messages": messages})]
        assert bool(contexts(Chunk("openai", rows, [], 1))) is (context_of(rows[0]) is not None)
        return context_of(rows[0])

    listed = asked("search_docs", json.dumps({"results": [{"title": "a", "text": HOURS}, {"text": POST}]}))
    assert listed is not None and [passage.text for passage in listed.passages] == [HOURS, POST]
    plain = asked("knowledge_base", HOURS)
    assert plain is not None and [passage.text for passage in plain.passages] == [HOURS]
    assert asked("get_weather", HOURS) is None
    assert asked("search_docs", '{"ok": true}') is None


def test_of_several_turns_the_last_one_counts() -> None:
    first, second = f"Context:\n[1] {HOURS}\n\nQuestion: {ASK}", f"Context:\n[7] x\n[1] {POST}\n\nQuestion: And post?"
    assert context({"messages": chat(first)["messages"] + chat(second)["messages"]}).answer is not None
    found = context({"messages": chat(first)["messages"] + chat("And on Sundays?")["messages"]})
    assert [passage.text for passage in found.passages] == [HOURS]


@pytest.mark.parametrize("value", [None, 5, True, "x", [], [[]], [None], {}, {"text": 1}, {"a": [1]}, [{"text": {}}],
                                   {"sentences": [[1]]}, [{"id": {}, "text": HOURS}], {"text": ["a"], "is_selected": [None]}])  # fmt: skip
def test_odd_fields_are_no_error(value: Any) -> None:
    for key in words.LISTS:
        for gold in (value, [value], {"1": value}):
            row = chat(ASK, **{key: value}, gold=gold, positive_ctx_idx=value, answerable=value, metadata={key: value})
            found = context_of(record(row))
            assert found is None or found.text


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece",
    ["<context>", "<document>", "</document>", "<document a='", "[1] a\n", "Context:\n", "Document 1:\n", "---\n",
     "Source: a.md\n", "following a b c ", "write a ", "上下文：", " ", "a", "#", "title:", "<context></context>"],
)  # fmt: skip
def test_hostile_texts_take_linear_time(piece: str) -> None:
    read("Context:\n" + piece * 40_000 + "?", "")


NEWER = {
    "LangChain, short": (f"Use the following pieces of context to answer it.\n\n{HOURS}\n\nQuestion: {ASK}", [""]),
    "sources in brackets": (f"[1] (Source: a.md) {HOURS}\n[2] (Source: b.md) {POST}\n\nQuestion: {ASK}", ["1", "2"]),
    "sources without": (f"[1] source: a.md {HOURS}\n[2] source: b.md {POST}\n\nQuestion: {ASK}", ["1", "2"]),
    "an article": (f"Article: {HOURS}\n\n{ASK}", [""]),
    "Hebrew": ("הקשר:\n[1] המשרד נפתח בתשע.\n[2] מכתבים נשלחים ביום שישי.\n\nשאלה: מתי?", ["1", "2"]),
    "JSON": (json.dumps({"context": [HOURS, POST], "question": ASK}), ["", ""]),
    "JSON of objects": (json.dumps({"question": ASK, "passages": [{"id": 7, "text": HOURS}]}), ["7"]),
    "JSON of one text": (json.dumps({"context": HOURS, "question": ASK}), [""]),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_further_shapes_are_read_and_found_in_chunks(name: str) -> None:
    text, ids = NEWER[name]
    assert [passage.id for passage in context(chat(text)).passages] == ids
    assert contexts(Chunk("openai", [record(chat(text))], [], 1))


def test_a_system_prompt_of_langchain_holds_context_without_a_question() -> None:
    told = f"Use the following pieces of retrieved context to answer the user's question.\n----------------\n{HOURS} {POST}"
    turns = [
        {"role": "system", "content": told},
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": "9."},
    ]
    assert HOURS in context({"messages": turns}).passages[0].text


@pytest.mark.parametrize(
    "text",
    [
        f"Background: {HOURS}\n\nQ: {ASK}",  # so people tell of themselves, too
        f"[1] {HOURS}\n[2] {POST}\n\nWhich of these is true?",
        json.dumps({"context": "work", "question": ASK}),
        json.dumps({"context": HOURS}),
        '{"context": ' + HOURS,
        "Write an article:\nThe office opens at nine, letters are sent on Fridays.",
    ],
)
def test_what_looks_like_these_shapes_is_no_context(text: str) -> None:
    assert context_of(record(chat(text))) is None


def test_squad_says_that_nothing_answers() -> None:
    marks = {"context": HOURS + " " + POST, "answers": {"text": [], "answer_start": []}}
    assert context(chat(ASK, **marks)).gold == frozenset()
    marks["answers"] = {"text": ["nine"], "answer_start": [20]}
    assert context(chat(ASK, **marks)).gold is None
