"""The rules as a table: none is idle, none contradicts another, every way is reached, nothing is guessed."""

from __future__ import annotations

import datetime
import random
from itertools import combinations
from types import SimpleNamespace
from typing import ClassVar, get_args

import msgspec
import pytest
from advice_cases import CASES, read

from prepdata.advice.answers import QUESTIONS, Answers
from prepdata.advice.decide import all_hold, decide, holds, unknown
from prepdata.advice.facts import TOLD, Fact, Measured, facts_of, measured_of
from prepdata.advice.model import Condition, Op, guide
from prepdata.rules.cov.cov012_knowledge_heavy import KnowledgeHeavy

RULES = guide()
NUMBERS = {
    "knowledge_tokens": [0, 500, 20_000, 20_001, 200_000, 200_001, 5_000_000],
    "requests_per_day": [0, 10, 1_000, 10_000, 100_000],
    "repeated_prompt_tokens": [0, 400, 3_000, 30_000],
    "reviewed_examples": [0, 49, 199, 200, 5_000],
}


def drawn(dice):
    """Return answers at random, some of them missing, and measurements or none."""
    values = {}
    for name, question in QUESTIONS.items():
        if dice.random() < 0.15:
            continue
        if question.kind == "yes":
            values[name] = dice.random() < 0.4
        elif question.kind == "number":
            values[name] = dice.choice(NUMBERS[name])
        elif question.kind == "choice":
            values[name] = dice.choice(question.choices)
        else:
            values[name] = dice.choice([["nothing"], dice.sample(question.choices[1:], dice.randint(1, 3))])
    measured = Measured(rows=6_000, knowledge_heavy=dice.random() < 0.3) if dice.random() < 0.4 else None
    return Answers(**values), measured


DICE = random.Random(20261129)
MANY = [drawn(DICE) for _ in range(3_000)]
DECIDED = [(facts := facts_of(*pair), decide(RULES, facts), pair) for pair in MANY]


def test_every_source_is_used_and_dated():
    assert {rule.source for rule in RULES.rules} == set(RULES.sources)
    for name, source in RULES.sources.items():
        assert datetime.date(2024, 1, 1) < source.date <= datetime.date(2026, 11, 30)
        assert source.url or name == "judgement"


def test_ids_are_unique_and_every_rule_says_something():
    ids = [rule.id for rule in RULES.rules]
    assert len(set(ids)) == len(ids)
    for rule in RULES.rules:
        assert rule.when
        assert rule.rules_out or rule.favours
        assert {*rule.rules_out, *rule.favours} <= set(RULES.ways)


def test_every_condition_asks_for_a_field_that_is_there_and_fits_it():
    facts = facts_of(Answers(), None)
    for item in [*RULES.rules, *RULES.conflicts]:
        for condition in item.when:
            assert condition.field in facts
            question = QUESTIONS.get(condition.field)
            if question is not None and question.choices:
                wanted = condition.value if isinstance(condition.value, list) else [condition.value]
                assert set(wanted) <= set(question.choices)


def test_no_two_rules_contradict():
    """Same conditions, or those of one among those of the other, and opposite effects on a way."""

    def key(rule):
        return {(c.field, c.op, str(c.value)) for c in rule.when}

    for one, other in combinations(RULES.rules, 2):
        if key(one) <= key(other) or key(other) <= key(one):
            assert not {*one.favours} & {*other.rules_out}, (one.id, other.id)
            assert not {*one.rules_out} & {*other.favours}, (one.id, other.id)
    for rule in RULES.rules:
        assert not {*rule.favours} & {*rule.rules_out}


def test_every_way_is_reached_by_a_written_case():
    reached = {decide(RULES, read(path)[1]).way for path in CASES}
    assert reached >= set(RULES.ways)


def test_every_rule_fires_in_a_written_case():
    fired = {rule.id for path in CASES for rule in decide(RULES, read(path)[1]).fired}
    assert fired == {rule.id for rule in RULES.rules}


def test_every_way_can_be_ruled_out_but_the_last():
    assert {way for rule in RULES.rules for way in rule.rules_out} == set(RULES.ways) - {"not-enough-data"}


def test_a_verdict_is_never_ruled_out_and_always_has_a_reason():
    assert sum(1 for _, decision, _ in DECIDED if decision.way) > 500
    for _, decision, pair in DECIDED:
        if decision.way is not None:
            assert all(decision.way not in rule.rules_out for rule in decision.fired)
            assert any(decision.way in rule.favours for rule in decision.fired), pair


def test_without_a_verdict_something_is_named():
    for _, decision, _ in DECIDED:
        if decision.way is None:
            assert decision.missing or decision.conflicts
        else:
            assert not decision.missing
            assert not decision.conflicts


def test_a_verdict_stands_whatever_the_missing_answers_are():
    """No answer that is lacking can overturn a verdict, unless it contradicts the others."""
    tried = 0
    for _, decision, (answers, measured) in DECIDED:
        lacking = [name for name in QUESTIONS if getattr(answers, name) is None]
        if decision.way is None or not lacking:
            continue
        for _ in range(5):
            other, _ = drawn(DICE)
            filled = msgspec.structs.replace(answers, **{name: getattr(other, name) for name in lacking})
            again = decide(RULES, facts_of(filled, measured))
            tried += 1
            assert again.way == decision.way or again.conflicts
    assert tried > 500


def test_all_that_is_named_is_all_that_is_needed():
    """Whoever answers all questions at once has a verdict, or answers that exclude each other."""
    tried = 0
    for _, decision, (answers, measured) in DECIDED:
        named = [*decision.missing, *decision.later]
        assert len(set(named)) == len(named)
        if decision.way is not None:
            assert not named
            continue
        for _ in range(5):
            other, _ = drawn(DICE)
            filled = {name: getattr(other, name) for name in named}
            if None in filled.values():
                continue
            again = decide(RULES, facts_of(msgspec.structs.replace(answers, **filled), measured))
            tried += 1
            assert again.way or again.conflicts
    assert tried > 500


def test_every_operation_is_used():
    used = {c.op for item in [*RULES.rules, *RULES.conflicts] for c in item.when}
    assert used == set(get_args(Op))


def test_limits_that_no_source_gives_are_called_judgement():
    by_id = {rule.id: rule for rule in RULES.rules}
    for name in (
        "enough-examples",
        "too-few-examples",
        "long-prompt-into-weights",
        "prompt-too-dear",
        "context-too-dear",
        "smaller-than-passages",
        "few-sources-by-number",
        "sources-to-pick-out",
        "nothing-fails",
    ):
        assert by_id[name].source == "judgement", name


def test_a_dear_prompt_does_not_lead_to_a_dearer_one():
    # 150,000 tokens x 200 calls = 30 million a day, from which on a working prompt is put into weights. Where the file is
    # full of facts that is no way, and documents in the prompt, or passages, would be sent besides: the prompt stays.
    answers = Answers(
        fails=["nothing"],
        prompting_tried="few-shot",
        prompting_result="good-enough",
        cite_sources=False,
        repeated_prompt_tokens=150_000,
        requests_per_day=200,
        knowledge_tokens=190_000,
        knowledge_changes="never",
        latency="seconds",
        reviewed_examples=300,
    )
    assert decide(RULES, facts_of(answers, Measured(rows=300, knowledge_heavy=True))).way == "prompt-first"
    assert decide(RULES, facts_of(answers, Measured(rows=300, knowledge_heavy=False))).way == "fine-tuning"
    fewer = msgspec.structs.replace(answers, requests_per_day=199)
    assert decide(RULES, facts_of(fewer, Measured(rows=300, knowledge_heavy=False))).way == "prompt-first"


@pytest.mark.parametrize(
    ("rows", "ran", "found", "lacks", "heavy"),
    [(300, True, 0, [], False), (300, True, 1, [], True), (300, False, 0, [], None), (49, True, 0, [], None), (50, True, 0, [], False),
     (300, True, 0, ["more answers that it can look into"], None)],
)  # fmt: skip
def test_silence_of_a_rule_that_could_not_tell_is_no_answer(rows, ran, found, lacks, heavy):
    class Report(list):
        examples = rows + 3
        measures: ClassVar = {"choosing": {"rows": rows, "marked_rows": 0, "reviewed_rows": 0, "negative_rows": 0}}
        not_run: ClassVar = [SimpleNamespace(name="knowledge-heavy", needs=needs) for needs in lacks]

    seen = measured_of(Report(SimpleNamespace(code="COV012", message="facts") for _ in range(found)), ran)
    assert seen.knowledge_heavy is heavy
    assert seen.unread_rows == 3
    assert (seen.knowledge_needs is None) == (heavy is not None or not ran)


def test_what_is_missing_is_what_nobody_answered():
    for _, decision, (answers, _) in DECIDED:
        assert all(getattr(answers, name) is None for name in decision.missing)


@pytest.mark.parametrize(
    ("op", "value", "wanted", "found"),
    [("is", "a", "a", True), ("in", "a", ["b"], False), ("has-any", ["a", "b"], ["b"], True),
     ("has-any", ["a"], ["b"], False), ("over", 5, 5, False), ("at-least", 5, 5, True), ("below", 5, 5, False),
     ("at-most", 5, 5, True), ("is", None, True, None), ("over", None, 5, None)],
)  # fmt: skip
def test_conditions(op, value, wanted, found):
    assert holds(Condition("x", op, wanted), {"x": Fact(value, ("x",))}) is found


def test_three_values():
    facts = {"yes": Fact(True, ("yes",)), "no": Fact(False, ("no",)), "open": Fact(None, ("open",))}
    true, false, none = (Condition(name, "is", True) for name in facts)
    assert all_hold([true, true], facts) is True
    assert all_hold([none, false], facts) is False
    assert all_hold([true, none], facts) is None
    assert unknown([true, none], facts) == ["open"]


def test_an_unknown_field_is_an_error():
    with pytest.raises(KeyError):
        holds(Condition("nonsense", "is", True), {})


@pytest.mark.parametrize(
    ("answers", "gap"),
    [({}, None), ({"fails": ["tone"]}, None), ({"fails": ["tone"], "cite_sources": False}, False),
     ({"cite_sources": True}, True), ({"fails": ["facts-stale"]}, True)],
)  # fmt: skip
def test_knowledge_gap(answers, gap):
    assert facts_of(Answers(**answers), None)["knowledge_gap"].value is gap


def test_a_gap_goes_back_to_one_sign_of_it():
    answers = Answers(fails=["facts-stale"], cite_sources=True)
    assert facts_of(answers, Measured(knowledge_heavy=True))["knowledge_gap"] == Fact(True, ("fails",))
    assert facts_of(Answers(cite_sources=True), None)["knowledge_gap"] == Fact(True, ("cite_sources",))


@pytest.mark.parametrize(
    ("answers", "fact"),
    [({}, Fact(None, ("prompting_result",))), ({"fails": ["tone"]}, Fact(None, ("prompting_result",))),
     ({"fails": ["nothing"]}, Fact(False, ("fails",))), ({"prompting_result": "good-enough"}, Fact(False, ("prompting_result",))),
     ({"fails": ["nothing"], "prompting_result": "falls-short"}, Fact(True, ("prompting_result",)))],
)  # fmt: skip
def test_where_nothing_fails_the_prompt_does_not_fall_short(answers, fact):
    assert facts_of(Answers(**answers), None)["prompt_falls_short"] == fact


def test_reviews_in_the_file_count_where_nobody_answered():
    measured = Measured(rows=300, reviewed_rows=250)
    assert facts_of(Answers(), measured)["examples"] == Fact(250, ("reviewed_rows",))
    assert facts_of(Answers(reviewed_examples=10), measured)["examples"] == Fact(10, ("reviewed_examples",))
    assert facts_of(Answers(), Measured(rows=300))["examples"].value is None


def test_the_rule_about_knowledge_speaks_from_as_many_answers():
    assert KnowledgeHeavy.Options().least == TOLD


def test_more_reviewed_than_there_are_rows_is_asked():
    decision = decide(RULES, facts_of(Answers(reviewed_examples=400), Measured(rows=300)))
    assert [c.between for c in decision.conflicts] == [["reviewed_examples"]]


def test_facts_without_documents_are_asked_for():
    answers = Answers(knowledge_tokens=0)
    decision = decide(RULES, facts_of(answers, Measured(rows=300, knowledge_heavy=True)))
    assert [c.between for c in decision.conflicts] == [["knowledge_tokens", "knowledge_heavy"]]


ONE_PAGE = {"fails": ["facts-missing"], "requests_per_day": 10**7, "latency": "seconds", "prompting_tried": "few-shot",
            "prompting_result": "falls-short", "reviewed_examples": 0}  # fmt: skip


@pytest.mark.parametrize("cite", [True, False])
@pytest.mark.parametrize(("tokens", "way"), [(1, "long-context"), (4_000, "long-context"), (4_001, "rag")])
def test_retrieval_never_sends_as_much_as_all_documents_have(tokens, way, cite):
    # 4,000 tokens of passages are the most that `prepdata cost --compare` takes for retrieval.
    answers = Answers(**ONE_PAGE, knowledge_tokens=tokens, cite_sources=cite)
    assert decide(RULES, facts_of(answers, None)).way == way


@pytest.mark.parametrize(("tokens", "way"), [(4_001, "long-context"), (8_000, "long-context"), (8_001, "rag")])
def test_few_sources_are_cited_by_number(tokens, way):
    answers = Answers(**{**ONE_PAGE, "requests_per_day": 10}, knowledge_tokens=tokens, cite_sources=True)
    assert decide(RULES, facts_of(answers, None)).way == way


@pytest.mark.parametrize("tried", ["none", "instructions", "few-shot"])
@pytest.mark.parametrize(("calls", "way"), [(9_999, "prompt-first"), (10_000, "fine-tuning")])
def test_where_nothing_fails_it_does_not_matter_what_was_tried(tried, calls, way):
    answers = Answers(fails=["nothing"], prompting_tried=tried, cite_sources=False, requests_per_day=calls,
                      repeated_prompt_tokens=3_000, reviewed_examples=5_000, knowledge_tokens=0)  # fmt: skip
    decision = decide(RULES, facts_of(answers, None))
    assert decision.way == way
    told = next(rule.summary for rule in decision.fired if rule.summary and way in rule.favours)
    assert told.startswith("No tuning is needed" if way == "prompt-first" else "Nothing fails")


def test_a_summary_stands_in_rules_that_favour_one_way():
    assert all(len(rule.favours) == 1 for rule in RULES.rules if rule.summary)
