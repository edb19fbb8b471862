"""The texts around turns that LLaMA-Factory takes from a tokenizer's chat template where it is told no template."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import NotSimulated, RunEnds

THOUGHT = ("<think>\n", "\n</think>\n\n")
"""What stands before and after a thought."""
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_THOUGHT = re.compile(f"{re.escape(THOUGHT[0])}(.*?){re.escape(THOUGHT[1])}", re.DOTALL)
_CONTENT = "{{content}}"
_HOLE = re.compile(r"\{\{[a-zA-Z_][a-zA-Z0-9_]*\}\}")


class Slots(NamedTuple):
    """Texts around turns: each has a hole, `{{content}}`.

    Args:
        prefix: what a text begins with; has no hole.
        system, user, assistant: around the system text, a question (with the beginning of the answer) and an answer.
        default_system: the system text that the template writes by itself.
        thinks: True if the template writes thoughts; then answers without one get an empty one.
    """

    prefix: str
    system: str
    user: str
    assistant: str
    default_system: str = ""
    thinks: bool = False


def parse(renderer: Renderer) -> Slots:
    """Return the texts that stand around turns in a chat template.

    Raises:
        NotSimulated: the template does not render what LLaMA-Factory tries.
    """
    prefix = renderer.tokenizer.decode(renderer.encode(Rendered("", bare=True)).ids, skip_special_tokens=False)
    system, user, answer = (_turn(role) for role in ("system", "user", "assistant"))
    try:
        system_slot = renderer.render([system]).text[len(prefix) :]
        empty = [{"role": "system", "content": ""}, user]
        without = renderer.render(empty, add_generation_prompt=True).text[len(prefix) :]
        user_slot = renderer.render([user], add_generation_prompt=True).text[len(prefix) :]
        answer_slot = renderer.render([user, answer]).text[len(prefix) + len(user_slot) :]
    except TemplateRefusal as refusal:
        raise NotSimulated(
            f"LLaMA-Factory cannot take its texts from this chat template ({refusal}); it needs a template of its own"
        ) from refusal
    thinks = "<think>" in answer_slot
    answer_slot = answer_slot.replace("<think>", "").replace("</think>", "").lstrip("\n")
    default = ""
    if len(user_slot) > len(without):
        default = _more(without, user_slot)
        user_slot = user_slot[len(system_slot.replace(_CONTENT, default, 1)) :]
    if not all(_HOLE.search(slot) for slot in (system_slot, user_slot, answer_slot)):
        raise NotSimulated(
            "LLaMA-Factory cannot take its texts from this chat template (it leaves out the content of a turn); "
            "it needs a template of its own"
        )
    return Slots(prefix, system_slot, user_slot, answer_slot, default, thinks)


def _turn(role: str) -> dict[str, str]:
    return {"role": role, "content": _CONTENT}


def _more(short: str, long: str) -> str:
    """Return the characters of the longer text that are over where the shorter is looked for in it, one by one."""
    found, at = [], 0
    for character in long:
        if at == len(short):
            break
        if character == short[at]:
            at += 1
        else:
            found.append(character)
    return "".join(found)


def pieces(slots: Slots, turns: Sequence[tuple[str, Any]], system: str | None, *, last_only: bool) -> list[list[str]]:
    """Return the texts that each turn is written as; each text is tokenised by itself.

    Args:
        system: the system text; None where none is written, not even an empty one.
        last_only: True where the last answer alone is trained: thoughts of the others are left out then.

    Raises:
        RunEnds: a content is no text, or a call no JSON.
    """
    found = []
    system = system or slots.default_system or system
    for number, (speaker, content) in enumerate(turns):
        if not isinstance(content, str):
            raise RunEnds(f"the content of turn {number + 1} ({speaker}) is no text")
        texts = []
        if number == 0:
            texts += [slots.prefix] if slots.prefix else []
            texts += [slots.system.replace(_CONTENT, system, 1)] if system is not None else []
        answering = bool(number % 2)
        last = number == len(turns) - 1
        if slots.thinks and answering and last_only and not last:
            content = _THOUGHT.sub("", content).lstrip("\n")
        if slots.thinks and answering and (last or not last_only) and not any(w.strip() in content for w in THOUGHT):
            texts.append("".join(THOUGHT))
        if speaker == "function":
            content = _calls(content)
        text = (slots.assistant if answering else slots.user).replace(_CONTENT, content, 1)
        texts.append(text.replace("{{idx}}", str(number // 2), 1) if speaker == "user" else text)
        found.append([text for text in texts if text])
    return found


def _calls(content: str) -> str:
    """Return calls as LLaMA-Factory writes them by itself: a thought before them stays."""
    match = _CALL.search(content)
    if match:
        return content.replace(match.group(0), "") + _actions(match.group(1))
    match = _THOUGHT.search(content)
    if match:
        return match.group(0) + _actions(content.replace(match.group(0), ""))
    return _actions(content)


def _actions(text: str) -> str:
    try:
        calls = json.loads(text)
        calls = calls if isinstance(calls, list) else [calls]
        return "\n".join(
            f"Action: {call['name']}\nAction Input: {json.dumps(call['arguments'], ensure_ascii=False)}"
            for call in calls
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunEnds("a call is no JSON with name and arguments") from error
