"""Text, token ids and assistant masks of every chat template are those of transformers, row by row."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

transformers = pytest.importorskip("transformers", minversion="5.24", reason="what the renderer is held against")

from catalogue import CHAT_TEMPLATES, ChatTemplate
from jinja2 import TemplateError
from rows import HAND, PROBES, Row, generated_rows
from template_folders import folder_for, in_file
from tokenizers_made import KINDS
from transformers.utils import chat_template_utils

from prepdata.render import Rendered, Renderer, TemplateRefusal, open_renderer

transformers.logging.set_verbosity_error()
GENERATED = 1000
"""Generated rows of each template with the kind of tokenizer that its models have ..."""
FEWER = 40
"""... and with every other kind."""
NOW = datetime(2024, 2, 29, 23, 58, 57)
REFUSED = "refused"
STUMBLED = "stumbled"


class Outcome(NamedTuple):
    """What became of a row: text, ids and mask, or why there are none."""

    text: str
    ids: list[int] | None = None
    mask: list[int] | None = None


class Way(NamedTuple):
    """A way to render a row: what is asked for besides."""

    prompt: bool
    going_on: bool
    variables: dict[str, Any]


@pytest.fixture(autouse=True, scope="module")
def _the_same_time() -> Iterator[None]:
    """Templates that write the date are told the same one on both sides."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_template_utils, "datetime", Clock)
        yield


def opened(folder: Path) -> tuple[Renderer, Any]:
    """Return both renderers of a folder."""
    return open_renderer(str(folder), now=NOW), transformers.AutoTokenizer.from_pretrained(folder)


def ways(template: ChatTemplate) -> list[Way]:
    """Return the ways to render rows of a template."""
    asked = [(False, False), (True, False), (False, True)]
    return [Way(*how, variables) for variables, how in itertools.product(template.variables, asked)]


def expected(tokenizer: Any, row: Row, way: Way) -> Outcome:
    """Return what transformers makes of a row."""
    asked: dict[str, Any] = {"tools": row.tools, "documents": row.documents, **way.variables}
    asked |= {"add_generation_prompt": way.prompt, "continue_final_message": way.going_on}
    try:
        text = tokenizer.apply_chat_template(row.messages, tokenize=False, **asked)
    except Exception as error:
        return Outcome(REFUSED if type(error) is TemplateError else STUMBLED)
    asked |= {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": not way.going_on}
    encoded = tokenizer.apply_chat_template(row.messages, **asked)
    return Outcome(text, encoded["input_ids"], encoded.get("assistant_masks"))


def found(renderer: Renderer, row: Row, way: Way) -> Outcome:
    """Return what prepdata makes of a row."""
    try:
        rendered: Rendered = renderer.render(
            row.messages, row.tools, row.documents,
            add_generation_prompt=way.prompt, continue_final_message=way.going_on, **way.variables,
        )  # fmt: skip
    except TemplateRefusal as error:
        return Outcome(REFUSED if error.meant else STUMBLED)
    encoded = renderer.encode(rendered)
    return Outcome(rendered.text, encoded.ids, None if way.going_on else encoded.mask)


def differing(folder: Path, asked: Iterable[tuple[Row, Way]]) -> tuple[list[str], int]:
    """Return the rows that come out differently, and how many of all came out at all."""
    renderer, tokenizer = opened(folder)
    different, rendered = [], 0
    for row, way in asked:
        wanted, got = expected(tokenizer, row, way), found(renderer, row, way)
        rendered += wanted.ids is not None
        if wanted != got:
            different.append(f"{row.name} {way}: transformers {wanted}, prepdata {got}"[:2000])
    return different, rendered


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


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_every_other_kind_of_tokenizer(template: ChatTemplate, tmp_path: Path) -> None:
    for kind in KINDS:
        if kind != template.kind:
            rows = [*HAND, *generated_rows(-1, FEWER, template.tokens)]
            different, _ = differing(folder_for(template, kind, tmp_path / kind), _some(rows, template))
            assert not different, f"{kind}: {different[0]}"


@pytest.mark.parametrize("template", CHAT_TEMPLATES, ids=lambda template: template.name)
def test_what_the_catalogue_says_is_refused_is_refused(template: ChatTemplate, tmp_path: Path) -> None:
    way = Way(False, False, {})
    renderer, tokenizer = opened(in_file(template, template.kind, tmp_path / "model"))
    sides: list[Callable[[Row], Outcome]] = [lambda row: expected(tokenizer, row, way), lambda row: found(renderer, row, way)]
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
