"""What a trainer that reads chat rows and prompt-completion rows finds in a row of any format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from prepdata.formats import get
from prepdata.formats.base import Lossy
from prepdata.record import Record, escape
from prepdata.training.base import NotRead

OWN = frozenset({"openai", "trl-prompt-completion", "trl-preference", "trl-kto", "prompt-completion", "text"})
"""Formats whose values are taken as they stand; rows of the others are written as chat rows first."""

_GIVEN = frozenset({"self", "messages", "tools", "documents", "add_generation_prompt", "continue_final_message"})
"""Names that every rendering has already."""


class Reading(NamedTuple):
    """A row as chat or as prompt and completion, values as the row has them.

    Args:
        messages: the turns of a chat row; None for the others.
        prompt, completion: both lists of turns, or both texts; None for chat rows and plain texts.
        text: of a row that is nothing but a text.
        tools: declared tools, None where there are none.
        documents: documents of the row, None where there are none.
        variables: further variables for the template (`chat_template_kwargs`).
    """

    messages: list[Any] | None = None
    prompt: list[Any] | str | None = None
    completion: list[Any] | str | None = None
    text: str | None = None
    tools: list[Any] | None = None
    documents: list[Any] | None = None
    variables: dict[str, Any] = {}


def read(record: Record) -> Reading:
    """Return what a row holds for a trainer. Of a preference row, the chosen answer.

    Raises:
        NotRead: the row cannot be said as chat; says why.
    """
    raw = record.raw
    if record.format not in OWN:
        try:
            raw = get("openai").write(record)
        except Lossy as error:
            raise NotRead(f"the row cannot be written as chat: {error.args[0]}") from error
    around = Reading(tools=_tools(raw), documents=_listed(raw.get("documents")), variables=_variables(raw))
    if record.format == "text":
        return around._replace(text=record.messages[0].text if record.messages else "")
    if isinstance(raw.get("messages"), list):
        return around._replace(messages=raw["messages"])
    answer = raw.get("chosen", raw.get("completion"))
    prompt = raw.get("prompt")
    if isinstance(prompt, list) and isinstance(answer, list):
        return around._replace(prompt=prompt, completion=answer)
    if isinstance(answer, list):  # a preference row whose prompt stands in both answers
        return around._replace(messages=answer)
    before, after = record.split()
    return around._replace(prompt="\n".join(m.text for m in before), completion="\n".join(m.text for m in after))


def _tools(raw: dict[str, Any]) -> list[Any] | None:
    """Return the declared tools, which some write as JSON text."""
    tools = raw.get("tools")
    if isinstance(tools, str):
        try:
            tools = msgspec.json.decode(tools)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    return _listed(tools)


def _listed(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) and value else None


def _variables(raw: dict[str, Any]) -> dict[str, Any]:
    value = raw.get("chat_template_kwargs")
    variables = {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}
    given = sorted(_GIVEN & variables.keys())
    if given:
        raise NotRead(f"/chat_template_kwargs/{given[0]} is given to the template already")
    return variables


def turns(given: Sequence[Any]) -> list[dict[str, Any]]:
    """Return turns that are objects.

    Raises:
        NotRead: one is not.
    """
    for number, turn in enumerate(given):
        if not isinstance(turn, dict):
            raise NotRead(f"turn {number + 1} is no object")
    return list(given)


def own_turns(record: Record) -> list[Any] | None:
    """Return the turns under `messages` where they have roles, whatever format the row is of; else None."""
    held = record.raw.get("messages")
    if isinstance(held, list) and (not held or (isinstance(held[0], dict) and "role" in held[0])):
        return held
    return None


def place(record: Record, number: int, key: str = "") -> str:
    """Return the JSON pointer of a turn, or of a key of it; "" where the row has no such turn."""
    found = record.turns
    if number >= len(found):
        return ""
    return f"{found[number].path}/{escape(key)}" if key else found[number].path
