"""Content blocks of Bedrock and Gemini rows: how each is seen, and what media become when they are written."""

from __future__ import annotations

from typing import Any

import pytest

from prepdata import formats
from prepdata.convert import Converted, convert
from prepdata.record import Message

ANSWER = {"role": "assistant", "content": "a"}


def bedrock(*blocks: Any, role: str = "user") -> Message:
    row = {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": role, "content": list(blocks)}]}
    return formats.get("bedrock").view(row).messages[0]


def gemini(*parts: Any, role: str = "user") -> Message:
    return formats.get("gemini").view({"contents": [{"role": role, "parts": list(parts)}]}).messages[0]


def told(message: Message, at: str) -> list[tuple[str, str, str]]:
    assert all(part.path.startswith(at) for part in message.parts)
    return [(part.kind, part.text, part.field.removeprefix(at)) for part in message.parts]


@pytest.mark.parametrize(
    ("block", "kind", "text", "field"),
    [
        ("bare", "other", "bare", ""),
        (None, "other", "", ""),
        ({}, "other", "", ""),
        ({"text": 7}, "other", "", ""),
        ({"text": None, "image": {}}, "image", "", ""),
        ({"type": "thinking", "thinking": "hm"}, "reasoning", "hm", "/thinking"),
        ({"type": "thinking", "thinking": 7}, "reasoning", "", ""),
        ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, "reasoning", "hm", "/reasoningContent/reasoningText/text"),
        ({"reasoningContent": {"redactedContent": "x"}}, "reasoning", "", ""),
        ({"document": {"name": "a"}}, "file", "", ""),
        ({"type": "odd", "text": "t"}, "text", "t", "/text"),
        ({"type": 7, "text": "t"}, "text", "t", "/text"),
        ({"toolResult": {"content": [{"text": "18 C"}]}}, "tool_result", "18 C", "/toolResult/content/0/text"),
        ({"toolResult": {"content": "18 C"}}, "tool_result", "18 C", "/toolResult/content"),
        ({"toolResult": {"content": [{"text": "a"}, {"text": "b"}]}}, "tool_result", "a\nb", ""),
        ({"toolResult": {"content": [{"json": {"c": 18}}]}}, "tool_result", '{"c":18}', ""),
        ({"toolResult": {"content": [{"json": None}]}}, "tool_result", "null", ""),
        ({"toolResult": {"content": [{"json": {"c": 1}}, {"text": "b"}]}}, "tool_result", '{"c":1}\nb', ""),
        ({"toolResult": {"content": [{"image": {}}]}}, "tool_result", "", ""),
        ({"toolResult": {"content": []}}, "tool_result", "", ""),
        ({"toolResult": {"content": None}}, "tool_result", "", ""),
        ({"toolResult": {"content": ["a"]}}, "tool_result", "", ""),
        ({"toolResult": "odd"}, "tool_result", "", ""),
        ({"type": "tool_result", "content": "18 C"}, "tool_result", "18 C", "/content"),
        ({"type": "tool_result", "content": [{"type": "text", "text": "18 C"}]}, "tool_result", "18 C", "/content/0/text"),
    ],
)  # fmt: skip
def test_bedrock_blocks(block: Any, kind: str, text: str, field: str) -> None:
    message = bedrock({"text": "first"}, block)
    assert told(message, "/messages/0/content")[1] == (kind, text, f"/1{field}")
    assert message.parts[1].raw == block and message.role == "user"


@pytest.mark.parametrize(
    ("block", "call"),
    [
        ({"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}}, ("f", {"a": 1}, "c1", "/toolUse/input")),
        ({"toolUse": "odd"}, (None, None, None, "/toolUse/input")),
        ({"type": "tool_use", "id": "c1", "name": "f", "input": {}}, ("f", {}, "c1", "/input")),
    ],
)
def test_bedrock_calls(block: Any, call: tuple[Any, ...]) -> None:
    (found,) = bedrock({"text": "first"}, block, role="assistant").calls
    at = "/messages/0/content/1"
    assert (found.name, found.arguments, found.id, found.arguments_path.removeprefix(at)) == call and found.path == at


@pytest.mark.parametrize(
    ("blocks", "role", "call_id"),
    [
        ([{"toolResult": {"toolUseId": "c1", "content": []}}], "tool", "c1"),
        ([{"type": "tool_result", "tool_use_id": "c2", "content": ""}], "tool", "c2"),
        ([{"toolResult": {"toolUseId": "c1"}}, {"toolResult": {"toolUseId": "c2"}}], "tool", "c1"),
        ([{"toolResult": {"toolUseId": "c1"}}, {"text": "and?"}], "user", "c1"),
        ([{"text": "a"}, {"text": "b"}], "user", None),
    ],
)
def test_a_bedrock_turn_of_results_only_is_a_tool_turn(blocks: list[Any], role: str, call_id: str | None) -> None:
    message = bedrock(*blocks)
    assert (message.role, message.call_id) == (role, call_id)


@pytest.mark.parametrize(
    ("part", "kind", "text", "field"),
    [
        ("bare", "other", "bare", ""),
        (7, "other", "", ""),
        ({}, "other", "", ""),
        ({"text": "t", "thought": True}, "reasoning", "t", "/text"),
        ({"text": "t", "thought": "yes"}, "text", "t", "/text"),
        ({"functionCall": {"name": "f"}}, "tool_call", "", ""),
        ({"functionResponse": {"name": "f", "response": "18 C"}}, "tool_result", "18 C", "/functionResponse/response"),
        ({"function_response": {"response": "18 C"}}, "tool_result", "18 C", "/function_response/response"),
        ({"functionResponse": {"response": {"c": 18}}}, "tool_result", '{"c":18}', ""),
        ({"functionResponse": {"response": None}}, "tool_result", "", ""),
        ({"functionResponse": "odd"}, "tool_result", "", ""),
        ({"inlineData": {"mimeType": "audio/wav"}}, "audio", "", ""),
        ({"inline_data": {"mime_type": "video/mp4"}}, "video", "", ""),
        ({"fileData": {"mimeType": "application/pdf"}}, "file", "", ""),
        ({"file_data": {}}, "image", "", ""),
        ({"inlineData": "odd"}, "image", "", ""),
    ],
)  # fmt: skip
def test_gemini_parts(part: Any, kind: str, text: str, field: str) -> None:
    message = gemini({"text": "first"}, part)
    assert told(message, "/contents/0/parts")[1] == (kind, text, f"/1{field}")


@pytest.mark.parametrize(
    ("listed", "kind", "text", "field"),
    [
        ({"text": "t"}, "text", "t", "/parts/text"),
        ([{"text": "t"}], "text", "t", "/parts/0/text"),
        ([{"text": " "}], "blank", " ", "/parts/0/text"),
        ([], "parts", "", "/parts"),
        (None, "null", "", "/parts"),
        ("t", "text", "t", "/parts"),
    ],
)
def test_gemini_turns(listed: Any, kind: str, text: str, field: str) -> None:
    message = formats.get("gemini").view({"contents": [{"role": "model", "parts": listed}]}).messages[0]
    assert (message.kind, message.text, message.field) == (kind, text, "/contents/0" + field)
    assert (message.role, message.raw_role) == ("assistant", "model")


def with_media(kind: str, url: str) -> Converted:
    content = [{"type": "text", "text": "q"}, {"type": f"{kind}_url", f"{kind}_url": {"url": url}}]
    row = {"messages": [{"role": "user", "content": content}, ANSWER]}
    (made,) = convert([row], formats.get("bedrock"))
    return made


@pytest.mark.parametrize(
    ("kind", "url", "shape"),
    [
        ("image", "s3://bucket/a.jpg", "jpeg"),
        ("image", "s3://bucket/a.JPEG", "jpeg"),
        ("image", "s3://my.bucket/b.c/a.webp", "webp"),
        ("image", "data:image/jpg;base64,AAAA", "jpeg"),
        ("image", "data:image/gif;base64,AAAA", "gif"),
        ("video", "s3://bucket/a.mov", "mov"),
        ("video", "s3://bucket/a.3gp", "three_gp"),
    ],
)
def test_media_are_written_with_their_format(kind: str, url: str, shape: str) -> None:
    made = with_media(kind, url)
    assert made.losses == () and made.row is not None
    source = {"s3Location": {"uri": url}} if url.startswith("s3:") else {"bytes": "AAAA"}
    assert made.row["messages"][0]["content"][1] == {kind: {"format": shape, "source": source}}


@pytest.mark.parametrize(
    ("kind", "url", "reason"),
    [
        ("image", "s3://bucket/a", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "s3://my.bucket/a", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "s3://bucket/a.png?versionId=1", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "s3://bucket/a.mp4", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "data:image/svg+xml;base64,AAAA", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "data:;base64,AAAA", "the image does not say that it is one of gif, jpeg, png, webp"),
        ("image", "https://example.org/a.png", "only images in the row or under s3:// can be written here"),
        ("video", "s3://bucket/a.avi",
         "the video does not say that it is one of flv, mkv, mov, mp4, mpeg, mpg, three_gp, webm, wmv"),
        ("audio", "data:audio/wav;base64,AAAA", "a part of kind audio cannot be written here"),
    ],
)  # fmt: skip
def test_media_of_no_known_format_are_not_written(kind: str, url: str, reason: str) -> None:
    made = with_media(kind, url)
    assert made.row is None
    assert [(loss.path, loss.reason) for loss in made.losses] == [("/messages/0/content/1", reason)]
