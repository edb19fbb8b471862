"""The explaining parser: reasons, columns, paths, and no exception whatever comes."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prepdata.explain import MAX_DEPTH, MAX_FACTS, MISSING, explain
from prepdata.text.decode import guess, wide_encoding

REASONS = [
    ("{'a': 1}", 2, "single quotes"),
    ("[{'a': 1}]", 3, "single quotes"),
    ("{\"a\": 'b'}", 7, "single quotes"),
    ('{"a": 1,}', 9, "comma before the closing '}'"),
    ('{"a": [1, 2, ]}', 14, "comma before the closing ']'"),
    ('{"a": 1} {"b": 2}', 10, "two values on one line"),
    ('{"a": 1}, ', 9, "after the object"),
    ('{"a": 1};', 9, "after the object"),
    ('{"a": 1}, {"b": 2}', 9, "more text after a comma"),
    ('{"a": 1}}', 9, "one closing '}' too many"),
    ('{"a": 1}]', 9, "one closing ']' too many"),
    ('{"a": 1} # x', 10, "comment"),
    ('{"a": /* x */ 1}', 7, "comment"),
    ('{"a": 1} x', 10, "text after the end"),
    ('{"a": "b', 7, "without its closing quote"),
    ('{"a"', 5, "cut off"),
    ('{"a": ', 6, "cut off"),
    ('{"a": [', 8, "cut off"),
    ('{"a": 1', 8, "cut off"),
    ('{"a": True}', 7, "write true"),
    ('{"a": None}', 7, "write null"),
    ('{"a": undefined}', 7, "write null"),
    ('{"a": nan}', 7, "write null"),
    ('{"a": yes}', 7, "text without quotes (yes)"),
    ("{a: 1}", 2, "key without quotes (a)"),
    ("{“a”: 1}", 2, "typographic"),
    ('{"a": «b»}', 7, "typographic"),
    ('{"a": 01}', 8, "begins with 0"),
    ('{"a": .5}', 7, "must begin with a digit"),
    ('{"a": +5}', 7, "must begin with a digit"),
    ('{"a": -inf}', 7, "infinity"),
    ('{"a": ,}', 7, "value is missing"),
    ('{"a": }', 7, "value is missing"),
    ('{"a" 1}', 6, "':' is missing"),
    ('{"a"}', 5, "key without a value"),
    ('{"a" = 1}', 6, "'=' where ':' was meant"),
    ('{"a": 1 "b": 2}', 9, "comma is missing"),
    ('{"a": "x" "b": 2}', 11, "comma is missing"),
    ('{"a": "say "hi" now"}', 13, "double quote inside a text"),
    ('{"a": [1, 2}', 12, "'[' is closed by '}'"),
    ('{"a": {"b": 1]', 14, "'{' is closed by ']'"),
    ('["a": 1]', 5, "key inside a list"),
    ('{"a": "C:\\d"}', 10, "no JSON escape"),
    ('{"a": "\\u12"}', 9, "four hexadecimal"),
    ('{"a": "x\ty"}', 9, "bare tab"),
    ('{"a": "x\x01y"}', 9, "U+0001"),
    ('{"a": "x\0y"}', 9, "NUL byte"),
    ("\0\0\0", 1, "damaged"),
    ('{"a": 1}\0', 9, "damaged"),
    ("data: {}", 1, "event stream"),
    ("<p>", 1, "HTML"),
    ("```json", 1, "code fence"),
    ("}", 1, "spread over several lines"),
    ("- a", 1, "plain text or YAML"),
    ("key: value", 1, "plain text or YAML"),
    ("hello", 1, "a row is one object"),
    ("", 1, ""),
    ('{\u00a0"a": 1}', 2, "invisible"),
    ('  {"a": 1,}', 11, "comma before"),
]


@pytest.mark.parametrize(("text", "column", "reason"), REASONS, ids=[r[0][:20] for r in REASONS])
def test_reasons(text: str, column: int, reason: str) -> None:
    value, facts = explain(text.encode())
    assert value is MISSING
    assert [f.kind for f in facts] == ["invalid-json"]
    assert facts[0].data["column"] == column, facts[0].data
    assert reason in facts[0].data["reason"], facts[0].data


def test_the_place_in_a_row_of_several_lines() -> None:
    _, facts = explain(b'{\n "a": 1,\n "b": oops\n}')
    assert (facts[0].data["lines_down"], facts[0].data["column"]) == (2, 7)


FACTS: list[tuple[str, Any, list[tuple[str, dict[str, Any]]]]] = [
    ('{"a": 1}', {"a": 1}, []),
    ('{"a": 1, "a": 2}', {"a": 2}, [("duplicate-key", {"path": "/a", "key": "a"})]),
    ('{"x": [{"a": 1, "a": 2}]}', {"x": [{"a": 2}]}, [("duplicate-key", {"path": "/x/0/a", "key": "a"})]),
    ('{"a~/b": 1, "a~/b": 2}', {"a~/b": 2}, [("duplicate-key", {"path": "/a~0~1b", "key": "a~/b"})]),
    ('{"a": {"b": NaN}}', None, [("non-finite-number", {"path": "/a/b", "literal": "NaN"})]),
    ('{"a": -1e999}', {"a": -math.inf}, [("non-finite-number", {"path": "/a", "literal": "-1e999"})]),
    ('{"a": 18446744073709551615}', {"a": 18446744073709551615}, []),
    ('{"a": -9223372036854775808}', {"a": -9223372036854775808}, []),
    ('{"a": 18446744073709551616}', {"a": 18446744073709551616.0},
     [("lossy-integer", {"path": "/a", "digits": "18446744073709551616", "count": 20})]),
    ('{"a": -9223372036854775809}', {"a": -9223372036854775809.0},
     [("lossy-integer", {"path": "/a", "digits": "-9223372036854775809", "count": 19})]),
    ('{"a": "x\\ud83dy"}', {"a": "x?y"},
     [("lone-surrogate", {"path": "/a", "where": "value", "count": 1, "at": 1, "escape": "\\ud83d", "fixed": "xy"})]),
    ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}, []),
    ('{"a": "\\u0000x"}', {"a": "\0x"},
     [("nul-character", {"path": "/a", "where": "value", "count": 1, "at": 0, "fixed": "x"})]),
    ("3", 3, []),
    ('"x"', "x", []),
    ("null", None, []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "facts"), FACTS, ids=[f[0] for f in FACTS])
def test_facts(text: str, value: Any, facts: list[tuple[str, dict[str, Any]]]) -> None:
    found, seen = explain(text.encode())
    assert [(f.kind, f.data) for f in seen] == facts
    if "NaN" not in text:
        assert found == value and type(found) is type(value)


def test_the_value_is_safe_to_go_on_with() -> None:
    value, _ = explain(b'{"a": "\\ud800", "\\udfff": [1e999, 99999999999999999999, "\\u0000"], "b": {"c": 1, "c": 2}}')
    msgspec.json.encode(value)
    assert type(value["b"]) is dict


def test_facts_of_one_kind_are_bounded() -> None:
    _, facts = explain(b"[" + b",".join([b"NaN"] * 1000) + b"]")
    assert len(facts) == MAX_FACTS


def test_digits_beyond_what_python_reads() -> None:
    limit = getattr(sys, "get_int_max_str_digits", lambda: 4300)()
    value, facts = explain(b'{"a": ' + b"9" * (limit + 1) + b"}")
    assert value == {"a": math.inf} and facts[0].data["count"] == limit + 1


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_nesting_is_bounded(depth: int, pair: str) -> None:
    opening = "[" if pair == "[]" else '{"a":'
    value, facts = explain((opening * depth + "1" + pair[1] * depth).encode())
    assert value is MISSING and f"{depth:,} levels" in facts[0].data["reason"]
    value, facts = explain((opening * depth).encode())
    assert value is MISSING and facts[0].kind == "invalid-json"


def test_nesting_within_the_bound_is_read_and_walked() -> None:
    text = b"[" * MAX_DEPTH + b"NaN" + b"]" * MAX_DEPTH
    _value, facts = explain(text)
    assert facts[0].kind == "non-finite-number" and facts[0].data["path"] == "/0" * MAX_DEPTH


def test_brackets_inside_texts_do_not_nest() -> None:
    value, facts = explain(json.dumps({"a": "[" * 10_000, "b": "{" * 10_000}).encode())
    assert not facts and len(value["a"]) == 10_000


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass")))
@example(b"\xef\xbb\xbf")
@example(b"\xed\xa0\x80")
@example(b"{" * 600)
def test_never_raises(line: bytes) -> None:
    value, facts = explain(line)
    assert value is not MISSING or facts
    json.dumps([f.data for f in facts]).encode()
    for fact in facts:
        msgspec.json.encode(fact.data)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.booleans())
def test_what_is_fine_stays_as_it_is(value: Any, ascii_only: bool) -> None:
    found, facts = explain(json.dumps(value, ensure_ascii=ascii_only).encode())
    assert found == value
    assert {f.kind for f in facts} <= {"nul-character"}


@settings(max_examples=200, deadline=None)
@given(JSON.filter(lambda v: isinstance(v, (dict, list)) and v), st.data())
def test_a_cut_line_always_has_a_reason(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    end = data.draw(st.integers(1, len(text) - 1))
    found, facts = explain(text[:end].encode())
    assert found is MISSING and facts[-1].kind == "invalid-json"
    assert 1 <= facts[-1].data["column"] <= end + 1


ENCODED = [
    ("Où est le café ? Près de l’hôtel.", "cp1252"),
    ("Straße, Größe", "latin-1"),
    ("Как сбросить счётчик?", "cp1251"),
    ("Как сбросить счетчик?", "koi8-r"),
    ("メーターをリセットするには", "shift_jis"),
    ("メーターをリセットするには", "euc_jp"),
    ("我怎么重置电表，按住绿色按钮五秒钟", "gb18030"),
    ("미터를 어떻게 초기화하나요", "euc_kr"),
]


@pytest.mark.parametrize(("text", "encoding"), ENCODED)
def test_guesses(text: str, encoding: str) -> None:
    data = json.dumps({"content": text}, ensure_ascii=False).encode(encoding)
    value, facts = explain(data)
    assert value == {"content": text}
    assert facts[0].kind == "not-utf8" and data[facts[0].data["offset"]] >= 0x80
    assert facts[0].data["byte"] == f"0x{data[facts[0].data['offset']]:02X}"


def test_damage_in_utf8_is_no_other_encoding() -> None:
    data = "Où est le café, près de l’hôtel ?".encode().replace("é".encode(), b"\xc3", 1)
    found = guess(data)
    assert found and found.encoding == "utf-8" and "\ufffd" in found.text and "hôtel" in found.text
    assert guess("😀".encode()) is None and guess(b"plain") is None


def test_surrogate_pairs_written_as_characters() -> None:
    found = guess(b"a\xed\xa0\xbd\xed\xb8\x80b\xed\xa0\xbdc")
    assert found and found.encoding == "cesu-8" and found.text == "a😀b\ufffdc"


def test_a_mark_at_the_start_of_a_line() -> None:
    value, facts = explain(b'\xef\xbb\xbf{"a": 1}')
    assert value == {"a": 1} and [(f.kind, f.data) for f in facts] == [("bom", {"where": "line"})]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xfe{\0", ("utf-16-le", 2)),
        (b"\xfe\xff\0{", ("utf-16-be", 2)),
        (b"\xff\xfe\0\0{\0\0\0", ("utf-32-le", 4)),
        (b"\0\0\xfe\xff\0\0\0{", ("utf-32-be", 4)),
        (b"{\0\"\0", ("utf-16-le", 0)),
        (b"\0{\0\"", ("utf-16-be", 0)),
        (b"{\0\0\0\"\0\0\0", ("utf-32-le", 0)),
        (b"\0\0\0{\0\0\0\"", ("utf-32-be", 0)),
        (b'{"a": 1}', None),
        (b"\0\0\0\0", None),
        (b"{", None),
        (b"", None),
    ],
)  # fmt: skip
def test_wide_encodings(head: bytes, found: tuple[str, int] | None) -> None:
    assert wide_encoding(head) == found


def test_the_words_of_newer_parsers_mean_the_same() -> None:
    from prepdata.diagnose import diagnose

    for text, pos in (('{"a": 1, }', 7), ('{"a": [1, ]}', 8)):
        old = explain(text.encode())[1][0].data
        reason, at = diagnose(text, "Illegal trailing comma before end of object", pos)
        assert (old["reason"], old["column"]) == (reason, at + 1)
    assert diagnose("{}", "Something new", 1) == ("something new", 1)
