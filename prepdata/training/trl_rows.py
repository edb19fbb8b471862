"""What TRL's SFTTrainer finds in a row: chat, prompt and completion, or text, by the columns that it looks for.

Read in TRL 1.16.0 (`trainer/sft_trainer.py: _prepare_dataset`, `data_utils.py`), 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from prepdata.record import Record
from prepdata.training.base import Change, NotRead, NotSimulated

_CHAT = ("prompt", "chosen", "rejected", "completion", "messages")
_RENAMED = (*_CHAT, "conversations")
_UNREAD = ("system", "documents", "functions")
"""Columns that say something and that TRL does not read."""
_CLASHING = frozenset({"self", "processing_class", "input", "conversation", "conversations", "messages", "tokenize",
                       "return_dict", "return_assistant_tokens_mask"})  # fmt: skip
"""Names in `chat_template_kwargs` that are given to the same call already, which Python refuses."""
_OTHER = frozenset({"padding", "truncation", "max_length", "return_tensors", "tokenizer_kwargs",
                    "sanitize_control_tokens", "compiled_template"})  # fmt: skip
"""Names in `chat_template_kwargs` that change how the text is tokenised; not simulated."""


class Ends(Exception):
    """The run ends with an error at this row. `args[0]` says why."""


class First(NamedTuple):
    """What TRL takes from the first row for all.

    Args:
        renamed: `conversations` are read as `messages`, `from` as `role` and `value` as `content`.
        chat: the rows are conversations; no end-of-sequence token is added.
    """

    renamed: bool
    chat: bool


class Taken(NamedTuple):
    """A row as TRL reads it.

    Args:
        turns: of a chat row, or prompt and completion together; None for texts.
        prompt: the turns or the text before the completion; None where there is none.
        text: the whole text of a row without turns, with the end-of-sequence token; else "".
        tools, documents, template, variables: what is given to the template.
        changes: what TRL changes or leaves out.
    """

    turns: list[Any] | None = None
    prompt: list[Any] | str | None = None
    text: str = ""
    tools: list[Any] | None = None
    documents: list[Any] | None = None
    template: str | None = None
    variables: dict[str, Any] = {}
    changes: tuple[Change, ...] = ()


def first(raw: Mapping[str, Any]) -> First:
    """Return what the first row decides for all rows."""
    renamed = _from_value(raw)
    return First(renamed, renamed or any(_chat(raw.get(key)) for key in _CHAT))


def take(record: Record, raw: dict[str, Any], decided: First, eos: str | None) -> Taken:
    """Return what TRL reads in a row.

    Args:
        record: the row, for its format.
        raw: the row as loaded.
        decided: what the first row decides for all.
        eos: the end-of-sequence token, None if the tokenizer has none.

    Raises:
        TemplateRefusal: TRL does not read rows of this kind.
        Ends: the run ends at this row.
    """
    _refuse(record, raw)
    changes = [Change(f"/{key}", "is not read") for key in _UNREAD if raw.get(key)]
    if decided.renamed:
        raw = _renamed(raw)
        changes.append(Change("/conversations", "is read as messages; the names of roles stay as they are"))
    tools, documents, template, variables = _around(raw)
    taken = Taken(None, None, "", tools, documents, template, variables)
    if "prompt" in raw:
        taken = _completed(raw, taken)
    elif _chat(raw.get("messages")):
        taken = taken._replace(turns=raw["messages"])
    elif "text" in raw and isinstance(raw["text"], str):
        taken = taken._replace(text=raw["text"])
    else:
        raise _unread(record, raw)
    _by_chance(raw, taken.turns is not None)
    if not decided.chat:
        if taken.turns is not None:
            raise Ends("the first row is a text and this one a conversation: TRL adds the end of text to both")
        taken, added = _ended(raw, taken, eos)
        changes += added
    weighted = [] if taken.turns is None else _weights(raw)
    return taken._replace(changes=(*changes, *weighted))


def _refuse(record: Record, raw: dict[str, Any]) -> None:
    if record.preference:
        raise NotSimulated("preference rows (chosen, rejected) are for DPOTrainer, and only SFTTrainer is simulated")
    if record.format == "trl-kto":
        raise NotSimulated(
            "rows with a label are for KTOTrainer, and only SFTTrainer is simulated, which would not read the label"
        )
    if "image" in raw or "images" in raw:
        raise NotSimulated("rows with images need a vision model and its processor, which are not simulated")
    if "input_ids" in raw:
        raise NotSimulated("the row holds token ids already (input_ids), which TRL takes as they are")


def _unread(record: Record, raw: dict[str, Any]) -> Exception:
    """Return why a row without readable columns is not read."""
    for key in ("messages", "conversations"):
        if raw.get(key) == []:
            return Ends(f"/{key} is an empty list")
    if isinstance(raw.get("messages"), list):
        return Ends("the first turn is no object with a role, and TRL then looks for a column text")
    if "text" in raw:
        return Ends("/text is no text")
    listed = ", ".join(str(key)[:40] for key in list(raw)[:8])
    return NotRead(
        "SFTTrainer reads the columns messages, conversations (with from and value), prompt and completion, or text; "
        f"this row ({record.format}) has {listed}"
    )


def _by_chance(raw: dict[str, Any], chat: bool) -> None:
    """Refuse rows that TRL takes for a conversation or for texts by the order of a set, which Python draws."""
    other = next((key for key in _CHAT if key in raw and _chat(raw[key]) is not chat), None)
    if other is not None:
        names = ", ".join(key for key in _CHAT if key in raw)
        raise NotRead(
            f"TRL looks into one of {names} to tell conversations from texts, and which is by chance: /{other} differs"
        )


def _chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "role" in value[0]


def _from_value(raw: Mapping[str, Any]) -> bool:
    listed = raw.get("conversations")
    first = listed[0] if isinstance(listed, list) and listed else None
    return isinstance(first, dict) and "from" in first and "value" in first


def _renamed(raw: dict[str, Any]) -> dict[str, Any]:
    found = dict(raw)
    for key in _RENAMED:
        if isinstance(found.get(key), list):
            found[key] = [_renamed_turn(turn) if isinstance(turn, dict) else turn for turn in found[key]]
    if "conversations" in found:
        found["messages"] = found.pop("conversations")
    return found


def _renamed_turn(turn: dict[str, Any]) -> dict[str, Any]:
    turn = dict(turn)
    for old, new in (("from", "role"), ("value", "content")):
        if old in turn:
            turn[new] = turn.pop(old)
    return turn


def _completed(raw: dict[str, Any], taken: Taken) -> Taken:
    """Return a prompt-completion row."""
    if "completion" not in raw:
        raise NotRead("SFTTrainer needs a completion beside the prompt")
    prompt, completion = raw["prompt"], raw["completion"]
    if prompt == []:
        raise Ends("/prompt is an empty list")
    if _chat(prompt) and (_chat(completion) or completion == []):
        return taken._replace(turns=[*prompt, *completion], prompt=prompt)
    if isinstance(prompt, str) and isinstance(completion, str):
        return taken._replace(text=completion, prompt=prompt)
    raise Ends("prompt and completion have to be both lists of turns with a role, or both texts")


def _ended(raw: dict[str, Any], taken: Taken, eos: str | None) -> tuple[Taken, list[Change]]:
    """Return a row of texts with the end-of-sequence token, which is added to `text` or else to `completion`."""
    if eos is None:
        raise Ends("the tokenizer has no eos_token, which TRL adds to texts")
    other = raw.get("text")
    if taken.prompt is not None and "text" in raw:
        if not isinstance(other, str):
            raise Ends("/text is no text")
        if not other.endswith(eos):  # then TRL adds it there, and the completion, which is trained, gets none
            return taken._replace(text=f"{taken.prompt}{taken.text}"), []
    path = "/text" if taken.prompt is None else "/completion"
    changes = [] if taken.text.endswith(eos) else [Change(path, "the end-of-sequence token is added")]
    text = taken.text if taken.text.endswith(eos) else taken.text + eos
    return taken._replace(text=text if taken.prompt is None else f"{taken.prompt}{text}"), changes


def _around(raw: dict[str, Any]) -> tuple[list[Any] | None, list[Any] | None, str | None, dict[str, Any]]:
    """Return (tools, documents, template, variables) of a row."""
    tools = raw.get("tools")
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError) as error:
            raise Ends(f"/tools is a text and no JSON: {error}") from error
    given = raw.get("chat_template_kwargs", {})
    if not isinstance(given, dict):
        raise Ends("/chat_template_kwargs is no object (TRL needs it in every row, or in none)")
    variables = {str(key): value for key, value in given.items()}
    clash = sorted(_CLASHING & variables.keys()) + (["add_generation_prompt"] if "prompt" in raw else [])
    if any(name in variables for name in clash):
        raise Ends(f"/chat_template_kwargs/{clash[0]} is given to the template already")
    unknown = sorted(_OTHER & variables.keys())
    if unknown:
        raise NotRead(f"/chat_template_kwargs/{unknown[0]} is not simulated")
    tools = _objects(variables.pop("tools", tools), "tools")
    documents = _objects(variables.pop("documents", None), "documents")
    template = variables.pop("chat_template", None)
    if template is not None and not isinstance(template, str):
        raise Ends("/chat_template_kwargs/chat_template is no text")
    return tools, documents, template, variables


def _objects(value: Any, name: str) -> list[Any] | None:
    """Return a list of objects, or None."""
    if value in ({}, ""):
        return []
    if value is not None and (not isinstance(value, list) or not all(isinstance(item, dict) for item in value)):
        raise Ends(f"/{name} has to be a list of objects")
    return value


def _weights(raw: dict[str, Any]) -> list[Change]:
    """Return the turns of weight 0, which TRL trains on."""
    return [
        Change(f"/{key}/{number}/weight", "is not read: the turn is trained on")
        for key in ("messages", "prompt", "completion")
        for number, turn in enumerate(raw[key] if isinstance(raw.get(key), list) else ())
        if isinstance(turn, dict) and turn.get("weight") == 0 and turn.get("role") == "assistant"
    ]
