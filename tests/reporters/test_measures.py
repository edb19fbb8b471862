"""Tokens and cost in text reports and in `prepdata stats`: what is said, and what is left out where it is nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest

from prepdata.cli.stats import languages_text, roles_text
from prepdata.report import Report
from prepdata.reporters.base import Output
from prepdata.reporters.measures import cost_lines, write_measures

TOKENS: dict[str, Any] = {
    "exact": True, "total": 94_742, "trained": 7_431, "counter": "o200k_base", "rows": 127, "notes": [],
    "per_row": {"min": 123, "p50": 752, "max": 1157},
    "limits": [{"target": "trl", "limit": 1024, "rows_over": 1}, {"target": "openai", "limit": 65_536, "rows_over": 0}],
}  # fmt: skip
WHOLE = "tokens: 94,742 in all, 7,431 trained (o200k_base); per row 123 to 1,157, median 752"
OVER = "tokens: 1 row longer than the 1,024 tokens of trl"


def written(**measures: Any) -> list[str]:
    out = io.StringIO()
    write_measures(Report(files=(), findings=(), measures=measures), out, Output())
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, [WHOLE, OVER]),
        ({"exact": False}, [
            "tokens: about 94,742 in all, about 7,431 trained (o200k_base); per row 123 to 1,157, median 752", OVER]),
        ({"rows": 1}, ["tokens: 94,742 in all, 7,431 trained (o200k_base)", OVER]),
        ({"rows": 2}, [WHOLE, OVER]),
        ({"per_row": None}, ["tokens: 94,742 in all, 7,431 trained (o200k_base)", OVER]),
        ({"limits": []}, [WHOLE]),
        ({"limits": [{"target": "trl", "limit": 1024, "rows_over": 2}]}, [WHOLE, OVER.replace("1 row", "2 rows", 1)]),
        ({"notes": ["estimated"]}, [WHOLE, "tokens: estimated", OVER]),
    ],
)  # fmt: skip
def test_tokens(changes: dict[str, Any], said: list[str]) -> None:
    assert written(tokens={**TOKENS, **changes}) == said


def test_without_tokens_nothing_is_said() -> None:
    assert written() == [] and written(tokens={}) == []
    assert written(cost={"hosted": [job("openai", "a", 1.0)]}) == []


def job(provider: str, offer: str, likely: float | None, as_of: str = "as of 2026-06-30, old from 2026-09-28") -> Any:
    usd = None if likely is None else {"low": likely / 2, "likely": likely, "high": likely * 2}
    return {"provider": provider, "offer": offer, "usd": usd, "as_of": as_of}


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ([], []),
        ([job("openai", "gpt", None)], []),
        ([job("openai", "gpt", 7.11)],
         ["openai gpt $3.56 to $14.22, likely $7.11 (prices of 2026-06-30; `prepdata cost` shows the assumptions)"]),
        ([job("openai", "gpt", 0.0)],
         ["openai gpt $0.00 to $0.00, likely $0.00 (prices of 2026-06-30; `prepdata cost` shows the assumptions)"]),
        ([job("openai", "gpt", 0.09)],
         ["openai gpt $0.045 to $0.18, likely $0.09 (prices of 2026-06-30; `prepdata cost` shows the assumptions)"]),
        ([job("openai", "gpt", 2.0), job("openai", "nano", 0.5), job("openai", "mini", 1.0)],
         [("openai likely from $0.50 (nano) to $2.00 (gpt); give --model for one price"
          " (prices of 2026-06-30; `prepdata cost` shows the assumptions)")]),
        ([job("openai", "gpt", 2.0), job("openai", "mini", 1.0, "as of 2026-05-08, old"), job("together", "a", 1.0)],
         [("openai likely from $1.00 (mini) to $2.00 (gpt); give --model for one price"
          " (prices of 2026-05-08; `prepdata cost` shows the assumptions)"),
          "together a $0.50 to $2.00, likely $1.00 (prices of 2026-06-30; `prepdata cost` shows the assumptions)"]),
    ],
)  # fmt: skip
def test_cost_is_a_line_a_provider(jobs: list[Any], said: list[str]) -> None:
    assert cost_lines({"hosted": jobs}) == said
    assert written(tokens=TOKENS, cost={"hosted": jobs})[2:] == [f"cost: {line}" for line in said]


ROLES: dict[str, Any] = {
    "messages": {"user": 1200, "assistant": 1200}, "last": {"assistant": 1200}, "rows_with_system": 0,
    "system_prompts": {"different": 0, "most_frequent": []}, "rows_with_tools": 0, "rows_with_calls": 0,
    "rows_with_media": 0, "rows_with_reasoning": 0, "preference_rows": 0, "weights": {},
    "tools_declared": {"different": 0, "top": {}}, "tools_called": {"different": 0, "top": {}},
}  # fmt: skip
HEAD = ["Roles", "  messages: user 1,200, assistant 1,200", "  last turn: assistant 1,200"]


def prompts(*counts: int) -> dict[str, Any]:
    listed = [{"rows": rows, "first_row": 10 * i} for i, rows in enumerate(counts)]
    return {"rows_with_system": sum(counts), "system_prompts": {"different": len(counts), "most_frequent": listed}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, HEAD),
        ({"messages": {}, "last": {}}, ["Roles", "  messages: none", "  last turn: none"]),
        ({"messages": {"": 2}, "last": {"a\x1b": 1}}, ["Roles", "  messages: (none) 2", "  last turn: a\ufffd 1"]),
        (prompts(1), [*HEAD, "  system prompt in 1 row, 1 different"]),
        (prompts(2, 1), [*HEAD, "  system prompt in 3 rows, 2 different", "    one of them in 2 rows, first in row 1"]),
        (prompts(9, 8, 7, 6), [
            *HEAD, "  system prompt in 30 rows, 4 different", "    one of them in 9 rows, first in row 1",
            "    one of them in 8 rows, first in row 11", "    one of them in 7 rows, first in row 21"]),
        ({"rows_with_tools": 1}, [*HEAD, "  1 row with tools declared"]),
        ({"rows_with_calls": 2}, [*HEAD, "  2 rows with tool calls"]),
        ({"rows_with_media": 2}, [*HEAD, "  2 rows with images or other media"]),
        ({"rows_with_reasoning": 2}, [*HEAD, "  2 rows with reasoning"]),
        ({"preference_rows": 2}, [*HEAD, "  2 rows with a preference"]),
        ({"tools_called": {"different": 1, "top": {"f": 3}}}, [*HEAD, "  tools called: f 3"]),
        ({"tools_declared": {"different": 8, "top": dict.fromkeys("abcdefgh", 1)}},
         [*HEAD, "  tools declared: " + ", ".join(f"{c} 1" for c in "abcdefgh")]),
        ({"tools_declared": {"different": 1008, "top": dict.fromkeys("abcdefghi", 1)}},
         [*HEAD, "  tools declared: " + ", ".join(f"{c} 1" for c in "abcdefgh") + " and 1,000 more"]),
        ({"weights": {"0": 1, "1": 2}}, [*HEAD, "  weights: 0 1, 1 2"]),
    ],
)  # fmt: skip
def test_roles(changes: dict[str, Any], said: list[str]) -> None:
    assert roles_text({**ROLES, **changes}) == said


@pytest.mark.parametrize(("count", "more"), [(1, ""), (8, ""), (9, " and 1 more"), (11, " and 3 more")])
def test_languages(count: int, more: str) -> None:
    found = {f"l{i}": 1000 + i for i in range(count)}
    listed = ", ".join(f"l{i} {1000 + i:,}" for i in range(min(count, 8)))
    measured = {"prompts": found, "answers": {"en": 1}, "answered_in_another": 0}
    assert languages_text(measured) == ["Languages", f"  prompts: {listed}{more}", "  answers: en 1"]
    last = languages_text({**measured, "answered_in_another": 1})[-1]
    assert last == "  1 row answered in another language than asked in"
