"""Documents that are nearly the same."""

from __future__ import annotations

import random

import pytest
from rag_library import DOCUMENTS

from prepdata.index.few import ROWS
from prepdata.rag_rows.twins import alike, twins

PAGE = (
    "Goods may be returned within 14 days of delivery, in their box and with the receipt. The label is free in the EU and "
    "costs nine euros elsewhere. A refund takes five working days after the parcel was checked by the staff."
)
NEWER = PAGE.replace("14 days", "30 days").replace("nine euros", "twelve euros")


def test_copies_and_versions_of_a_page_are_twins() -> None:
    texts = {**DOCUMENTS, "old/returns.md": PAGE, "new.md": NEWER, "copy.md": "  " + PAGE.upper()}
    assert twins(texts) == {"new.md": "copy.md", "old/returns.md": "copy.md"}


def test_other_documents_are_none() -> None:
    assert twins(DOCUMENTS) == {}
    assert twins({}) == {} and twins({"a.md": "", "b.md": "x"}) == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PAGE, NEWER, True),
        (PAGE, PAGE + " Ask at the counter.", True),
        (PAGE, "Goods are sent within 14 days of the order, and the label is printed by us.", False),
        ("该设备重15公斤，电缆长3米，保修期为两年。", "该设备重15公斤，电缆长4米，保修期为两年。", True),
        ("Die Garantie gilt drei Jahre.", "Der Versand dauert drei Tage.", False),
    ],
)
def test_passages_are_alike_by_their_runs_of_words(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_what_many_documents_share_is_their_template() -> None:
    notes = " ".join(f"safety note number {n} reads as follows" for n in range(20))
    texts = {f"{n:03}.md": f"Lamp {n * 7919} has {n * 104729} parts, says {n * 1299709}. {notes}" for n in range(80)}
    assert twins(texts) == {}


def test_many_documents_are_compared_as_few_are() -> None:
    pick = random.Random(1)
    words = [f"w{number}" for number in range(5000)]
    texts = {f"{n:04}.md": " ".join(pick.choices(words, k=40)) for n in range(ROWS + 100)}
    texts["copy.md"], texts["near.md"] = texts["0007.md"], texts["0009.md"] + " more"
    assert twins(texts) == {"copy.md": "0007.md", "near.md": "0009.md"}
