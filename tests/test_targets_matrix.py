"""Every value of every target that a rule uses, from both sides: just inside is accepted, just outside is blocked."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import prepdata
from prepdata import formats, targets
from prepdata.api import matrix
from prepdata.engine import ChunkResult
from prepdata.reduce import FileRun, findings
from prepdata.rules.base import Context
from prepdata.rules.loader import find
from prepdata.targets.model import Accepts, Limits, Target

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]


class Side(NamedTuple):
    """Rows on one side of a value. `word` stands in the message of the finding that is meant; "" for any."""

    rows: list[Row]
    word: str = ""
    bom: bool = False


class Case(NamedTuple):
    """One value of one target: its rule, and rows on both sides."""

    rule: str
    inside: list[Side]
    outside: list[Side]


# --- rows in the format of a target ----------------------------------------------------------------------------------


def own_format(target: Target) -> str:
    found: str = target.accepts.formats.value[0] if target.accepts.formats else "openai"
    return {"bedrock": "bedrock", "gemini": "gemini"}.get(found, "openai")


def row(target: Target, *turns: tuple[str, Any], system: str | None = None, **more: Any) -> Row:
    """A row in the target's format; a content that is no text is a list of parts in that format."""
    kind = own_format(target)
    if kind == "openai":
        messages = [{"role": "system", "content": system}] if system else []
        return {"messages": [*messages, *({"role": r, "content": c} for r, c in turns)], **more}
    if kind == "bedrock":
        listed = [{"role": r, "content": [{"text": c}] if isinstance(c, str) else c} for r, c in turns]
        head: Row = {"schemaVersion": "bedrock-conversation-2024"}
        return {**head, **({"system": [{"text": system}]} if system else {}), "messages": listed, **more}
    words = {"assistant": "model"}
    parts = [{"role": words.get(r, r), "parts": [{"text": c}] if isinstance(c, str) else c} for r, c in turns]
    head = {"systemInstruction": {"role": "system", "parts": [{"text": system}]}} if system else {}
    return {**head, "contents": parts, **more}


PLAIN = (("user", "What is the capital of Peru?"), ("assistant", "Lima."))


def openai_row(*turns: Row, **more: Any) -> Row:
    return {"messages": list(turns), **more}


def call(arguments: Any = "{}", name: str = "f", **more: Any) -> Row:
    return {"id": "a1B2c3D4e", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def tool(name: str = "f") -> Row:
    empty = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": empty}}


def calling(*calls: Row, tools: Any = None) -> Row:
    results = [{"role": "tool", "tool_call_id": c["id"], "content": "1"} for c in calls]
    last = {"role": "assistant", "content": "Done."}
    turns = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": None, "tool_calls": list(calls)}]
    return openai_row(*turns, *results, last, tools=tools if tools is not None else [tool()])


def answer(**more: Any) -> Row:
    return openai_row({"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes.", **more})


# --- images ----------------------------------------------------------------------------------------------------------


def png(size: int = 100, width: int = 64, height: int = 64) -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)
    return head + b"\0" * (size - len(head))


BYTES = {
    "png": png(),
    "jpeg": b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x40\x00\x40\x03" + b"\0" * 90,
    "gif": b"GIF89a\x40\x00\x40\x00" + b"\0" * 90,
    "webp": b"RIFF\x5a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\0\0\0\0\x3f\0\0\x3f\0\0" + b"\0" * 60,
    "bmp": b"BM" + b"\0" * 98,
}
ADDRESS = {"url": "https://example.org/a", "s3": "s3://bucket/a", "gcs": "gs://bucket/a", "path": "images/a"}


def image(target: Target, transport: str, kind: str = "png", data: bytes | None = None) -> Row:
    """An image part in the target's format, carried in some way."""
    encoded = base64.b64encode(data if data is not None else BYTES[kind]).decode()
    form = own_format(target)
    place = f"{ADDRESS[transport]}.{kind}" if transport in ADDRESS else f"data:image/{kind};base64,{encoded}"
    if form == "bedrock":
        source = {"bytes": encoded} if transport == "base64" else {"s3Location": {"uri": place}}
        return {"image": {"format": kind, "source": source}}
    if form == "gemini":
        if transport == "base64":
            return {"inlineData": {"mimeType": f"image/{kind}", "data": encoded}}
        return {"fileData": {"mimeType": f"image/{kind}", "fileUri": place}}
    return {"type": "image_url", "image_url": {"url": place}}


def usual_transport(target: Target) -> str:
    """A way to carry an image that the target takes."""
    if target.accepts.image_transport:
        return str(target.accepts.image_transport.value[0])
    return {"bedrock": "s3", "gemini": "gcs"}.get(own_format(target), "url")


def seen(target: Target, *images: Row, role: str = "user") -> Row:
    """A row with images in a turn of some role."""
    words = {"openai": {"type": "text", "text": "See."}}.get(own_format(target), {"text": "See."})
    if role == "user":
        return row(target, ("user", [words, *images]), ("assistant", "A cat."))
    return row(target, ("user", "Draw a cat."), (role, [words, *images]), ("assistant", "There."))


# --- values that count rows or bytes: no such files are written ------------------------------------------------------


def counted(target: Target, rule: str, *, rows: int = 100, size: int = 10_000) -> list[prepdata.Finding]:
    """Findings of a rule on a file of so many rows and bytes."""
    result = ChunkResult(rows, rows, b"", b"", [], {f"rule:{rule}": None})
    made = find(rule)(context=Context(targets=(target,)))
    return findings([FileRun("a.jsonl", 0, size, True, [result], [])], [made])


COUNTS: list[tuple[str, str, str, int]] = [
    ("min_rows", "too-few-examples", "rows", -1),
    ("max_rows", "target-limit", "rows", 1),
    ("max_file_bytes", "target-limit", "size", 1),
    ("min_file_bytes", "target-limit", "size", -1),
]


def count_params() -> Iterator[Any]:
    for name in targets.names():
        for field, rule, what, step in COUNTS:
            value = getattr(targets.load(name).limits, field)
            if value and value.value + step:  # a file without rows is FMT021's
                yield pytest.param(name, field, rule, what, step, id=f"{name}:{field}")


@pytest.mark.parametrize(("name", "field", "rule", "what", "step"), list(count_params()))
def test_counts_from_both_sides(name: str, field: str, rule: str, what: str, step: int) -> None:
    target = targets.load(name)
    value = getattr(target.limits, field).value
    (inside,) = matrix(counted(target, rule, **{what: value}), [target])
    assert (inside.rows, inside.files, inside.by_rule) == (0, 0, {})
    (outside,) = matrix(counted(target, rule, **{what: value + step}), [target])
    assert (outside.target, outside.rows, outside.files, outside.by_rule) == (name, 0, 1, {rule: 1})
    (other,) = matrix(counted(target, rule, **{what: value + step}), [targets.load("trl")])
    assert other.files == 0, "what one target refuses does not block another"


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
@pytest.mark.parametrize("name", ["together", "mistral"])
def test_a_file_without_rows_is_blocked_once(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    report = prepdata.validate(tmp_path / "a.jsonl", targets=[name], tokens=False)
    assert report.targets[0].by_rule.keys() == {"unreadable-file"} | (
        {"target-limit"} if text and name == "mistral" else set()
    )
    assert report.targets[0].files == 1
    assert report.exit_code == 1


# --- values that rows meet or break ----------------------------------------------------------------------------------


def of_images_per_row(target: Target, most: int) -> Case:
    one = image(target, usual_transport(target))
    return Case("image-limit", [Side([seen(target, *[one] * most)])], [Side([seen(target, *[one] * (most + 1))])])


def of_image_bytes(target: Target, most: int) -> Case:
    inside, outside = (seen(target, image(target, "base64", data=png(n))) for n in (most, most + 1))
    return Case("image-limit", [Side([inside], "bytes; at most")], [Side([outside], "bytes; at most")])


def of_image_side(target: Target, least: int) -> Case:
    def side(width: int, height: int) -> Side:
        return Side([seen(target, image(target, "base64", data=png(100, width, height)))], "pixels")

    return Case("image-limit", [side(least, least), side(least, 900)], [side(least - 1, 900), side(900, least - 1)])


def of_image_types(target: Target, types: list[str]) -> Case:
    way = "base64" if own_format(target) == "openai" else usual_transport(target)
    sides = {kind: Side([seen(target, image(target, way, kind))], "of type") for kind in BYTES}
    wrong = [side for kind, side in sides.items() if kind not in types]
    assert wrong
    return Case("image-limit", [sides[kind] for kind in types], wrong)


def of_image_transport(target: Target, ways: list[str]) -> Case:
    known = {"openai": ("url", "base64", "path"), "bedrock": ("base64", "s3"), "gemini": ("base64", "gcs")}
    sides = {way: Side([seen(target, image(target, way))], "carried as") for way in known[own_format(target)]}
    return Case("image-limit", [sides[way] for way in ways], [side for way, side in sides.items() if way not in ways])


def of_image_roles(target: Target, roles: list[str]) -> Case:
    one = image(target, usual_transport(target))
    sides = {role: Side([seen(target, one, role=role)]) for role in ("user", "assistant", "tool")}
    if own_format(target) == "bedrock":
        del sides["tool"]
    wrong = [side for role, side in sides.items() if role not in roles]
    return Case("image-in-wrong-role", [sides[role] for role in roles], wrong)


def of_max_tools(target: Target, most: int) -> Case:
    def side(count: int) -> Side:
        return Side([calling(call(), tools=[tool("f"), *(tool(f"f{i}") for i in range(1, count))])])

    return Case("invalid-tool-list", [side(most)], [side(most + 1)])


def of_roles(target: Target, roles: list[str]) -> Case:
    words = {
        "openai": ("system", "developer", "user", "assistant", "tool", "function"),
        "bedrock": ("user", "assistant"),
        "gemini": ("user", "model"),
    }[own_format(target)]
    sides = {word: Side([row(target, PLAIN[0], (word, "Words."), PLAIN[1])]) for word in words}
    sides["narrator"] = Side([row(target, PLAIN[0], ("narrator", "Words."), PLAIN[1])])
    inside = [side for word, side in sides.items() if word in roles]
    return Case("unknown-role", inside, [side for word, side in sides.items() if word not in roles])


def of_system(target: Target, place: str) -> Case:
    as_key = {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}]}
    turns = [{"role": r, "content": c} for r, c in PLAIN]
    first = openai_row({"role": "system", "content": "Be brief."}, *turns)
    key = {**as_key, "messages": [{"role": r, "content": [{"text": c}]} for r, c in PLAIN]}
    own = Side([row(target, *PLAIN, system="Be brief.")])
    without = Side([row(target, *PLAIN)])
    if own_format(target) == "gemini":
        return Case("system-unsupported", [own, without], [Side([row(target, ("system", "Be brief."), *PLAIN)])])
    return Case("system-unsupported", [own, without], [Side([first if place == "key" else key])])


def of_several_systems(target: Target, allowed: bool) -> Case:
    system = ("system", "Be brief.")
    two, late = row(target, system, system, *PLAIN), row(target, PLAIN[0], system, PLAIN[1])
    wrong = [Side([two]), Side([late])]
    right = [Side([row(target, system, *PLAIN)])]
    return Case("misplaced-system", right + (wrong if allowed else []), [] if allowed else wrong)


def of_repeated_roles(target: Target, allowed: bool) -> Case:
    twice = [Side([row(target, PLAIN[0], *PLAIN)]), Side([row(target, *PLAIN, PLAIN[1])])]
    right = [Side([row(target, *PLAIN)]), Side([row(target, *PLAIN, *PLAIN)])]
    return Case("repeated-role", right + (twice if allowed else []), [] if allowed else twice)


def of_last_role(target: Target, role: str) -> Case:
    answered, open_row = Side([row(target, *PLAIN)]), Side([row(target, *PLAIN, ("user", "And of Chile?"))])
    right, wrong = (answered, open_row) if role == "assistant" else (open_row, answered)
    return Case("last-turn-not-assistant", [right], [wrong])


def of_optional_keys(target: Target, keys: list[str]) -> Case:
    inside, outside = [Side([row(target, *PLAIN)] * 3)], []
    for key in keys:
        there = row(target, *PLAIN, **{key: [{"text": "Be brief."}] if key == "system" else {"tools": []}})
        inside.append(Side([there] * 3))
        outside += [Side([there, there, row(target, *PLAIN)]), Side([row(target, *PLAIN)] * 5 + [there])]
    return Case("optional-field-drift", inside, outside)


def of_weights(target: Target, kind: str) -> Case:
    binary = [Side([answer(weight=1)]), Side([answer(weight=0)])]
    odd = [Side([answer(weight=0.5)]), Side([answer(weight=2)])]
    wrong = [Side([answer(weight=w)]) for w in ("1", -1)]
    plain = Side([answer()])
    return {
        "zero-or-one": Case("invalid-weight", [plain, *binary], [*odd, *wrong]),
        "number": Case("invalid-weight", [plain, *binary, *odd], wrong),
        "ignored": Case("invalid-weight", [plain, *binary], []),  # only a warning: the turn is trained on
        "refused": Case("invalid-weight", [plain], [*binary, *odd, *wrong]),
    }[kind]


def of_tools(target: Target, taken: bool) -> Case:
    with_tools, without = Side([calling(call())]), Side([answer()])
    return Case("invalid-tool-list", [without, with_tools] if taken else [without], [] if taken else [with_tools])


def of_tools_as(target: Target, kind: str) -> Case:
    listed, text = Side([calling(call())]), Side([calling(call(), tools=json.dumps([tool()]))])
    sides = {"list": ([listed], [text]), "string": ([text], [listed]), "either": ([listed, text], [])}
    return Case("invalid-tool-list", *sides[kind])


def of_arguments_as(target: Target, kind: str) -> Case:
    text, inside = Side([calling(call('{"a": 1}'))]), Side([calling(call({"a": 1}))])
    sides = {"string": ([text], [inside]), "object": ([inside], [text]), "either": ([text, inside], [])}
    return Case("arguments-kind", *sides[kind])


def of_call_id(target: Target, pattern: str) -> Case:
    assert pattern == "^[a-zA-Z0-9]{9}$", "another pattern: write other ids"
    good, bad = ("a1B2c3D4e", "000000000"), ("a1B2c3D4", "a1B2c3D4e5", "a1B2c3D4-", "call_abcd1234", "", "a1B2c3D4e\n")
    sides = [[Side([calling(call(id=word))]) for word in words] for words in (good, bad)]
    return Case("call-id-format", *sides)


def of_function_name(target: Target, pattern: str) -> Case:
    assert pattern == "^[a-zA-Z0-9_-]{1,64}$", "another pattern: write other names"
    good, bad = ("f", "get_weather-2", "x" * 64), ("x" * 65, "get weather", "get.weather", "größe", "f\n")
    sides = [[Side([calling(call(name=word), tools=[tool(word)])]) for word in words] for words in (good, bad)]
    return Case("invalid-tool-schema", *sides)


def of_parallel(target: Target, allowed: bool) -> Case:
    one, two = Side([calling(call())]), Side([calling(call(), call(id="b1B2c3D4e"))])
    return Case("parallel-calls", [one, two] if allowed else [one], [] if allowed else [two])


def of_unanswered(target: Target, allowed: bool) -> Case:
    ends = openai_row({"role": "user", "content": "Go"}, {"role": "assistant", "tool_calls": [call()]}, tools=[tool()])
    return Case("unanswered-call", [Side([ends])] if allowed else [], [] if allowed else [Side([ends])])


FORMATS: dict[str, Row] = {
    "openai": answer(),
    "openai-dpo": {
        "input": {"messages": [{"role": "user", "content": "Hi?"}]},
        "preferred_output": [{"role": "assistant", "content": "Yes."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    },
    "llamafactory-v1": openai_row({"role": "user", "content": [{"type": "text", "value": "Hi?"}]}),
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi?"}]}]},
    "bedrock": {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": []}]},
    "sharegpt": {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yes."}]},
    "alpaca": {"instruction": "Hi?", "input": "", "output": "Yes."},
    "trl-kto": {"prompt": "Hi?", "completion": "Yes.", "label": True},
    "trl-preference": {"prompt": "Hi?", "chosen": "Yes.", "rejected": "No."},
    "trl-prompt-completion": {"prompt": [{"role": "user", "content": "Hi?"}], "completion": []},
    "prompt-completion": {"prompt": "Hi?", "completion": "Yes."},
    "text": {"text": "A text."},
}


def of_formats(target: Target, taken: list[str]) -> Case:
    assert FORMATS.keys() == set(formats.names())
    inside = [Side([FORMATS[name]] * 3, f"format {name};") for name in taken]
    outside = [Side([FORMATS[name]] * 3, f"all 3 rows are in the format {name};") for name in FORMATS.keys() - {*taken}]
    return Case("format-not-accepted", inside, outside)


def of_reserved_words(target: Target, words: list[str]) -> Case:
    said = target.accepts.reserved_words
    folded = said is not None and "any case" in said.note
    texts = [f"A log.{word} and so on" for word in words]
    cased = [text.swapcase() for text in texts]
    free = [f"A log.{word[:-1]} and so on" for word in words] + ([] if folded else cased)
    bad = texts + (cased if folded else [])

    def side(text: str) -> list[Side]:
        asked, answered = (("user", text), PLAIN[1]), (PLAIN[0], ("assistant", text))
        return [Side([row(target, *asked)]), Side([row(target, *answered)]), Side([row(target, *PLAIN, system=text)])]

    inside, outside = [s for text in free for s in side(text)], [s for text in bad for s in side(text)]
    return Case("reserved-word", inside, outside)


VALUES: dict[str, Callable[[Target, Any], Case]] = {
    "max_images_per_row": of_images_per_row,
    "max_image_bytes": of_image_bytes,
    "min_image_side": of_image_side,
    "max_tools": of_max_tools,
    "roles": of_roles,
    "system": of_system,
    "several_systems": of_several_systems,
    "repeated_roles": of_repeated_roles,
    "last_role": of_last_role,
    "optional_keys_all_or_none": of_optional_keys,
    "weights": of_weights,
    "tools": of_tools,
    "tools_as": of_tools_as,
    "arguments_as": of_arguments_as,
    "call_id_pattern": of_call_id,
    "function_name_pattern": of_function_name,
    "parallel_calls": of_parallel,
    "unanswered_calls": of_unanswered,
    "image_roles": of_image_roles,
    "image_types": of_image_types,
    "image_transport": of_image_transport,
    "formats": of_formats,
    "reserved_words": of_reserved_words,
}


def section(target: Target, field: str) -> Any:
    return getattr(target.limits if field in Limits.__struct_fields__ else target.accepts, field)


def value_params() -> Iterator[Any]:
    for name in targets.names():
        for field in VALUES:
            if section(targets.load(name), field):
                yield pytest.param(name, field, id=f"{name}:{field}")


def blocked(target: Target, rule: str, side: Side, path: Path) -> bool:
    """True if the target matrix says that something of this side is blocked by the rule."""
    path.write_text("".join(json.dumps(r) + "\n" for r in side.rows), encoding="utf-8")
    report = prepdata.validate(path, select=[rule], targets=[target.name], tokens=False, jobs=1, cache=False, meters=[])
    assert report.not_run == () and not [f for f in report if f.name == "rule-crash"]
    meant = [f for f in report.findings if side.word in f.message]
    (line,) = matrix(meant, [target])
    if not side.word:
        assert line == report.targets[0]
    assert all(f.targets in ((), (target.name,)) for f in meant)
    assert line.by_rule.keys() <= {rule}
    return bool(line.rows or line.files)


@pytest.mark.parametrize(("name", "field"), list(value_params()))
def test_values_from_both_sides(name: str, field: str, tmp_path: Path) -> None:
    target = targets.load(name)
    case = VALUES[field](target, section(target, field).value)
    assert case.inside or case.outside
    for side in case.inside:
        assert not blocked(target, case.rule, side, tmp_path / "in.jsonl"), json.dumps(side.rows)[:300]
    for side in case.outside:
        assert blocked(target, case.rule, side, tmp_path / "out.jsonl"), json.dumps(side.rows)[:300]


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", targets.names())
def test_a_byte_order_mark_and_its_absence(name: str, tmp_path: Path) -> None:
    said = targets.load(name).accepts.bom
    wanted = said.value if said else None
    for mark in (True, False):
        path = tmp_path / f"{mark}.jsonl"
        path.write_bytes(b"\xef\xbb\xbf" * mark + json.dumps(answer()).encode() + b"\n")
        found = list(prepdata.validate(path, select=["FMT003"], targets=[name], tokens=False))
        silent = {"required": mark, "refused": not mark, "accepted": True}.get(wanted or "", not mark)
        assert (found == []) == silent
        if wanted == "required" and not mark:
            assert found[0].targets == (name,)


@pytest.mark.parametrize("name", targets.names())
def test_a_plain_row_in_its_own_format_blocks_nothing(name: str, tmp_path: Path) -> None:
    target = targets.load(name)
    path = tmp_path / "a.jsonl"
    rows = [
        row(target, ("user", f"What is {i} plus {i + 1}?"), ("assistant", f"It is {2 * i + 1}.")) for i in range(40)
    ]
    mark = b"\xef\xbb\xbf" if target.accepts.bom and target.accepts.bom.value == "required" else b""
    path.write_bytes(mark + "".join(json.dumps(r) + "\n" for r in rows).encode())
    report = prepdata.validate(path, targets=[name], tokens=False)
    assert [(f.name, f.message) for f in report if f.severity == "error"] == []
    assert (report.targets[0].rows, report.targets[0].files) == (0, 0)


def test_targets_are_judged_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [calling(call(id="call_1")), answer(weight=0.5), answer()]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    wanted = ["openai", "mistral", "unsloth", "trl"]
    report = prepdata.validate(path, targets=wanted, select=["ROLE", "TOOL"], tokens=False)
    assert {t.target: (t.rows, t.files) for t in report.targets} == {
        "openai": (1, 0), "mistral": (2, 0), "unsloth": (2, 0), "trl": (0, 0),
    }  # fmt: skip
    assert [t.target for t in report.targets] == wanted


UNUSED = {
    "recommended_rows", "max_rows_in_all", "max_validation_rows", "max_rows_with_images", "max_videos_per_row",
    "max_video_bytes", "first_role",
}  # fmt: skip
"""Values that no rule uses yet. Take one out when a rule speaks of it, and add its rows above."""
ELSEWHERE = {"bom", "max_row_tokens", "default_row_tokens", "row_keys", "message_keys", "unknown_keys"}
"""Tested on their own, used by a meter, or named by no target yet."""


def test_every_value_is_tested_from_both_sides_or_known_to_be_unused() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("rules", "meters")
        for path in (ROOT / "prepdata" / folder).rglob("*.py")
    )
    tested = {*VALUES, *(field for field, *_ in COUNTS), *ELSEWHERE}
    for field in (*Limits.__struct_fields__, *Accepts.__struct_fields__):
        used = f"limits.{field}" in source or f"accepts.{field}" in source
        assert used == (field not in UNUSED), f"{field}: UNUSED is out of date"
        assert (field in tested) == used, f"{field}: rows on both sides are missing"


def test_the_command_line_says_what_a_target_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(calling(call(id="call_1"))) + "\n")
    command = [sys.executable, "-m", "prepdata", "validate", str(path), "--target", "mistral", "--select", "TOOL009"]
    run = subprocess.run([*command, "--isolated"], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert "call-id-format" in run.stdout and "mistral" in run.stdout
