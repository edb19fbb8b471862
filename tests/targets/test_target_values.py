"""Values of targets that rows meet or break, from both sides: just inside is accepted, just outside is blocked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from target_rows import (
    BYTES,
    PLAIN,
    Row,
    answer,
    call,
    calling,
    image,
    openai_row,
    own_format,
    png,
    row,
    seen,
    tool,
    usual_transport,
)

import prepdata
from prepdata import formats, targets
from prepdata.api import matrix
from prepdata.targets.model import Accepts, Limits, Target

ROOT = Path(__file__).parents[2]


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


def of_images_per_row(target: Target, most: int) -> Case:
    one = image(target, usual_transport(target))
    return Case("image-limit", [Side([seen(target, *[one] * most)])], [Side([seen(target, *[one] * (most + 1))])])


def of_image_bytes(target: Target, most: int) -> Case:
    inside, outside = (seen(target, image(target, "base64", data=png(n))) for n in (most, most + 1))
    return Case("image-limit", [Side([inside], "bytes; at most")], [Side([outside], "bytes; at most")])


def of_videos_per_row(target: Target, most: int) -> Case:
    one = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}}
    inside, outside = seen(target, *[one] * most), seen(target, *[one] * (most + 1))
    return Case("image-limit", [Side([inside])], [Side([outside], "videos in one row")])


def of_video_bytes(target: Target, most: int) -> Case:
    def film(size: int) -> Row:
        data = base64.b64encode(bytes(size)).decode()
        return seen(target, {"video": {"format": "mp4", "source": {"bytes": data}}})

    return Case("image-limit", [Side([film(most)])], [Side([film(most + 1)], f"a video of {most + 1:,} bytes")])


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


def of_first_role(target: Target, role: str) -> Case:
    assert role == "user"
    opened = row(target, ("assistant", "Hello!"), *PLAIN)
    inside = [Side([row(target, *PLAIN)]), Side([row(target, *PLAIN, system="Be brief.")])]
    return Case("no-user-turn", inside, [Side([opened], "an assistant turn comes first")])


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
    "max_videos_per_row": of_videos_per_row,
    "max_video_bytes": of_video_bytes,
    "max_tools": of_max_tools,
    "roles": of_roles,
    "system": of_system,
    "several_systems": of_several_systems,
    "repeated_roles": of_repeated_roles,
    "first_role": of_first_role,
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
    fixed: dict[str, Any] = {"tokens": False, "jobs": 1, "cache": False, "meters": [], "max_line_bytes": 1 << 28}
    report = prepdata.validate(path, select=[rule], targets=[target.name], **fixed)
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


ELSEWHERE = {
    "min_rows", "recommended_rows", "max_rows", "min_file_bytes", "max_file_bytes", "max_rows_with_images",
    "bom", "max_row_tokens", "default_row_tokens", "row_keys", "message_keys", "unknown_keys",
}  # fmt: skip
"""Tested by `test_target_counts` or on their own, used by a meter, or named by no target yet."""


def test_every_value_is_used_and_tested_from_both_sides() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("rules", "meters")
        for path in (ROOT / "prepdata" / folder).rglob("*.py")
    )
    for field in (*Limits.__struct_fields__, *Accepts.__struct_fields__):
        assert f"limits.{field}" in source or f"accepts.{field}" in source, f"{field}: no rule speaks of it"
        assert field in VALUES or field in ELSEWHERE, f"{field}: rows on both sides are missing"
