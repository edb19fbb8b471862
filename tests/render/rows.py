"""Rows to render: written by hand, those that some templates refuse, and as many generated ones as wanted."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Message = dict[str, Any]


class Row(NamedTuple):
    """What is rendered.

    Args:
        name: what it is about.
        messages: the conversation.
        tools: declared tools, None if none are.
        documents: documents, None if there are none.
    """

    name: str
    messages: list[Message]
    tools: list[dict[str, Any]] | None = None
    documents: list[dict[str, Any]] | None = None


def said(role: str, content: Any, **others: Any) -> Message:
    """Return a message."""
    return {"role": role, "content": content, **others}


def call(name: str, arguments: Any, number: str = "abcDEF123") -> dict[str, Any]:
    """Return a tool call."""
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(name: str, properties: dict[str, Any], required: Sequence[str] = (), **others: Any) -> dict[str, Any]:
    """Return a declared tool."""
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {
        "type": "function",
        "function": {"name": name, "description": f"Does {name}.", "parameters": parameters, **others},
    }


WEATHER = tool(
    "get_weather",
    {
        "place": {"type": "string", "description": "A town, e.g. Łódź or 東京"},
        "unit": {"type": "string", "enum": ["°C", "°F"], "default": "°C"},
        "days": {"type": "array", "items": {"type": "integer"}},
    },
    ["place"],
    **{"return": {"type": "string", "description": "How it is"}},
)
MAIL = tool(
    "send_mail",
    {
        "to": {"type": ["string", "null"], "description": "Who \"gets\" it"},
        "body": {"type": "object", "properties": {"html": {"type": "boolean"}, "size": {"type": "number", "nullable": True}}},
        "late": {"oneOf": [{"type": "boolean"}, {"type": "integer"}], "default": False},
        "bag": {"type": "object", "additionalProperties": {"type": "number"}},
    },
)  # fmt: skip
CLOCK = tool("clock", {})
TOOLS = [WEATHER, MAIL, CLOCK]
DOCUMENTS = [
    {"title": "Herons", "text": "Herons are long-legged birds.\n", "doc_id": 7},
    {"title": "Tides <&>", "text": "  The moon pulls.", "source": "https://example.org/?a=1&b=2"},
]
USER, ANSWER, SYSTEM = said("user", "What is 2 + 2?"), said("assistant", "It is 4."), said("system", "Be brief.")
CALLING = {"role": "assistant", "tool_calls": [call("get_weather", {"place": "Łódź", "days": [1, 2]})]}
RESULT = said("tool", "12 °C", tool_call_id="abcDEF123", name="get_weather")
PARALLEL = {
    "role": "assistant", "content": "I look.",
    "tool_calls": [call("get_weather", {"place": "Ulm"}, "aaaaaaaaa"), call("send_mail", {"to": None, "bag": {"x": 1.5}}, "bbbbbbbbb")],
}  # fmt: skip
RESULTS = [
    said("tool", "3 °C", tool_call_id="aaaaaaaaa"),
    said("tool", {"sent": True, "an ä": None}, tool_call_id="bbbbbbbbb"),
]

PROBES = (
    Row("plain", [USER, ANSWER]),
    Row("system", [SYSTEM, USER, ANSWER]),
    Row("assistant_first", [ANSWER, USER]),
    Row("two_users", [USER, USER, ANSWER]),
    Row("odd_role", [USER, ANSWER, said("narrator", "Night falls."), ANSWER]),
    Row("tool_result", [USER, said("tool", "12 °C", tool_call_id="abcDEF123"), ANSWER]),
    Row("parallel_calls", [USER, PARALLEL, *(said("tool", "ok", tool_call_id=name * 9) for name in "ab"), ANSWER], TOOLS),
    Row("long_call_id", [USER, {"role": "assistant", "tool_calls": [call("clock", {}, "call_00001")]}]),
    Row("channel_tags", [USER, said("assistant", "<|channel|>final<|message|>It is 4.")]),
    Row("thinking_call", [USER, said("assistant", "A.", thinking="B.", tool_calls=[call("clock", {})])]),
    Row("lone_result", [USER, said("tool", "12 °C", tool_call_id="abcDEF123")]),
)  # fmt: skip
"""Rows that some templates refuse; `ChatTemplate.refuses` says which."""

HAND = (
    *PROBES,
    Row("one user", [USER]),
    Row("many turns", [SYSTEM, *[USER, ANSWER] * 4]),
    Row("system twice", [SYSTEM, USER, SYSTEM, ANSWER]),
    Row("system with modes", [said("system", "Count. /no_think"), USER, said("assistant", "<think>hm</think>\n\n4")]),
    Row("system with an override", [said("system", "/system_override /think Only this. "), USER, ANSWER]),
    Row("empty contents", [said("system", ""), said("user", ""), said("assistant", "")]),
    Row("white space around", [said("system", " \n s \t"), said("user", "\n\n u  "), said("assistant", "\u00a0a\u3000\n")]),
    Row("white space only", [said("user", " \n"), said("assistant", "\t \n")]),
    Row("null content", [USER, said("assistant", None), USER]),
    Row("no content", [USER, {"role": "assistant"}, USER]),
    Row("no role", [{"content": "Who speaks?"}, ANSWER]),
    Row("empty object", [{}]),
    Row("call", [USER, CALLING, RESULT, said("assistant", "12 °C.")], TOOLS),
    Row("call, null content", [SYSTEM, USER, {**CALLING, "content": None}, RESULT, ANSWER], [WEATHER]),
    Row("call, empty content", [USER, {**CALLING, "content": ""}, RESULT], [CLOCK]),
    Row("call with text", [USER, {**CALLING, "content": "Let me see."}, RESULT, ANSWER], [MAIL]),
    Row("call at the end", [USER, CALLING], TOOLS),
    Row("parallel calls, odd results", [USER, PARALLEL, *RESULTS, ANSWER], TOOLS),
    Row("arguments as JSON", [USER, {"role": "assistant", "tool_calls": [call("clock", '{"zone": "UTC"}')]}, RESULT, ANSWER]),
    Row("arguments as JSON, two rounds", [
        USER, {"role": "assistant", "tool_calls": [call("clock", "{}"), call("clock", '{"a":"é"}', "bbbbbbbbb")]},
        said("tool", "1", tool_call_id="abcDEF123"), said("tool", "2", tool_call_id="bbbbbbbbb"),
        {"role": "assistant", "content": None, "tool_calls": [call("clock", "{}", "ccccccccc")]},
        said("tool", "3", tool_call_id="ccccccccc"), ANSWER, USER, ANSWER,
    ], TOOLS),
    Row("arguments are text", [USER, {"role": "assistant", "tool_calls": [call("clock", "now")]}]),
    Row("no arguments", [USER, {"role": "assistant", "tool_calls": [{"function": {"name": "clock"}}]}]),
    Row("call without function", [USER, {"role": "assistant", "tool_calls": [{"name": "clock", "arguments": {}}]}]),
    Row("no calls", [USER, {"role": "assistant", "content": "A.", "tool_calls": []}, USER], []),
    Row("calls are null", [USER, {"role": "assistant", "content": "A.", "tool_calls": None}], [CLOCK]),
    Row("tools without a system prompt", [USER, ANSWER], TOOLS),
    Row("tools not wrapped", [SYSTEM, USER, ANSWER], [WEATHER["function"]]),
    Row("tools, no user", [SYSTEM], TOOLS),
    Row("tools in a message", [said("system", "S", tools=json.dumps([CLOCK])), USER, ANSWER]),
    Row("tools as a list in a message", [said("system", "Süß", tools=TOOLS), USER, ANSWER]),
    Row("documents", [SYSTEM, USER, ANSWER], None, DOCUMENTS),
    Row("documents and tools", [USER, ANSWER], TOOLS, DOCUMENTS),
    Row("no documents", [USER, ANSWER], None, []),
    Row("parts", [said("user", [{"type": "text", "text": " Look: "}, {"type": "image", "image": "a.png"}, {"type": "text", "text": "?"}]), ANSWER]),
    Row("parts everywhere", [said(role, [{"type": "text", "text": f" {role} "}]) for role in ("system", "user", "assistant")]),
    Row("parts of an unknown type", [said("user", [{"type": "sound", "sound": "a.wav"}, "bare text"]), ANSWER]),
    Row("no parts", [said("user", []), ANSWER]),
    Row("reasoning", [USER, said("assistant", "4", reasoning_content="Two and two."), USER, said("assistant", "4", reasoning_content="\nAgain.\n")]),
    Row("reasoning by another name", [USER, said("assistant", "4", thinking="Two and two."), USER, said("assistant", "4", reasoning="Again.")]),
    Row("reasoning under three names", [USER, said("assistant", "4", thinking="T", reasoning="R", reasoning_content="C")]),
    Row("reasoning is null", [USER, said("assistant", "4", reasoning_content=None, thinking="T")]),
    Row("reasoning is empty", [USER, said("assistant", "4", reasoning_content="", reasoning="R")]),
    Row("reasoning inside", [USER, said("assistant", "<think>\nTwo.\n</think>\n\n4"), USER, said("assistant", "<think>No.</think>4</think>5")]),
    Row("reasoning beside calls", [USER, {**CALLING, "reasoning_content": "It asks."}, RESULT, said("assistant", "12", reasoning_content="So.")], TOOLS),
    Row("thinking beside text and call", [USER, {**CALLING, "content": "A", "thinking": "B"}], TOOLS),
    Row("unicode", [said("user", "Zażółć gęślą jaźń, 你好, 👩‍👩‍👧‍👦, e\u0301, \u202eabc\u202c, \ufeff\u200b"), said("assistant", "ﬁ Å ½ \U0001f9ea\u0000\x07\x85")]),
    Row("control characters and line ends", [said("user", "a\r\nb\rc\u2028d\x0b"), said("assistant", "\x1b[1mbold\x7f")]),
    Row("markup", [said("user", "<b>\"1\" & '2'</b> {{ messages }} {% raw %} {# no #}"), said("assistant", "\\n \\u0041 % %s {0}")]),
    Row("markers inside", [said("user", "{% generation %}"), said("assistant", "{% endgeneration %}CONTINUE_FINAL_MESSAGE_TAG ")]),
    Row("very long", [said("user", "Why? " * 1500), said("assistant", "Because of the long and winding road, naïveté.\n" * 150)]),
    Row("names", [said("user", "Hi", name="ann"), said("assistant", "Hi", name="plugin"), said("system", "[]", name="interpreter")]),
    Row("metadata", [said("user", "Hi", metadata="m"), said("assistant", "Hi", metadata="")]),
    Row("developer", [said("developer", "Be brief."), USER, ANSWER]),
    Row("roles in capitals", [said("USER", "Hi"), said("Assistant", "Hi")]),
    Row("role is no text", [said(7, "Hi"), said(None, "Hi"), said(["user"], "Hi")]),
    Row("contents are no texts", [said("user", 7), said("assistant", True), said("user", 1.5e300), said("assistant", {"a": [None]})]),
    Row("numbers", [USER, {"role": "assistant", "tool_calls": [call("clock", {"a": 10**20, "b": 1e-7, "c": -0.0, "d": None, "é": "\u2028</s>"})]}], [CLOCK]),
    Row("same message twice", [USER, ANSWER, USER, ANSWER]),
    Row("messages of 60 turns", [USER, ANSWER] * 30),
)  # fmt: skip

_TEXTS = (
    "", " ", "\n", "Yes.", "no", "What is the capital of Peru?", "  leading", "trailing  \n", "two\n\nparagraphs\n", "tab\there",
    "Der Fluß ist schön.", "Где находится библиотека?", "図書館はどこですか。", "أين المكتبة؟", "도서관이 어디예요?", "🙂🙃 ok 👍🏽", "e\u0301 vs é", "1 234,56 €",
    '{"a": [1, 2.5, null]}', "def f(x):\n    return x ** 2\n", "<think>Let me see.</think>", "<think>\nHm.\n</think>\n\nSo be it.",
    "</think>", "/no_think", "/think please", "<tool_response>1</tool_response>", "don't we'll I'M", "http://example.org/?q=1&r=%20#top",
    "x" * 70, "a b" * 30, "\u00a0\u3000", "ﬁne ½ Å", "it's 3,000,000 m²", "CONTINUE_FINAL_MESSAGE_TAG ",
)  # fmt: skip


def generated_rows(seed: int, count: int, specials: Sequence[str]) -> Iterator[Row]:
    """Yield rows that are the same for the same seed.

    Args:
        seed: of the random numbers.
        count: of rows.
        specials: special tokens that texts hold now and then.
    """
    chance = random.Random(seed)
    for number in range(count):
        yield _row(chance, f"generated {seed}/{number}", specials)


def _row(chance: random.Random, name: str, specials: Sequence[str]) -> Row:
    messages: list[Message] = []
    if chance.random() < 0.4:
        messages.append(said(chance.choices(("system", "developer"), (9, 1))[0], _content(chance, specials)))
    with_calls = chance.random() < 0.3
    for _ in range(chance.choices((1, 2, 3, 6), (5, 4, 2, 1))[0]):
        messages.append(said("user", _content(chance, specials)))
        if with_calls and chance.random() < 0.7:
            messages += _calling(chance, specials)
        if chance.random() < 0.95:
            messages.append(_answer(chance, specials))
    if chance.random() < 0.04:
        messages.insert(
            chance.randrange(len(messages) + 1), said(chance.choice(("user", "tool", "critic", "assistant")), "Hm.")
        )
    tools = chance.sample(TOOLS, chance.randint(0, 3)) if chance.random() < (0.8 if with_calls else 0.08) else None
    documents = chance.sample(DOCUMENTS, chance.randint(0, 2)) if chance.random() < 0.1 else None
    return Row(name, messages, tools, documents)


def _text(chance: random.Random, specials: Sequence[str]) -> str:
    parts = chance.choices(_TEXTS, k=chance.choices((1, 2, 5), (6, 3, 1))[0])
    if specials and chance.random() < 0.06:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(specials))
    return chance.choice(("", " ", "\n")).join(parts)


def _content(chance: random.Random, specials: Sequence[str]) -> Any:
    if chance.random() > 0.05:
        return _text(chance, specials)
    parts = [{"type": "text", "text": _text(chance, specials)} for _ in range(chance.randint(1, 2))]
    return [*parts, {"type": "image", "image": "a.png"}] if chance.random() < 0.3 else parts


def _answer(chance: random.Random, specials: Sequence[str]) -> Message:
    message = said("assistant", _content(chance, specials))
    if chance.random() < 0.15:
        message[chance.choice(("reasoning_content", "thinking", "reasoning"))] = chance.choice(
            (_text(chance, specials), None)
        )
    if chance.random() < 0.03:
        message["name"] = chance.choice(("ann", "plugin"))
    return message


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 2 else 6)
    if kind == 6:
        return [_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    if kind == 7:
        return {
            chance.choice(("a", "é", "a b", "size")): _value(chance, depth + 1) for _ in range(chance.randint(0, 2))
        }
    return (
        None,
        chance.random() < 0.5,
        chance.randint(-(10**12), 10**12),
        round(chance.uniform(-9, 9), 3),
        chance.choice(_TEXTS),
        "Ulm",
    )[kind]


def _calling(chance: random.Random, specials: Sequence[str]) -> list[Message]:
    calls = []
    for _ in range(chance.choices((1, 2, 3), (7, 2, 1))[0]):
        arguments: Any = {
            key: _value(chance) for key in chance.sample(("place", "days", "to", "ü"), chance.randint(0, 3))
        }
        if chance.random() < 0.3:
            arguments = json.dumps(arguments, ensure_ascii=chance.random() < 0.5)
        number = "".join(chance.choices("abcXYZ019", k=9 if chance.random() < 0.9 else 12))
        calls.append(call(chance.choice(("get_weather", "send_mail", "clock")), arguments, number))
    asking: Message = {"role": "assistant", "tool_calls": calls}
    if chance.random() < 0.6:
        asking["content"] = chance.choice((None, "", _text(chance, specials)))
    results = [
        said("tool", chance.choice((_text(chance, specials), "12 °C", _value(chance))), tool_call_id=made["id"])
        for made in calls
    ]
    return [asking, *results]
