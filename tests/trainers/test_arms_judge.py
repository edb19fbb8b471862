"""Arms judged on made-up records: gate, Holm over the arms, Pareto, the verdict with its ties, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from records_made import measured, sample, samples

from trainers.arms.config import ARMS, ArmName, ArmsConfig
from trainers.arms.judge import Judge, report
from trainers.arms.model import ArmResult, ArmsReport, Cost
from trainers.arms.pareto import Point, dominators
from trainers.arms.price import cost_of, prices_of
from trainers.arms.ways import kind_of
from trainers.evaluate import aggregate
from trainers.gate import Gate
from trainers.record import Latency, ScorerInfo
from trainers.scorers.base import Score

GATE = Gate(primary="exact_match")


def scores(passed: int, of: int = 100) -> list[float]:
    return [1.0] * passed + [0.0] * (of - passed)


@pytest.fixture
def judged(tmp_path: Path) -> Any:
    """Return a function that judges arms by name -> scores of their rows; costs and seconds by name."""

    def run(
        arms: Mapping[ArmName, list[float]], gate: Gate = GATE, *, usd: Mapping[str, float | None] = {},
        seconds: Mapping[str, float] = {}, floor: float | None = None, changes: Mapping[str, Any] = {},
    ) -> ArmsReport:  # fmt: skip
        held = {}
        for name, column in arms.items():
            created = f"2026-11-29T1{ARMS.index(name)}:00:00Z"
            rows = samples({"exact_match": column})
            results = {"test": {"exact_match": aggregate([Score(v) for v in column], [""] * len(column))}}
            more = {"kind": kind_of(name), "created": created, "results": results, **changes.get(name, {})}
            held[name] = measured(tmp_path / f"{name}.json", rows, **more)
        results = [_result(name, usd, seconds) if name in held else left_out(name) for name in ARMS]
        return report(results, held, gate, floor)

    return run


def _result(name: ArmName, usd: Mapping[str, float | None], seconds: Mapping[str, float]) -> ArmResult:
    took = seconds.get(name)
    return ArmResult(
        name=name, status="measured", cost=Cost(usd_per_thousand=usd.get(name), said=""),
        latency=None if took is None else Latency(p50=took, p95=took, ms_per_token=None, n=9), seconds=took,
    )  # fmt: skip


def left_out(name: ArmName, status: Any = "left out") -> ArmResult:
    return ArmResult(name=name, status=status, reason="not here")


def arm(found: ArmsReport, name: ArmName) -> ArmResult:
    return next(one for one in found.arms if one.name == name)


def test_the_cheapest_arm_that_passes_is_taken_and_the_better_one_named(judged: Any) -> None:
    found = judged(
        {"base": scores(10), "prompted": scores(12), "rag": scores(50), "hybrid": scores(90)},
        usd={"base": 1.0, "prompted": 1.1, "rag": 2.0, "hybrid": 3.0},
    )
    assert (found.verdict.arm, found.verdict.best, found.verdict.fallback) == ("rag", "hybrid", "rag")
    assert found.exit_code == 0
    assert found.verdict.said == (
        "rag is the cheapest of 2 arms that pass the gate (2 USD for 1,000 calls)",
        "hybrid is better still by 40.0 points at 1.50 times the cost; a floor asks for it",
        "rag needs no training: it is the best untuned arm as well",
    )
    assert {one.name: one.passed for one in found.arms if one.status == "measured"} == {
        "base": False, "prompted": False, "rag": True, "hybrid": True,
    }  # fmt: skip


def test_a_floor_leaves_only_arms_that_surely_reach_it(judged: Any) -> None:
    arms = {"base": scores(10), "rag": scores(50), "hybrid": scores(90)}
    usd = {"base": 1.0, "rag": 2.0, "hybrid": 3.0}
    found = judged(arms, usd=usd, floor=0.8)  # Wilson's interval of 90 in 100 begins at 0.826, that of 50 at 0.404
    assert found.verdict.arm == "hybrid"
    assert arm(found, "rag").reasons == ("exact_match: the lower end of its interval is 0.404, the floor 0.8",)
    assert "fallback without training: rag; it does not pass the gate" in found.verdict.said
    found = judged(arms, usd=usd, floor=0.85)
    assert (found.verdict.arm, found.exit_code) == (None, 1)
    assert found.verdict.said[0] == "no arm passes the gate"


def test_a_base_that_reaches_the_floor_needs_nothing(judged: Any) -> None:
    found = judged({"base": scores(95), "tuned": scores(100)}, floor=0.85, usd={"base": 1.0, "tuned": 2.0})
    assert (found.verdict.arm, found.verdict.fallback) == ("base", "base")
    assert arm(found, "base").passed is True


def test_p_values_are_corrected_for_the_number_of_arms(judged: Any) -> None:
    better = [0.0] * 20 + [1.0] * 6 + [0.0] * 74  # 6 rows better, none worse: p = 2 / 2^6 = 0.03125
    base = scores(0)
    alone = judged({"base": base, "prompted": better})
    assert arm(alone, "prompted").passed is True
    change = arm(alone, "prompted").against_base
    assert change is not None and change.change.p_adjusted == pytest.approx(0.03125)
    among = judged({"base": base, "prompted": better, "few-shot": base, "rag": base})
    held = arm(among, "prompted")
    assert held.against_base is not None and held.against_base.change.p_adjusted == pytest.approx(3 * 0.03125)
    assert held.passed is False
    assert held.reasons == (
        "exact_match: better than the base with p = 0.031, which is 0.094 corrected for 3 arms (Holm)",
    )
    assert among.verdict.reached is False


def test_equal_costs_are_a_tie_that_the_paired_test_or_simplicity_decides(judged: Any) -> None:
    usd = {"base": 1.0, "prompted": 1.0, "rag": 1.04, "tuned": 1.02, "hybrid": 2.0}
    arms: dict[ArmName, list[float]] = {
        "base": scores(10), "prompted": scores(50), "rag": scores(90), "tuned": scores(91), "hybrid": scores(100),
    }  # fmt: skip
    found = judged(arms, usd=usd)
    assert found.verdict.arm == "rag"
    assert found.verdict.said[:3] == (
        "prompted and rag and tuned pass and cost the same within 5% (1 USD for 1,000 calls)",
        "prompted is shown to be worse than tuned",
        "no difference is shown between rag and tuned: rag has the fewest parts to keep",
    )
    assert found.verdict.said[3].startswith("hybrid is better still by 10.0 points at 1.92 times the cost")


def test_of_several_equally_dear_arms_none_is_dropped_by_chance(judged: Any) -> None:
    usd = dict.fromkeys(("base", "prompted", "few-shot", "rag", "tuned"), 1.0)
    low = scores(80, 86)  # 6 rows fewer than tuned, none more: p = 2 / 2^6 = 0.031 each, 0.094 of three
    arms: dict[ArmName, list[float]] = {"base": scores(10, 86), "prompted": low, "tuned": scores(86, 86)}
    alone = judged(arms, usd=usd)
    assert alone.verdict.arm == "tuned" and "prompted is shown to be worse than tuned" in alone.verdict.said
    among = judged({**arms, "few-shot": low, "rag": low}, usd=usd)
    assert among.verdict.arm == "prompted"
    assert among.verdict.said[1].startswith("no difference is shown between prompted and few-shot and rag and tuned")


def test_a_dearer_arm_is_named_as_better_only_where_that_is_shown(judged: Any) -> None:
    better = scores(86, 86)
    usd = {"base": 1.0, "prompted": 1.0, "rag": 2.0, "tuned": 3.0, "hybrid": 4.0}
    arms: dict[ArmName, list[float]] = {"base": scores(10, 86), "prompted": scores(80, 86), "tuned": better}
    assert any(said.startswith("tuned is better still by 7.0 points") for said in judged(arms, usd=usd).verdict.said)
    more = judged({**arms, "rag": better, "hybrid": better}, usd=usd)  # 0.031 each, 0.094 of three
    assert more.verdict.arm == "prompted" and not any("better still" in said for said in more.verdict.said)


def test_times_are_compared_only_where_the_gate_asks(judged: Any, tmp_path: Path) -> None:
    rows = samples({"exact_match": scores(50)})
    held: dict[ArmName, Any] = {
        "base": measured(tmp_path / "b.json", rows), "tuned": measured(tmp_path / "t.json", rows, kind="tuned"),
    }  # fmt: skip
    assert Judge(held, GATE, None, timed=False).comparisons["tuned"].latency == ()
    asked = Judge(held, Gate(primary="exact_match", latency=0.5), None, timed=False)
    assert [one.name for one in asked.comparisons["tuned"].latency] == ["seconds_p50", "seconds_p95", "ms_per_token"]
    assert asked.passed("tuned") == (None, ("the gate asks for times, and none were taken in turns",))


def test_unknown_costs_are_never_taken_for_low_ones(judged: Any) -> None:
    arms: dict[ArmName, list[float]] = {"base": scores(10), "prompted": scores(95), "tuned": scores(97)}
    found = judged(arms, usd={"base": 1.0, "prompted": 1.0})
    assert found.verdict.arm == "prompted"
    assert found.verdict.said[0] == "which is cheapest cannot be said: the cost of tuned is not known"
    found = judged({**arms, "prompted": scores(40)})
    assert found.verdict.arm == "tuned"
    assert found.verdict.said[1] == "prompted is shown to be worse than tuned"


def test_prompting_that_is_enough_is_taken(judged: Any) -> None:
    arms: dict[ArmName, list[float]] = {"base": scores(40), "prompted": scores(97), "tuned": scores(98)}
    found = judged(arms, usd={"base": 1.0, "prompted": 1.1, "tuned": 4.0})
    assert (found.verdict.arm, found.verdict.fallback) == ("prompted", "prompted")


def test_every_arm_is_held_against_the_best_row_by_row(judged: Any) -> None:
    found = judged({"base": scores(10), "rag": scores(60), "hybrid": scores(90)})
    assert arm(found, "hybrid").against_best is None and arm(found, "base").against_base is None
    held = arm(found, "rag").against_best
    assert held is not None and (held.other, held.change.gain) == ("hybrid", pytest.approx(-0.3))
    assert (held.change.better, held.change.worse, held.change.outcome) == (0, 30, "worse")


def test_nothing_passes_and_something_failed_is_not_known(judged: Any, tmp_path: Path) -> None:
    found = judged({"base": scores(10), "prompted": scores(11)})
    assert (found.verdict.reached, found.exit_code) == (False, 1)
    rows = samples({"exact_match": scores(10)})
    base = measured(tmp_path / "base.json", rows, results={"test": {}})
    arms = [_result("base", {}, {}), left_out("tuned", "failed")]
    found = report(arms, {"base": base}, GATE, None)
    assert (found.verdict.reached, found.exit_code) == (None, 2)
    assert "not known of tuned: run the same command again when it can be measured" in found.verdict.said


def test_without_a_base_nothing_is_decided(tmp_path: Path) -> None:
    tuned = measured(tmp_path / "tuned.json", samples({"exact_match": scores(9)}), kind="tuned")
    found = report([left_out("base", "failed"), _result("tuned", {}, {})], {"tuned": tuned}, GATE, None)
    assert (found.verdict.arm, found.exit_code) == (None, 2)
    assert arm(found, "tuned").reasons[0].startswith("the base was not measured")
    found = report([left_out(name, "failed") for name in ARMS], {}, GATE, None)
    assert (found.verdict.best, found.verdict.fallback, found.exit_code) == (None, None, 2)


def test_the_base_alone_is_no_choice(judged: Any) -> None:
    found = judged({"base": scores(10)})
    assert found.exit_code == 2 and "nothing to choose from" in found.verdict.said[0]


def test_an_arm_that_cannot_be_compared_is_not_judged(judged: Any) -> None:
    other = (ScorerInfo(name="exact_match", version="2", sha256="0" * 64),)
    found = judged({"base": scores(10), "rag": scores(60), "tuned": scores(90)}, changes={"tuned": {"scorers": other}})
    held = arm(found, "tuned")
    assert held.passed is None and "cannot be compared" in held.reasons[0]
    assert (found.verdict.arm, found.verdict.best) == ("rag", "rag")
    assert "not known of tuned" in found.verdict.said[1]


def test_rows_without_an_answer_are_no_pass(judged: Any, tmp_path: Path) -> None:
    base = measured(tmp_path / "base.json", samples({"exact_match": scores(10)}))
    rows = [*samples({"exact_match": scores(90, 99)}), sample(99, {"exact_match": None}, finish_reason="error")]
    tuned = measured(tmp_path / "tuned.json", rows, kind="tuned", created="2026-11-29T12:00:00Z")
    found = report([_result("base", {}, {}), _result("tuned", {}, {})], {"base": base, "tuned": tuned}, GATE, None)
    assert (arm(found, "tuned").passed, found.exit_code) == (None, 2)


# --- Pareto ----------------------------------------------------------------------------------------------------------


def test_dominated_arms() -> None:
    found = dominators(
        {
            "base": Point(0.5, 1.0, 1.0),
            "prompted": Point(0.6, 1.0, 1.0),  # better than the base at its price
            "rag": Point(0.7, 2.0, 2.0),
            "tuned": Point(0.7, 1.5, 1.5),  # as good as rag, for less
            "hybrid": Point(0.8, 3.0, 1.5),
        }
    )
    assert found == {"base": ("prompted",), "prompted": (), "rag": ("tuned",), "tuned": (), "hybrid": ()}


def test_costs_within_five_percent_are_equal() -> None:
    found = dominators({"base": Point(0.5, 1.0, 1.0), "prompted": Point(0.5, 1.04, 1.02)})
    assert found == {"base": (), "prompted": ()}
    assert dominators({"base": Point(0.5, 1.0, None), "prompted": Point(0.5, 1.06, None)})["prompted"] == ("base",)


def test_arms_that_are_equal_do_not_dominate_each_other() -> None:
    same = Point(0.7, 2.0, 1.0)
    found = dominators({"base": same, "prompted": same, "rag": Point(0.7, 2.2, 1.0), "tuned": Point(0.6, 1.0, 1.0)})
    assert found == {"base": (), "prompted": (), "rag": ("base", "prompted"), "tuned": ()}
    free = dominators({"base": Point(0.5, 0.0, 0.0), "rag": Point(0.5, 0.001, 0.0)})  # 5 % of nothing is nothing
    assert free == {"base": (), "rag": ("base",)}


def test_an_unknown_measure_dominates_nothing() -> None:
    assert dominators({"base": Point(0.5, 1.0, None), "rag": Point(0.9, None, None)}) == {"base": (), "rag": ()}
    known = dominators({"base": Point(0.5, None, None), "rag": Point(0.9, None, None)})  # left out for all
    assert known == {"base": ("rag",), "rag": ()}
    assert dominators({"base": Point(0.5, None, None), "rag": Point(0.5, None, None)}) == {"base": (), "rag": ()}


def test_the_table_says_who_is_dominated(judged: Any) -> None:
    found = judged(
        {"base": scores(10), "few-shot": scores(10), "tuned": scores(90)},
        usd={"base": 1.0, "few-shot": 2.0, "tuned": 1.0}, seconds={"base": 1.0, "few-shot": 1.0, "tuned": 1.0},
    )  # fmt: skip
    assert arm(found, "few-shot").dominated_by == ("base", "tuned")
    assert arm(found, "base").dominated_by == ("tuned",)


# --- costs -----------------------------------------------------------------------------------------------------------


def config(**given: Any) -> ArmsConfig:
    return ArmsConfig(model="m", test="t", output="o", **given)


def priced(given: ArmsConfig, tokens: tuple[float | None, float | None] = (200.0, 50.0), **more: Any) -> Cost:
    return cost_of(prices_of(given), **{"tuned": False, "searched": False, "seconds": 0.5, "tokens": tokens, **more})


def test_costs_by_tokens() -> None:
    given = config(price_input=0.5, price_output=2.0)
    found = priced(given)  # 1,000 x (200 x 0.5 + 50 x 2) / 1,000,000 = 0.2
    assert found.usd_per_thousand == pytest.approx(0.2)
    assert found.said == "0.5 USD a million (price-input), 2 USD a million (price-output)"
    assert priced(given, searched=True).said.endswith("; searching is not priced")
    tuned = priced(given, tuned=True)
    assert tuned.usd_per_thousand is None
    assert tuned.said == "the price price-tuned-input is not known; the price price-tuned-output is not known"
    assert priced(given, (200.0, None)) == Cost(usd_per_thousand=None, said="tokens out are not known")


def test_costs_of_the_tuned_model_have_prices_of_their_own() -> None:
    given = config(price_input=0.5, price_output=2.0, price_tuned_input=1.5, price_tuned_output=6.0)
    found = priced(given, (1000.0, 250.0), tuned=True, searched=True)  # (1,000 x 1.5 + 250 x 6) x 1,000 / 1,000,000 = 3
    assert found.usd_per_thousand == pytest.approx(3.0)
    assert "1.5 USD a million (price-tuned-input)" in found.said
    assert priced(given, (0.0, 0.0)).usd_per_thousand == 0.0
    assert priced(config(price_input=0.0, price_output=0.0)).usd_per_thousand == 0.0  # free is not unknown


def test_costs_by_the_hour() -> None:
    assert priced(config(price_hour=3.6)).usd_per_thousand == pytest.approx(0.5)  # 500 s at 0.001 USD a second
    assert priced(config(price_hour=3.6), seconds=None).usd_per_thousand is None
    assert priced(config()).usd_per_thousand is None


def test_costs_of_the_price_lists_name_row_and_date() -> None:
    from prepdata.prices import provider

    listed = provider("openai")
    assert listed is not None
    offer = next(o for o in listed.offers if "gpt-4o-mini" in o.names)
    assert offer.input is not None and offer.output is not None
    found = priced(config(price_model="gpt-4o-mini", price_target="openai"), (1000.0, 100.0))
    assert found.usd_per_thousand == pytest.approx(offer.input.usd + offer.output.usd / 10)
    assert f"openai / {offer.title} / input, {offer.input.date}" in found.said
    own = priced(config(price_model="gpt-4o-mini", price_target="openai", price_input=0.0), (1000.0, 100.0))
    assert own.usd_per_thousand == pytest.approx(offer.output.usd / 10)
