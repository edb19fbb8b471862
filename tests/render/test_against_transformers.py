"""Text, token ids and assistant masks of every chat template are those of transformers, row by row."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from catalogue import CHAT_TEMPLATES, ChatTemplate
from rows import HAND, PROBES, Row, generated_rows
from side_by_side import REFUSED, Outcome, Way, differing, expected, found, opened, ways
from template_folders import folder_for, in_file
from tokenizers_made import KINDS

SAMPLES = Path(__file__).parents[2] / "samples"
GENERATED = 1000
"""Generated rows of each template with the kind of tokenizer that its models have ..."""
FEWER = 40
"""... and with every other kind."""


def _some(rows: Iterable[Row], template: ChatTemplate) -> Iterator[tuple[Row, Way]]:
    """Every row in one way, the ways in turn."""
    return zip(rows, itertools.cycle(ways(template)))


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_rows_by_hand_in_every_way(template: ChatTemplate, tmp_path: Path) -> None:
    asked = list(itertools.product(HAND, ways(template)))
    different, rendered = differing(folder_for(template, template.kind, tmp_path / "model"), asked)
    assert not different, different[0]
    assert rendered > len(asked) / 4, "most rows do not come out: this compares too little"


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_generated_rows(template: ChatTemplate, tmp_path: Path) -> None:
    rows = generated_rows(CHAT_TEMPLATES.index(template), GENERATED, template.tokens)
    different, rendered = differing(folder_for(template, template.kind, tmp_path / "model"), _some(rows, template))
    assert not different, different[0]
    assert rendered > GENERATED / 4, "most rows do not come out: this compares too little"


@functools.cache
def sample_rows() -> tuple[Row, ...]:
    """Return every row of samples/ that is a conversation."""
    lines = [line for file in sorted(SAMPLES.rglob("*.jsonl")) for line in file.read_bytes().split(b"\n") if line]
    held = []
    for line in lines:
        with contextlib.suppress(ValueError):  # no JSON, or half characters, which transformers cannot tokenise
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode()
            held.append(row)
    chats = [row for row in held if isinstance(row, dict) and isinstance(row.get("messages"), list) and row["messages"]]
    good = [row for row in chats if all(isinstance(turn, dict) for turn in row["messages"])]
    tools = [row["tools"] if isinstance(row.get("tools"), list) else None for row in good]
    return tuple(Row(f"sample {n}", row["messages"], given) for n, (row, given) in enumerate(zip(good, tools)))


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_samples(template: ChatTemplate, tmp_path: Path) -> None:
    """A third of the rows with each template, another third with the next; all with all were compared by hand."""
    rows = sample_rows()[CHAT_TEMPLATES.index(template) % 3 :: 3]
    asked = zip(rows, itertools.repeat(Way()))
    different, rendered = differing(folder_for(template, template.kind, tmp_path / "model"), asked)
    assert not different, different[0]
    assert rendered > len(rows) / 10 or "system" in template.refuses


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_every_other_kind_of_tokenizer(template: ChatTemplate, tmp_path: Path) -> None:
    for kind in KINDS:
        if kind != template.kind:
            rows = [*HAND, *generated_rows(-1, FEWER, template.tokens)]
            different, _ = differing(folder_for(template, kind, tmp_path / kind), _some(rows, template))
            assert not different, f"{kind}: {different[0]}"


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_what_the_catalogue_says_is_refused_is_refused(template: ChatTemplate, tmp_path: Path) -> None:
    way = Way()
    renderer, tokenizer = opened(in_file(template, template.kind, tmp_path / "model"))
    sides: list[Callable[[Row], Outcome]] = [
        lambda row: expected(tokenizer, row, way),
        lambda row: found(renderer, row, way),
    ]
    for outcome in sides:
        assert {row.name for row in PROBES if outcome(row) == Outcome(REFUSED)} == set(template.refuses)


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_what_the_catalogue_says_is_known_changes_the_text(template: ChatTemplate, tmp_path: Path) -> None:
    renderer, _ = opened(in_file(template, template.kind, tmp_path / "model"))
    user, answer = PROBES[0].messages
    plain = renderer.render([user, answer]).text
    tools = next(row.tools for row in HAND if row.name == "tools without a system prompt")
    documents = next(row.documents for row in HAND if row.name == "documents")
    assert ("tools" in template.knows) == (renderer.render([user, answer], tools).text != plain)
    assert ("documents" in template.knows) == (renderer.render([user, answer], None, documents).text != plain)
    assert ("system" in template.knows) == ("system" not in template.refuses)
    if "system" in template.knows:
        system = {"role": "system", "content": "Be brief."}
        ends = [system, user, answer], [system, user]  # one format has it before the last message, if a user's
        assert any("Be brief." in renderer.render(messages).text for messages in ends)


def test_templates_mark_what_the_assistant_says() -> None:
    marking = {template.name for template in CHAT_TEMPLATES if "endgeneration" in template.text}
    assert len(CHAT_TEMPLATES) >= 30
    assert len(CHAT_TEMPLATES) / 3 < len(marking) < len(CHAT_TEMPLATES) * 2 / 3
