"""Comparisons of records: pairing, verdicts, the gate, and what is refused."""

from __future__ import annotations

import msgspec
import pytest
from records_made import measured, record, replaced, sample, samples, sha

from prepdata.errors import ConfigError, UsageError
from trainers.compare import compare
from trainers.gate import Gate, read_gate
from trainers.record import Aggregate, Arm, Decoding, Environment, Rendering, ScoreValue

LATER = {"kind": "tuned", "created": "2026-11-29T12:00:00Z"}


@pytest.fixture
def made(tmp_path):
    """Return a function that compares two lists of samples."""

    def run(before, after, gate=None, changes=None, before_changes=None):
        one = measured(tmp_path / "baseline.json", before, **(before_changes or {}))
        other = measured(tmp_path / "run.json", after, **{**LATER, **(changes or {})})
        return compare(one, other, gate or Gate())

    return run


def rows(passed, of, **more):
    return samples({"exact_match": [1.0] * passed + [0.0] * (of - passed), **more})


def kept(passed, of):
    return samples({"exact_match": [1.0] * passed + [0.0] * (of - passed)}, set="retention")


def test_an_improvement(made):
    found = made(rows(30, 100) + kept(60, 60), rows(60, 100) + kept(60, 60), Gate(primary="exact_match"))
    assert (found.verdict, found.passed, found.exit_code, found.reasons) == ("improved", True, 0, ())
    primary, guard = found.metrics
    assert (primary.baseline, primary.run, primary.gain) == pytest.approx((0.3, 0.6, 0.3))
    assert (primary.better, primary.worse, primary.p) == (30, 0, pytest.approx(2 * 0.5**30))
    assert (primary.test, primary.method, primary.n, primary.clusters) == ("exact McNemar", "tango", 100, 100)
    assert (guard.label, guard.role, guard.margin, guard.within_margin) == ("retention/exact_match", "guard", 0.1, True)
    unknown, unused, *_ = found.notes
    assert "names no training" in unknown
    assert unused == "ungrounded values were not looked at: the scorer ungrounded_value_rate was not used"


def test_no_difference_is_not_passed_and_says_what_could_have_been_seen(made):
    found = made(rows(30, 100), rows(33, 100))
    assert (found.verdict, found.passed, found.exit_code) == ("no difference shown", False, 1)
    assert found.reasons[0].endswith("; 100 rows show a change from about 13 points on if 20 % of them differ")
    mixed = samples({"exact_match": [0.0] * 13 + [1.0] * 60 + [0.0] * 27})
    found = made(rows(60, 100), mixed)
    assert "100 rows show a change from about" in found.reasons[0] and "if 26 % of them differ" in found.reasons[0]
    few = made(rows(6, 20), rows(7, 20))
    assert few.metrics[0].detectable is None
    assert few.reasons[0].endswith("; 20 rows show no change if only 20 % of them differ")


@pytest.mark.parametrize("changed", [0, 1, 3])
def test_few_changed_rows_do_not_say_that_the_rows_could_show_nothing(made, changed):
    guard = made(rows(50, 100), rows(50 + changed, 100)).metrics[0]
    assert guard.outcome == "no difference shown" and guard.detectable == pytest.approx(0.128, abs=0.002)
    assert made(rows(100, 100), rows(0, 100)).verdict == "worse"  # the same rows show a large change


def test_graded_scores_say_what_their_deviation_lets_be_seen(made):
    before, after = (samples({"chrf": [((i * k) % 17) / 17 for i in range(40)]}) for k in (3, 5))
    found = made(before, after).metrics[0]
    assert found.outcome == "no difference shown" and found.detectable is not None
    assert found.said.endswith(f"; so many rows show a change from about {100 * found.detectable:.0f} points on")
    wide = made(*(samples({"chrf": [a, b, 0.5]}) for a, b in ((0.0, 1.0), (1.0, 0.1)))).metrics[0]
    assert wide.detectable is None
    assert wide.said.endswith("; 3 rows or groups that differ as much as these show no change of their mean")


def test_worse(made):
    found = made(rows(60, 100), rows(30, 100))
    assert (found.verdict, found.passed) == ("worse", False)


def test_not_worse_is_shown_by_the_bound_and_not_by_a_lack_of_proof(made):
    gate = Gate(require="not-worse", margin=0.05)
    assert made(rows(30, 200), rows(30, 200), gate).passed is True
    few = made(rows(6, 20), rows(6, 20), gate)
    assert (few.verdict, few.passed) == ("no difference shown", False)
    assert "it may be worse by up to 16.1 points; allowed are less than 5.0" in few.reasons[0]


def test_forgetting_makes_it_worse_however_good_the_primary_metric(made):
    found = made(rows(30, 100) + kept(60, 60), rows(100, 100) + kept(0, 60))
    assert (found.verdict, found.passed, found.exit_code) == ("worse", False, 1)
    assert found.metrics[0].outcome == "improved"
    assert found.reasons == ("retention/exact_match: worse by 100.0 points; allowed are less than 10.0",)


def test_a_retention_set_too_small_for_its_margin_is_no_pass(made):
    found = made(rows(30, 100) + kept(10, 10), rows(60, 100) + kept(10, 10))
    assert (found.verdict, found.passed) == ("improved", False)
    assert "not shown to stay within its margin" in found.reasons[0]


def test_a_loss_within_its_margin_that_may_be_larger_is_said_as_that(made):
    found = made(rows(30, 100) + kept(100, 100), rows(100, 100) + kept(91, 100))  # 9 worse, none better: p = 0.004
    assert found.passed is False and "it may be worse by up to 16.2 points" in found.reasons[0]


def test_a_retention_set_that_the_gate_asks_for_and_nobody_has(made):
    found = made(rows(30, 100), rows(60, 100), Gate(forgetting=0.05))
    assert (found.verdict, found.passed, found.exit_code) == ("could not be measured", None, 2)
    assert "there is no retention set" in found.reasons[0]


def test_without_a_retention_set_the_comparison_says_so(made):
    assert "forgetting was not looked at: the records have no retention set" in made(rows(30, 100), rows(60, 100)).notes


@pytest.mark.parametrize("side", [0, 1])
def test_a_row_without_an_answer_is_never_a_pass(made, side):
    pair = [rows(30, 100), rows(60, 100)]
    pair[side] = replaced(
        pair[side], 99, finish_reason="error", error="timed out after 60 s", scores={"exact_match": ScoreValue(None)}
    )
    found = made(*pair)
    assert (found.verdict, found.passed, found.exit_code) == ("could not be measured", None, 2)
    assert "1 of 100 rows have no score in one of the records" in found.reasons[0]
    assert f"'row-99' of the {('baseline', 'run')[side]}: timed out after 60 s" in found.reasons[0]


def test_an_error_counts_even_where_it_was_given_a_score(made):
    after = replaced(rows(60, 100), 0, finish_reason="error", error="cut off")
    assert made(rows(30, 100), after).verdict == "could not be measured"


def test_rows_that_neither_has_a_score_for_are_left_out(made):
    before, after = ([*values, None, None] for values in ([0.0] * 20, [1.0] * 20))
    found = made(samples({"exact_match": before}), samples({"exact_match": after}))
    assert (found.metrics[0].n, found.verdict) == (20, "improved")


def test_an_unmeasured_secondary_metric_is_shown_and_does_not_decide(made):
    before = rows(30, 100, regex=[1.0] * 99 + [None])
    after = rows(60, 100, regex=[1.0] * 100)
    found = made(before, after)
    assert found.passed is True
    assert found.metrics[1].outcome == "could not be measured"


def test_less_is_better_is_turned_round(made):
    before = rows(30, 100, ungrounded_value_rate=[0.0] * 100)
    after = rows(60, 100, ungrounded_value_rate=[0.5] * 40 + [0.0] * 60)
    found = made(before, after)
    guard = found.metrics[1]
    assert (guard.metric, guard.role, guard.gain, guard.worse) == (
        "ungrounded_value_rate",
        "guard",
        pytest.approx(-0.2),
        40,
    )
    assert (found.verdict, found.passed) == ("worse", False)
    assert made(before, after, Gate(ungrounded=0.4)).passed is True


def test_a_scorer_that_the_gate_asks_for_and_nobody_used(made):
    found = made(rows(30, 100), rows(60, 100), Gate(ungrounded=0.05))
    assert (found.passed, found.metrics[1].reason) == (None, "none of 100 rows has a score")


def test_rows_of_one_conversation_are_one_cluster(made):
    def grouped(values):
        return [sample(i, {"exact_match": v}, group=f"talk {i // 10}") for i, v in enumerate(values)]

    found = made(grouped([0.0] * 50), grouped([1.0] * 30 + [0.0] * 20)).metrics[0]
    assert (found.n, found.clusters, found.test) == (50, 5, "sign flip by cluster")
    assert found.p == 0.25  # three conversations that moved: two of eight patterns are as far out
    assert found.outcome == "no difference shown"


def test_secondary_metrics_are_corrected_for_their_number(made):
    many = {f"m{i}": [1.0] * 6 + [0.0] * 94 for i in range(4)}  # p = 1/32 each
    found = made(rows(30, 100, **{name: [0.0] * 100 for name in many}), rows(60, 100, **many))
    others = found.metrics[1:]
    assert [c.p for c in others] == [2 * 0.5**6] * 4
    assert [c.p_adjusted for c in others] == [8 * 0.5**6] * 4
    assert {c.outcome for c in others} == {"no difference shown"}
    assert found.metrics[0].p_adjusted is None


def test_further_guards(made):
    before, after = rows(30, 100, regex=[1.0] * 100), rows(60, 100, regex=[1.0] * 90 + [0.0] * 10)
    found = made(before, after, Gate(guards={"regex": 0.05}))
    assert (found.metrics[1].role, found.metrics[1].outcome, found.verdict) == ("guard", "worse", "worse")
    assert made(before, after, Gate(guards={"regex": 0.2})).passed is True
    with pytest.raises(UsageError, match="guards 'json', which the records do not have"):
        made(before, after, Gate(guards={"json": 0.2}))


def test_latency_is_compared_on_one_machine_only(made):
    slow = [msgspec.structs.replace(s, seconds=3 * s.seconds) for s in rows(60, 100)]
    same = made(rows(30, 100), slow)
    assert [t.name for t in same.latency] == ["seconds_p50", "seconds_p95", "ms_per_token"]
    assert [(t.ratio, t.in_turns, t.within_margin) for t in same.latency] == [(pytest.approx(3), False, None)] * 3
    assert same.passed is True and any("each model was timed by itself" in note for note in same.notes)
    found = made(rows(30, 100), slow, Gate(latency=0.2))
    assert (found.verdict, found.passed) == ("improved", False)
    assert "seconds_p95: 3.00 times the baseline" in found.reasons[0]
    assert made(rows(30, 100), rows(60, 100), Gate(latency=0.2)).passed is True
    other = {"environment": Environment(python="3.12", system="Linux")}
    found = made(rows(30, 100), slow, Gate(latency=0.2), other)
    assert found.passed is None and "different machines" in found.reasons[0]
    assert any("python differ" in note for note in found.notes)


def test_a_longer_answer_is_slower_in_all_and_not_per_token(made):
    longer = [msgspec.structs.replace(s, seconds=2 * s.seconds, tokens=19) for s in rows(60, 100)]
    _, whole, token = made(rows(30, 100), longer, Gate(latency=0.2)).latency
    assert (whole.within_margin, token.within_margin) == (False, True)


def test_times_of_batches_are_not_compared(made):
    batched = [msgspec.structs.replace(s, batch=8) for s in rows(60, 100)]
    found = made(rows(30, 100), batched, Gate(latency=0.2))
    assert found.passed is None and "in batches" in found.reasons[0]
    assert made(rows(30, 100), batched).passed is True


def test_a_metric_that_applies_to_no_row_is_told_and_not_shown(made):
    before, after = (rows(passed, 100, regex=[None] * 100) for passed in (30, 60))
    found = made(before, after)
    assert [change.metric for change in found.metrics] == ["exact_match"]
    assert "no row has a score, so not compared: regex on test" in found.notes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (
            {"decoding": Decoding(max_new_tokens=65, engine="transformers")},
            "decoding.max_new_tokens: 64 in the baseline, 65",
        ),
        ({"rendering": Rendering(renderer="prepdata", prompt_ids=sha("other"))}, "rendering.prompt_ids"),
        ({"scorers": ()}, "scorers.exact_match"),
    ],
)
def test_records_that_cannot_be_compared(made, changes, field):
    with pytest.raises(UsageError) as caught:
        made(rows(30, 100), rows(60, 100), changes=changes)
    assert "cannot be compared; they differ in" in str(caught.value)
    assert field in str(caught.value)


def test_other_rows_cannot_be_compared(made):
    with pytest.raises(UsageError, match="samples: 1 rows only in the baseline, 0 only in the run"):
        made(rows(30, 100), rows(60, 100)[:99])


def test_an_arm_with_another_prompt_can_be_compared(made):
    changes = {
        "kind": "prompted",
        "arm": Arm(few_shot=3),
        "rendering": Rendering(renderer="prepdata", prompt_ids=sha("x")),
    }
    assert made(rows(30, 100), rows(60, 100), changes=changes).passed is True


def test_a_metric_that_neither_has(made):
    with pytest.raises(UsageError, match=r"neither record has the metric 'exact_mach'\. Did you mean 'exact_match'"):
        made(rows(30, 100), rows(60, 100), Gate(primary="exact_mach"))


def test_a_metric_that_the_retention_set_does_not_have(made):
    both = rows(30, 100) + kept(60, 60), rows(60, 100) + kept(60, 60)
    with pytest.raises(UsageError, match=r"neither record has 'accuracy' on the retention set\. They have exact_match"):
        made(*both, Gate(forgetting_metric="accuracy"))
    assert made(*both, Gate(forgetting_metric="exact_match")).passed is True


def test_notes_on_what_looks_wrong(tmp_path):
    one = measured(tmp_path / "a.json", rows(30, 100), created="2026-11-30T00:00:00Z")
    assert "the two records are one and the same" in compare(one, one, Gate()).notes
    other = measured(tmp_path / "b.json", rows(60, 100), **LATER)
    assert any("recorded after the run" in note for note in compare(one, other, Gate()).notes)


def test_what_has_no_score_for_each_row_is_told_and_not_tested(made):
    def with_f1(held, value):
        found = record(held).results
        found["test"]["f1_macro"] = Aggregate(value=value, n=100)
        return {"results": found}

    one, other = rows(30, 100), rows(60, 100)
    found = made(one, other, changes=with_f1(other, 0.9), before_changes=with_f1(one, 0.4))
    assert "f1_macro on test, not tested: 0.400 before, 0.900 after" in found.notes
    assert [change.metric for change in found.metrics] == ["exact_match"]


def test_the_same_comparison_twice(made):
    before, after = (samples({"chrf": [((i * k) % 17) / 17 for i in range(40)]}) for k in (3, 5))
    assert made(before, after) == made(before, after)


def test_gate_from_a_file_and_flags(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(
        '[gate]\nprimary = "accuracy"\nforgetting = 0.03\nforgetting-metric = "regex"\n[gate.guards]\nregex = 0.1\n'
    )
    gate = read_gate(file, {"forgetting": 0.2, "alpha": None, "guards": {"retention/regex": 0.0}})
    assert (gate.primary, gate.forgetting, gate.forgetting_metric, gate.alpha) == ("accuracy", 0.2, "regex", 0.05)
    assert gate.guards == {"regex": 0.1, "retention/regex": 0.0}
    assert read_gate(None, {}) == Gate()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gate]\nforgeting = 0.1", "unknown setting 'gate.forgeting'. Did you mean 'forgetting'?"),
        ("[gate]\nforgetting = 7", "gate.forgetting: expected a number of at least 0 and at most 1, found 7"),
        ('[gate]\nrequire = "beter"', "gate.require: expected one of improved, not-worse, found 'beter'"),
        ("[gate]\nforgetting = nan", "gate.forgetting: expected a number of at least 0 and at most 1, found nan"),
        ("[gate]\nforgetting-metric = 1", "gate.forgetting-metric: expected a text, found 1"),
        ("[gate.guards]\nregex = '2%'", "gate.guards.regex: expected a number of at least 0 and at most 1, found '2%'"),
        ("", "has no table 'gate'. Write [gate]"),
        ("[gates]\nprimary = 'regex'", "has no table 'gate'. There is 'gates'. Write [gate]"),
        ("gate = 3", "'gate' must be a table"),
        ("[gate]\nguards = 3", "gate.guards: expected a table of metrics with margins, found 3"),
        ("[gate", "not valid TOML"),
    ],
)
def test_a_wrong_gate(tmp_path, text, said):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_gate(file, {})
    assert said in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {"guards": {"exact_match": 2.0}},
            "--guard exact_match: expected a number of at least 0 and at most 1, found 2.0",
        ),
        ({"alpha": 0.0}, "--alpha: expected a number above 0 and at most 0.2, found 0.0"),
        ({"margin": -1.0}, "--margin: expected a number of at least 0 and at most 1, found -1.0"),
        ({"forgetting_metric": "regex", "latency": -1.0}, "--latency: expected a number of at least 0, found -1.0"),
    ],
)
def test_a_wrong_flag_is_named_and_not_the_file(tmp_path, flags, said):
    file = tmp_path / "gate.toml"
    file.write_text("[gate]\nalpha = 0.01\n[gate.guards]\nregex = 0.1\n")
    for path in (file, None):
        with pytest.raises(ConfigError) as caught:
            read_gate(path, flags)
        assert str(caught.value) == said


def test_all_mistakes_of_a_gate_are_told_at_once(tmp_path):
    file = tmp_path / "gate.toml"
    file.write_text("[gate]\nalpha = 1\nsed = 3\n[gate.guards]\nregex = 2\nchrf = 0.1\n")
    with pytest.raises(ConfigError) as caught:
        read_gate(file, {"seed": -1})
    lines = str(caught.value).replace(str(file), "F").split("\n")
    assert [line.split(":")[1].split(".")[0].strip() for line in lines if line.startswith("F")] == [
        "unknown setting 'gate", "gate", "gate",
    ]  # fmt: skip
    assert any(line.startswith("--seed: expected a whole number of at least 0") for line in lines)


def test_an_empty_gate_is_one_that_is_there(tmp_path):
    file = tmp_path / "gate.toml"
    file.write_text("[gate]\n")
    assert read_gate(file, {}) == Gate()


def test_a_gate_in_yaml_beside_other_settings(tmp_path):
    pytest.importorskip("yaml")
    file = tmp_path / "run.yaml"
    file.write_text("model: base\ngate:\n  forgetting_metric: regex\n  guards: {regex: 0.1}\n")
    assert read_gate(file, {}) == Gate(forgetting_metric="regex", guards={"regex": 0.1})
    file.write_text("gate: {alpha: 5e-2}")
    assert read_gate(file, {}).alpha == 0.05
    file.write_text("gate: [1")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_gate(file, {})


def test_a_gate_as_editors_of_windows_write_it(tmp_path):
    file = tmp_path / "run.toml"
    file.write_bytes(b'\xef\xbb\xbf[gate]\r\nprimary = "regex"\r\n')
    assert read_gate(file, {}) == Gate(primary="regex")


def test_a_gate_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_gate(tmp_path / "none.toml", {})
