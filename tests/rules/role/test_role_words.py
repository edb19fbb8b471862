"""What a wrong role word was probably meant to be, and what targets make of a finding."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.formats.openai import OpenAIChat
from prepdata.record import ROLES
from prepdata.rules.base import Context, RecordRule
from prepdata.rules.loader import rules
from prepdata.rules.role._words import effective, meant, swappable
from prepdata.rules.role.role009_invalid_weight import InvalidWeight
from prepdata.rules.targeting import Verdict, concerns, judge, listed, names, value
from prepdata.targets.model import Accepts, Target, Value

DAY = datetime.date(2026, 1, 1)


def said(what: Any) -> Value[Any]:
    return Value(what, "docs", DAY)


def target(name: str, kind: Any = "provider", **accepts: Any) -> Target:
    made = Accepts(**{key: said(what) for key, what in accepts.items()})
    return Target(name, name.title(), kind, DAY, {}, accepts=made)


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("Assistant", "assistant"), ("ASSISTANT", "assistant"), ("gpt", "assistant"), ("bot", "assistant"),
        ("model", "assistant"), ("ai", "assistant"), ("AI", "assistant"), ("assistent", "assistant"),
        ("asistant", "assistant"), ("assistant:", "assistant"), ("<assistant>", "assistant"),
        ("human", "user"), ("USER", "user"), ("user ", "user"), ("users", "user"), ("prompter", "user"),
        ("sys", "system"), ("System", "system"), ("sytem", "system"), ("observation", "tool"), ("tool_result", "tool"),
        ("function_call", "call"), ("narrator", ""), ("", ""), ("x" * 500, ""), ("用户", ""),
    ],
)  # fmt: skip
def test_meant(word: str, role: str) -> None:
    assert meant(word) == role


def test_only_plain_roles_can_be_swapped() -> None:
    assert [role for role in (*ROLES, "call", "") if swappable(role)] == ["system", "developer", "user", "assistant"]


@given(st.text(max_size=60))
def test_meant_is_a_role_or_nothing(word: str) -> None:
    assert meant(word) in (*ROLES, "call", "")


def test_effective_role() -> None:
    view = OpenAIChat().view({"messages": [{"role": "gpt"}, {"role": "function_call"}, {"role": 5}, "x"]})
    assert [effective(m) for m in view.messages] == ["assistant", "assistant", "", ""]


YES, NO, SILENT = target("yes", repeated_roles=True), target("no", repeated_roles=False), target("silent")


@pytest.mark.parametrize(
    ("targets", "verdict"),
    [
        ((), Verdict("warning")),
        ((YES,), Verdict(None)),
        ((NO,), Verdict("error", ("no",))),
        ((SILENT,), Verdict("warning", ("silent",))),
        ((YES, SILENT), Verdict("warning", ("silent",))),
        ((YES, NO, SILENT), Verdict("error", ("no",))),
    ],
)
def test_judge(targets: tuple[Target, ...], verdict: Verdict) -> None:
    assert judge(targets, lambda t: value(t.accepts.repeated_roles), "warning") == verdict


def test_judge_is_silent_where_the_default_is() -> None:
    assert judge((), lambda t: None, None) == Verdict(None)
    assert judge((SILENT,), lambda t: None, None) == Verdict(None)


def test_names_and_words() -> None:
    assert names((YES, NO), lambda t: t.name == "no") == ("no",)
    assert listed(("a", "b")) == "a, b"
    assert value(None) is None


def test_concerns() -> None:
    assert concerns(target("a"), "anything")
    assert concerns(target("a", formats=["gemini"]), "gemini")
    assert not concerns(target("a", formats=["gemini"]), "openai")
    assert concerns(target("a", formats=["bedrock"]), "openai")
    assert concerns(target("a", formats=["openai"]), "bedrock")


@pytest.mark.parametrize(
    ("mode", "weight", "severities"),
    [
        ("zero-or-one", 0, []), ("zero-or-one", 0.5, ["error"]), ("number", 0.5, []), ("number", -1, ["error"]),
        ("ignored", 0, ["warning"]), ("ignored", 1, []), ("refused", 1, ["error"]), ("refused", 0, ["error"]),
        ("number", float("nan"), ["error"]), ("zero-or-one", None, []),
    ],
)  # fmt: skip
def test_weights_by_target(mode: str, weight: Any, severities: list[str]) -> None:
    rule = InvalidWeight(None, Context(targets=(target("t", weights=mode),)))
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": weight}]}
    assert [hit.severity or rule.severity for hit in rule.check(OpenAIChat().view(row))] == severities


RECORD_RULES = [r for r in rules() if issubclass(r, RecordRule) and r.code[:3] in ("ROL", "TOO", "IMG")]
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["role", "content", "tool_calls", "function", "name", "arguments", "id", "type",
                             "image_url", "url", "weight", "parameters", "function_call", "tool_call_id"]),
            inner, max_size=4),
    ),
    max_leaves=15,
)  # fmt: skip
TARGETS = (YES, NO, target("all", roles=["user"], system="key", weights="refused", tools=False, tools_as="string",
                           arguments_as="object", call_id_pattern="^[a-z]{9}$", function_name_pattern="^[a-z]+$",
                           parallel_calls=False, unanswered_calls=False, image_roles=["user"], image_types=["png"],
                           image_transport=["s3"], last_role="user", several_systems=False))  # fmt: skip


@pytest.mark.parametrize("rule", RECORD_RULES, ids=lambda rule: rule.name)
@given(st.lists(ODD, max_size=4), ODD, ODD, st.booleans())
def test_no_rule_raises_on_odd_rows(rule: Any, messages: Any, tools: Any, functions: Any, aimed: bool) -> None:
    made = rule(None, Context(targets=TARGETS if aimed else ()))
    for row in (
        {"messages": messages},
        {"messages": messages, "tools": tools},
        {"messages": messages, "functions": functions, "function_call": tools},
        {"messages": functions},
    ):
        for hit in made.check(OpenAIChat().view(row)):
            assert hit.message and len(hit.message) < 1_000
