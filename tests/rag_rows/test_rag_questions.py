"""What of a row can be put to documents, and why the rest cannot."""

from __future__ import annotations

from typing import Any

import pytest
from rag_library import asked, record, row

from prepdata.rag_rows.questions import Named, Question, question_of
from prepdata.rag_rows.settings import Left

Q, A = "How long may I return goods?", "You have 14 days."
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CONTEXT = "Context:\n[1] Goods may be returned within 14 days of delivery.\n\nQuestion: How long?"


def turns(*said: tuple[str, Any], **marks: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in said], "gold": ["a.md"], **marks}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (row(Q, A), "no source"),
        (row(Q, A, source=7), "no source"),
        (row(Q, A, source="  "), "no source"),
        (row(Q, A, *[f"{n}.md" for n in range(21)]), "too many sources"),
        (turns(("user", Q)), "no answer"),
        (turns(("user", Q), ("assistant", " ")), "no answer"),
        (turns(("user", Q), ("assistant", A), ("user", "And?")), "no answer"),
        (turns(("system", "Be brief."), ("assistant", A)), "no question"),
        (turns(("user", [{"type": "text", "text": Q}]), ("assistant", A)), "not plain text"),
        (turns(("user", " "), ("assistant", A)), "not plain text"),
        (turns(("user", Q), ("assistant", A), tools=[TOOL]), "tools"),
        (turns(("user", "<image> What?"), ("assistant", A), images=["a.png"]), "media"),
        (turns(("user", CONTEXT), ("assistant", A)), "context in the question"),
        (turns(("user", Q), ("assistant", "You have 14 days [2].")), "cites already"),
        ({"prompt": Q, "chosen": A, "rejected": "30 days.", "gold": ["a.md"]}, "preference pair"),
        ({"messages": [{"role": "user", "content": Q}, {"role": "assistant", "content": A, "weight": 0}], "gold": ["a"]},
         "no answer"),
    ],
)  # fmt: skip
def test_rows_that_give_no_question_say_why(raw: dict[str, Any], kind: str) -> None:
    found = question_of(record(raw))
    assert isinstance(found, Left)
    assert found.kind == kind and found.reason


@pytest.mark.parametrize(
    ("marks", "sources"),
    [
        ({"gold": ["a.md"]}, (Named("a.md"),)),
        ({"gold": "a.md"}, (Named("a.md"),)),
        ({"gold": ["a.md", "a.md", "b.md#2"]}, (Named("a.md"), Named("b.md#2"))),
        ({"source": "a.md"}, (Named("a.md"),)),
        ({"source": ["a.md", "b.md"]}, (Named("a.md"), Named("b.md"))),
        ({"source": "handbook", "gold": ["a.md"]}, (Named("a.md"),)),
        ({"passages": [{"id": "1", "source": "a.md", "text": "Within 14 days."}, {"id": "2", "text": "No."}],
          "gold": ["1"]}, (Named("a.md", "Within 14 days."),)),
        ({"gold": [{"source": "a.md", "text": "Within 14 days."}]}, (Named("a.md", "Within 14 days."),)),
        ({"passages": [{"text": "Within 14 days."}]}, (Named("", "Within 14 days."),)),
    ],
)  # fmt: skip
def test_sources_are_named_by_marks(marks: dict[str, Any], sources: tuple[Named, ...]) -> None:
    assert asked(Q, A, **marks).sources == sources


@pytest.mark.parametrize("marks", [{"gold": []}, {"answerable": False}, {"answerable": False, "gold": ["a.md"]}])
def test_a_row_may_say_that_nothing_holds_its_answer(marks: dict[str, Any]) -> None:
    found = asked(Q, "That is not in the documents.", **marks)
    assert found.none and not found.sources


def test_marks_are_kept_but_those_about_passages() -> None:
    marks = {"id": "a", "source": "mail", "label": "returns", "facts": ["14 days"], "group": 7}
    found = asked(Q, A, "a.md", **marks, metadata={"by": "jo", "documents": ["x"]})
    assert found.marks == {"id": "a", "source": "mail", "label": "returns", "facts": ["14 days"]}
    assert found.metadata == {"by": "jo"} and found.group == "7"


def test_turns_before_the_question_are_kept() -> None:
    found = question_of(
        record(turns(("system", "S"), ("user", "Hi"), ("assistant", "Hello"), ("user", Q), ("assistant", A)))
    )
    assert isinstance(found, Question)
    assert found.before == (("system", "S"), ("user", "Hi"), ("assistant", "Hello")) and found.text == Q


def test_the_key_hangs_on_what_is_said_and_not_on_marks_or_order_of_sources() -> None:
    one = asked(Q, A, "a.md", "b.md", id="1")
    assert one.key == asked(Q, A, "b.md", "a.md", id="2", label="x").key
    others = [asked(Q, A, "a.md"), asked(Q, "You have 30 days.", "a.md", "b.md"), asked("Why?", A, "a.md", "b.md")]
    assert len({one.key, *(other.key for other in others)}) == 4


def test_other_formats_give_questions_too() -> None:
    found = question_of(record({"prompt": Q, "completion": A, "gold": ["a.md"]}))
    assert isinstance(found, Question)
    assert (found.text, found.answer) == (Q, A)
