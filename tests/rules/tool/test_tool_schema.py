"""Checking values against schemas of strangers: fast and slow path agree, and nothing hangs."""

from __future__ import annotations

from functools import reduce
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepdata.rules.tool._flat import compile_flat
from prepdata.rules.tool._schema import MAX_ERRORS, Schema, TooCostly, shown_path

NAMES = st.sampled_from(["a", "b", "city", "days", "type", "required"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from(["", "a", "bb", "fast", "slow"])
)
TYPE = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null", "float", "dict"])


def schemas(depth: int) -> st.SearchStrategy[Any]:
    inner = schemas(depth - 1) if depth else st.just({})
    bound = st.one_of(st.integers(-3, 4), st.floats(-3, 4))
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(TYPE, st.lists(TYPE, min_size=0, max_size=3)),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=3),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "enum": st.lists(SCALARS, max_size=3),
            "items": inner,
            "minimum": bound,
            "maximum": bound,
            "exclusiveMinimum": bound,
            "exclusiveMaximum": bound,
            "minLength": st.integers(-1, 3),
            "maxLength": st.integers(0, 3),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "description": st.one_of(st.just("text"), st.just(5)),
            "default": SCALARS,
            "example": SCALARS,
            "const": SCALARS,
            "pattern": st.one_of(st.sampled_from(["^a", "b$", "[a-f]{2}", "", "s|w", "^.?$"]), st.just(5)),
            "anyOf": st.lists(inner, max_size=3),
            "allOf": st.lists(inner, max_size=2),
            "examples": st.one_of(st.just([1]), st.just("x")),
            "$schema": st.sampled_from([f"http://json-schema.org/draft-0{n}/schema#" for n in (4, 6, 7)]),
        },
    )


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(schemas(2), VALUES)
def test_fast_path_says_what_jsonschema_says(schema: Any, value: Any) -> None:
    fast = compile_flat(schema)
    if fast is None:
        return
    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    draft.check_schema(schema)  # what is compiled is valid
    assert fast(value) == draft(schema).is_valid(value)


@settings(max_examples=300, deadline=None)
@given(schemas(2), VALUES)
def test_schema_says_what_jsonschema_says(schema: Any, value: Any) -> None:
    made = Schema(schema)
    if made.refused:
        return
    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    errors = list(draft(draft.META_SCHEMA).iter_errors(schema))
    assert bool(made.faults) == bool(errors)
    if not errors:
        assert bool(made.check(value)) == (not draft(schema).is_valid(value))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "description": "d"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "number"}, "minItems": 1}}},
        {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}},
        {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "A"}}},
        {"properties": {"a": {"type": "string", "pattern": "^WL-[0-9]{6}$"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}},
        {"additionalProperties": {"type": "string"}},
        {},
    ],
)
def test_usual_schemas_take_the_fast_path(schema: Any) -> None:
    assert compile_flat(schema) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}]},
        {"anyOf": []},
        {"oneOf": [{}]},
        {"const": 1},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"type": "float"},
        {"type": []},
        {"required": ["a", "a"]},
        {"enum": [1, True]},
        {"pattern": "("},
        {"pattern": 5},
        {"pattern": "a" * 2_000},
        {"minimum": "3"},
        {"description": 5},
        {"properties": {"a": True}},
        {"items": [{}]},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        True,
        None,
    ],
)
def test_anything_unusual_is_left_to_jsonschema(schema: Any) -> None:
    assert compile_flat(schema) is None


def billion(count: int) -> dict[str, Any]:
    doubled: dict[str, Any] = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(count)}
    return {"$ref": "#/$defs/a0", "$defs": {**doubled, f"a{count}": {}}}


def dependent(count: int) -> dict[str, Any]:
    step: dict[str, Any] = {
        f"a{i}": {"dependentSchemas": {k: {"$ref": f"#/$defs/a{i + 1}"} for k in "xy"}, "unevaluatedProperties": False}
        for i in range(count)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**step, f"a{count}": {}}}


def nested(inner: dict[str, Any], _: int) -> dict[str, Any]:
    return {"items": inner}


HOSTILE: list[tuple[str, Any, Any]] = [
    ("itself", {"$ref": "#"}, {}),
    ("a ring", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, {}),
    ("doubling", billion(40), {}),
    ("doubling by keys", dependent(40), {"x": 1, "y": 1}),
    ("nested repeats", {"pattern": "^(a+)+$"}, "a" * 80 + "b"),
    ("nested stars", {"pattern": "(x*)*y"}, "x" * 5_000),
    ("alternatives", {"pattern": "^(a|aa)+$"}, "a" * 80 + "b"),
    ("many optional", {"pattern": "a?" * 40 + "a" * 40}, "a" * 40),
    ("polynomial", {"pattern": "a*a*a*a*a*a*b"}, "a" * 3_000),
    ("back reference", {"pattern": r"(a*)\1*b"}, "a" * 5_000),
    ("huge repeat", {"pattern": "(a{1,500}){1,500}b"}, "a" * 2_000),
    ("keys", {"patternProperties": {"^(a+)+$": {}}}, {"a" * 60 + "b": 1}),
    ("keys, closed", {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"a" * 60 + "b": 1}),
    ("remote", {"$ref": "https://example.org/schema.json"}, {}),
    ("file", {"$ref": "file:///etc/passwd"}, {}),
    ("nowhere", {"$ref": "#/$defs/none"}, {}),
    ("deep", reduce(nested, range(3_000), {"type": "float"}), []),
    ("wide", {"anyOf": [{"const": i} for i in range(100_000)]}, 5),
    (
        "another draft inside",
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-04/schema#", "not": {}}}},
        {},
    ),
    ("not unique", {"uniqueItems": True}, [[i] for i in range(20_000)]),
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("schema", "value"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_hostile_schema_is_refused_in_time(schema: Any, value: Any) -> None:
    with pytest.raises(TooCostly) as caught:
        Schema(schema).check(value)
    assert str(caught.value.args[0])


def test_a_huge_enum_of_texts_is_fine() -> None:
    schema = Schema({"type": "object", "properties": {"a": {"enum": [f"v{i}" for i in range(9_000)]}}})
    assert schema.check({"a": "v8999"}) == []
    assert [p.keyword for p in schema.check({"a": "w"})] == ["enum"]


def test_errors_are_bounded() -> None:
    schema = Schema({"type": "array", "items": {"type": "string"}})
    assert len(schema.check(list(range(500)))) == MAX_ERRORS


def test_missing_and_unknown_are_said_once_for_a_place() -> None:
    schema = Schema({"type": "object", "required": ["a", "b", "c"], "properties": {}, "additionalProperties": False})
    assert sorted(p.keyword for p in schema.check({"x": 1, "y": 2})) == ["additionalProperties", "required"]


def test_two_values_each_have_their_own_budget() -> None:
    schema = Schema({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}})
    for _ in range(30):
        assert schema.check([1] * 1_000) == []


@pytest.mark.parametrize(
    ("draft", "value", "fits"),
    [
        ("http://json-schema.org/draft-03/schema#", {"n": 3.0}, False),
        ("http://json-schema.org/draft-04/schema#", {"n": 3.0}, False),
        ("http://json-schema.org/draft-06/schema#", {"n": 3.0}, True),
        ("http://json-schema.org/draft-07/schema#", {"n": 3.0}, True),
        ("https://json-schema.org/draft/2019-09/schema", {"n": 3.0}, True),
        ("https://json-schema.org/draft/2020-12/schema", {"n": 3.0}, True),
        ("https://example.org/unknown", {"n": 3.0}, True),
    ],
)
def test_drafts(draft: str, value: Any, fits: bool) -> None:
    schema = Schema({"$schema": draft, "type": "object", "properties": {"n": {"type": "integer"}}})
    assert schema.faults == ()
    assert (schema.check(value) == []) is fits


def test_references_inside_are_followed() -> None:
    schema = Schema({"$ref": "#/definitions/p", "definitions": {"p": {"type": "object", "required": ["x"]}}})
    assert [p.keyword for p in schema.check({})] == ["required"]
    tree = Schema({"type": "object", "properties": {"child": {"$ref": "#"}, "n": {"type": "integer"}}})
    assert [p.path for p in tree.check({"child": {"child": {"n": "x"}}})] == [("child", "child", "n")]


@settings(max_examples=200, deadline=None)
@given(st.recursive(SCALARS, lambda s: st.one_of(st.lists(s, max_size=4), st.dictionaries(
    st.sampled_from(["type", "properties", "required", "$ref", "$schema", "allOf", "pattern", "enum", "items", "x"]),
    s, max_size=4)), max_leaves=12), VALUES)  # fmt: skip
def test_no_schema_crashes(schema: Any, value: Any) -> None:
    made = Schema(schema)
    assert isinstance(made.faults, tuple)
    try:
        made.check(value)
    except TooCostly as error:
        assert error.args


def test_shown_path() -> None:
    assert shown_path(()) == "$"
    assert shown_path(("a", 0, "b")) == "$.a[0].b"
