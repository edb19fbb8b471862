"""Numbers of answers whose unit decides, and what RAG001 and RAG002 do not take for a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.rules.rag._facts import missing


@pytest.mark.parametrize(
    ("answer", "context", "text"),
    [
        ("It lasts 36 hours.", "The legs are 36 mm thick.", "36 hours"),
        ("The cord has 25 metres.", "Article X25 has a cord of 4 metres.", "25 metres"),
        ("The cord has 2 metres.", "Model M2 has a cord of 4 metres.", "2 metres"),
        ("It costs 29 dollars.", "It costs 29 euros.", "29 dollars"),
        ("From 8 to 6.", "Open from nine to five.", "8 to 6"),
        ("वारंटी 36 महीने की है।", "मशीन का वजन 36 किलो है।", "36 महीने"),
        ("مدة الضمان ٣٦ شهرًا.", "الوزن 36 كجم.", "٣٦ شهرًا"),
        ("保証は36か月です。", "重さは36kgです。", "36か月"),
        ("वारंटी 48 महीने की है।", "मशीन का वजन 36 किलो है।", "48 महीने"),
        ("定員は70名です。", "定員は45名です。", "70名"),
        ("Notice is 2 months.", "Notice is 14 days.", "2 months"),  # small, but the context counts time
        ("The dose is 2 mg.", "The dose is 2.5 mg a day.", "2 mg"),
        ("The rope weighs 4 kg.", "The rope weighs 4.4 kg.", "4 kg"),
        ("It needs 300 kg.", "It needs 15 bar, a hose of 8 m and 3 filters.", "300 kg"),
        ("Below 40 °F.", "Below 40 °C.", "40 °F"),
        ("Below -40 °C.", "Below 40 °C.", "-40 °C"),
        ("It gained 12 percentage points.", "It gained 12 %.", "12 percentage points"),
        ("It was signed on 6 March 2022.", "It was signed on 3 June 2022.", "6 March 2022"),
        ("Es endet am 4. Juni 2026.", "Der Vertrag endet am 4. Mai 2026.", "4. Juni 2026"),
        ("You need version 3.1.", "Version 3.10 is needed.", "3.1"),
        ("Martin Oduya runs the depot.", "Marta Oduya runs the depot and the office.", "Martin Oduya"),
    ],
)
def test_a_number_with_another_unit_is_shown_with_its_own(answer: str, context: str, text: str) -> None:
    assert [one.text for one in missing(answer, context)] == [text]


@pytest.mark.parametrize(
    ("answer", "context"),
    [
        ("It takes 36 hours.", "It takes thirty-six hours; its legs are 36 mm thick."),  # a number in words may be it
        ("It is about 25 miles.", "It is 40 km away, at 25 A."),
        ("In total it weighs 36 kg.", "Two boxes weigh 12 kg and 24 kg; they are 36 cm wide."),
        ("It takes 2 minutes.", "It needs 2 kg of flour."),  # a small one says little
        ("It was built in the year 1889.", "It was built in 1889."),
        ("2024年3月15日です。", "2024-03-15に開始。15kg。"),
        ("They fell by 25 percent.", "Sales fell from 80 cars to 60 cars."),
        ("About 33 % pay so.", "A third of them pay so."),
        ("From 9 to 5.", "Open from 9:00 to 17:00."),
        ("Thank you for asking Brandt Kettles! Five days.", "A parcel takes five days in all of Europe, at most."),
        ("Es kostet 29,90 Euro.", "Preis: 29,90. Gewicht: 17."),
        ("36 ay.", "Garanti 36 aylık."),  # another form of the unit
        ("$18 a month: $12 and 2 x $3.", "The plan is $12; each extra seat $3. For 2?"),
        ("She was 52: born in 1901, she died in 1954.", "She lived from 1901 to 1954."),
        ("It has a 24-month guarantee.", "The guarantee is two years."),
        ("Until 17 June.", "Goods may be returned for 14 days. It came on 3 June."),
        ("17:30关门。", "营业时间为上午9点至下午5点半。"),
        ("15,000円です。", "入場料は1万5千円です。"),
        ("2023年です。", "令和5年から施行する。"),
        ("It played 1974–79.", "It played from 1974 to 1979."),
        ("It is by Gabriel Garcia Marquez.", "The book is by García Márquez, Gabriel, and it is long."),
        ("It is at home in the United Kingdom, in the North.", "The UK office is in the North, at home."),
        ("Mount Elbrus is about 5.6 km high.", "Mount Elbrus is 5,642 m high."),
        ("At 100 degrees Celsius.", "Boil it at 100 °C."),
        ("25%: 120 of 480.", "Of 480 tickets, 120 were about bills."),
        ("Um halb acht abends, also um 19.30 Uhr.", "Der Einlass ist um 19:30 Uhr, und es gibt keine Garderobe."),
    ],
)
def test_what_is_said_otherwise_is_held(answer: str, context: str) -> None:
    assert missing(answer, context) == []


def report(folder: Path, rule: str, answer: str, **marks: Any) -> list[str]:
    prompt = "Context:\n[1] Parcels to Norway take five days.\n[2] Those to Spain cost 12 euros.\n\nQuestion: And so?"
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    (folder / "x.jsonl").write_text(
        json.dumps({"messages": turns, **marks}, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    found = prepdata.validate(folder / "x.jsonl", select=[rule], tokens=False, cache=False, jobs=1)
    return [one.message for one in found if one.name == rule]


@pytest.mark.parametrize(
    "marks", [{"gold": []}, {"answerable": False}, {"is_impossible": True}, {"metadata": {"gold": []}}]
)
def test_an_answer_against_its_mark_is_told(tmp_path: Path, marks: dict[str, Any]) -> None:
    (said,) = report(tmp_path, "answer-not-in-context", "It costs 12 euros [2].", **marks)
    assert said.startswith("the row marks that its context does not hold the answer, and the answer says '[2]'")


@pytest.mark.parametrize(
    "answer", ["Norway only is named, not Peru [1].", "Peru kommt nicht vor, nur 5 Tage.", "Please ask."]
)
def test_a_decline_in_other_words_is_not_against_its_mark(tmp_path: Path, answer: str) -> None:
    assert not report(tmp_path, "answer-not-in-context", answer, gold=[])


@pytest.mark.parametrize(
    ("answer", "bad"),
    [
        ("The values lie in [0, 1], so x is in [3, 7].", False),
        ("Die Werte liegen im Intervall [0, 1] [1].", False),
        ("x ∈ [0, 5] [2].", False),
        ("As said in [1, 2].", False),
        ("As said in [1, 5].", True),
        ("It is so [0, 1].", True),
        ("It is so [3, 7].", True),
        ("As said in [7].", True),
    ],
)
def test_ends_of_intervals_are_no_citations(tmp_path: Path, answer: str, bad: bool) -> None:
    assert bool(report(tmp_path, "bad-citation", answer)) is bad


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", ["12 kg and ", "1 to 2 ", "33 % ", "x9 ", "[0, 1] in ", "thank you "])
def test_hostile_answers_are_judged_in_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert isinstance(missing(text, "It weighs 5 kg and 7 cm."), list)
    assert isinstance(missing("It weighs 5 kg and 7 cm, 80 %.", text), list)


@pytest.mark.parametrize(
    "context",
    [
        "[1] It needs pressure.\n[2] Parking is free.\n[3] Hoses are green.",
        "Document 2: It needs pressure.\nDocument 3: Hoses are green.",
        '<document index="2">It needs pressure.</document>',
    ],
)
def test_numbers_of_passages_are_no_numbers_of_the_context(context: str) -> None:
    assert [one.text for one in missing("It needs 20 kg.", context)] == ["20 kg"]


def test_names_of_passages_are_no_numbers_of_the_context(tmp_path: Path) -> None:
    marks = {"passages": [{"id": str(place), "text": "Hoses are green."} for place in (1, 2)]}
    assert report(tmp_path, "answer-not-in-context", "It needs 20 kg [2].", **marks)


@pytest.mark.parametrize(
    "answer",
    ['{"days": 5, "country": "Norway"}', "days: 5\ncountry: Norway", "```json\n{}\n```", "- days: 5\n- to: Norway"],
)
def test_answers_that_programs_read_need_no_citation(tmp_path: Path, answer: str) -> None:
    prompt = "Context:\n[1] Parcels to Norway take five days.\n[2] Those to Spain cost 12 euros.\n\nQuestion: "
    rows = [(f"{prompt}{number}?", "Five days [1].") for number in range(30)] + [(f"{prompt}as data?", answer)]
    lines = [
        json.dumps({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]})
        for asked, said in rows
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = prepdata.validate(tmp_path / "x.jsonl", select=["bad-citation"], cache=False, jobs=1, tokens=False)
    assert list(found) == []
    (tmp_path / "x.jsonl").write_text("\n".join(lines[:-1]).replace('[1]."', '."', 1) + "\n", encoding="utf-8")
    found = prepdata.validate(tmp_path / "x.jsonl", select=["bad-citation"], cache=False, jobs=1, tokens=False)
    assert len(list(found)) == 1


@pytest.mark.timeout(120)
def test_large_answers_and_contexts() -> None:
    assert missing("Martin Oduya " * 8_000 + "runs the depot", "Marta Oduya " * 8_000 + "runs the depot")
    named = " ".join(f"the {chr(65 + n % 26)}bcd{chr(97 + n // 26 % 26)} {chr(65 + n % 25)}fghi" for n in range(8_000))
    assert missing(f"This is what it is: {named}.", "It is what it is, and the UK is there. " * 2_000)
    assert missing("3 June 2022 5 days " * 5_000, "3 July 2022 5 days " * 5_000)
