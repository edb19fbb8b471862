"""One row rendered by transformers and by prepdata. Modules that import this are skipped where transformers is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from catalogue import ChatTemplate
from jinja2 import TemplateError
from rows import Row

from prepdata.render import Rendered, Renderer, TemplateRefusal, open_renderer

transformers = pytest.importorskip("transformers", minversion="5.24", reason="what the renderer is held against")
chat_template_utils = pytest.importorskip("transformers.utils.chat_template_utils")
transformers.logging.set_verbosity_error()
NOW = datetime(2024, 2, 29, 23, 58, 57)
REFUSED = "refused"
STUMBLED = "stumbled"


class Clock(datetime):
    """The time that transformers tells templates: always the same."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        """Return the time that prepdata tells them too."""
        return NOW


class Outcome(NamedTuple):
    """What became of a row: text, ids and mask, or why there are none."""

    text: str
    ids: list[int] | None = None
    mask: list[int] | None = None


class Way(NamedTuple):
    """A way to render a row: what is asked for besides."""

    prompt: bool = False
    going_on: bool = False
    variables: dict[str, Any] = {}


def ways(template: ChatTemplate) -> list[Way]:
    """Return the ways to render rows of a template."""
    asked = [(False, False), (True, False), (False, True)]
    return [Way(*how, variables) for variables, how in itertools.product(template.variables, asked)]


def opened(folder: Path) -> tuple[Renderer, Any]:
    """Return both renderers of a folder."""
    return open_renderer(str(folder), now=NOW), transformers.AutoTokenizer.from_pretrained(folder)


def expected(tokenizer: Any, row: Row, way: Way) -> Outcome:
    """Return what transformers makes of a row."""
    asked: dict[str, Any] = {"tools": row.tools, "documents": row.documents, **way.variables}
    asked |= {"add_generation_prompt": way.prompt, "continue_final_message": way.going_on}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_template_utils, "datetime", Clock)
        try:
            text = tokenizer.apply_chat_template(row.messages, tokenize=False, **asked)
        except Exception as error:
            return Outcome(REFUSED if type(error) is TemplateError else STUMBLED)
        asked |= {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": not way.going_on}
        encoded = tokenizer.apply_chat_template(row.messages, **asked)
    return Outcome(text, encoded["input_ids"], encoded.get("assistant_masks"))


def found(renderer: Renderer, row: Row, way: Way) -> Rendered | Outcome:
    """Return what prepdata makes of a row: not yet tokenised, or why there is nothing to tokenise."""
    try:
        return renderer.render(
            row.messages, row.tools, row.documents,
            add_generation_prompt=way.prompt, continue_final_message=way.going_on, **way.variables,
        )  # fmt: skip
    except TemplateRefusal as error:
        return Outcome(REFUSED if error.meant else STUMBLED)


def differing(folder: Path, asked: Iterable[tuple[Row, Way]]) -> tuple[list[str], int]:
    """Return the rows that come out differently, one by one or all at once, and how many of all came out at all."""
    renderer, tokenizer = opened(folder)
    rows = list(asked)
    outcomes = [found(renderer, *one) for one in rows]
    at_once = iter(renderer.encode_all([one for one in outcomes if isinstance(one, Rendered)]))
    different, rendered = [], 0
    for (row, way), got in zip(rows, outcomes):
        wanted = expected(tokenizer, row, way)
        rendered += wanted.ids is not None
        made = [got] if isinstance(got, Outcome) else [
            Outcome(got.text, list(encoded.ids), None if way.going_on else list(encoded.mask))
            for encoded in (renderer.encode(got), next(at_once))
        ]  # fmt: skip
        if any(wanted != one for one in made):
            different.append(f"{row.name} {way}: transformers {wanted}, prepdata {made}"[:2000])
    return different, rendered
