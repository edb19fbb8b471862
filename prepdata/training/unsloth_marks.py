"""Answers found by the tokens that stand before questions and answers (`train_on_responses_only` of Unsloth)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from prepdata.errors import UsageError
from prepdata.render.errors import TemplateRefusal
from prepdata.render.renderer import Renderer
from prepdata.render.template import Rendered
from prepdata.training.base import common_prefix

_PROBES = ("\\", "{", "a", "A", "1", "(", ".", "<", "}", ">")  # what may stand next to a mark, to see what merges
_ASKED, _SAID = "\u2060qwUSERqw\u2060", "\u2060qwASSISTANTqw\u2060"  # texts that no template trims or splits
_GIVE = "Give instruction_part and response_part, the texts that stand before questions and answers."


class Mark(NamedTuple):
    """Tokens that stand before questions or answers: those that always do, and those before and after them that may
    merge with what is next to them."""

    core: list[int]
    left: list[int]
    right: list[int]


class Marks(NamedTuple):
    """What answers are found by.

    Args:
        asks, answers: what stands before questions and answers.
        opener: special tokens with which turns of all roles begin.
        bos, eos: ids of the tokens that begin and end a text, None if there are none.
    """

    asks: Mark
    answers: Mark
    opener: list[int]
    bos: int | None
    eos: int | None


def marks_of(renderer: Renderer, instruction_part: str, response_part: str) -> Marks:
    """Return what answers are found by.

    Raises:
        UsageError: a part has no tokens.
    """
    asks, answers = _mark(renderer, instruction_part), _mark(renderer, response_part)
    if not asks.core or not answers.core:
        raise UsageError(f"instruction_part or response_part has no tokens. {_GIVE}")
    if answers.core == asks.core[: len(answers.core)] and answers.right:
        answers = Mark(answers.core + answers.right, answers.left, [])
    if asks.core == answers.core[: len(asks.core)] and asks.right:
        asks = Mark(asks.core + asks.right, asks.left, [])
    opener = asks.core[: common_prefix(asks.core, answers.core)]
    held = renderer.tokenizer.get_added_tokens_decoder()
    special = {number for number, token in held.items() if token.special}
    if not all(one in special for one in opener) or not any(held[one].content.strip() for one in opener):
        opener = []
    named = renderer.folder.named
    bos, eos = (renderer.tokenizer.token_to_id(named.get(name, "")) for name in ("bos_token", "eos_token"))
    return Marks(asks, answers, opener, bos, eos)


def _ids(renderer: Renderer, text: str) -> list[int]:
    return list(renderer.encode(Rendered(text)).ids)


def _mark(renderer: Renderer, text: str) -> Mark:
    """Return the tokens of a mark. Those at its edges that change with what is next to them may be missing, if a token
    that was added to the tokenizer is among the others."""
    whole = _ids(renderer, text)
    size = len(whole)
    start, end = 0, size
    for probe in _PROBES:
        end = min(end, common_prefix(whole, _ids(renderer, text + probe)))
        start = max(start, size - common_prefix(whole[::-1], _ids(renderer, probe + text)[::-1]))
    held = renderer.tokenizer.get_added_tokens_decoder()
    if start < end and any(one in held and held[one].content.strip() for one in whole[start:end]):
        return Mark(whole[start:end], whole[:start], whole[end:])
    return Mark(whole, [], [])


def answers(ids: Sequence[int], marks: Marks) -> list[tuple[int, int]]:
    """Return (start, end) of each answer: from its mark up to the end-of-text token and with it, or up to the next
    question, answer, beginning of a turn or beginning of a text, or to the end."""
    ids = list(ids)
    found = []
    at = 0
    while at < len(ids):
        if not _stands(marks.answers.core, ids, at):
            at += 1
            continue
        start = _over(ids, at + len(marks.answers.core), marks.answers.right)
        end, at = _end(ids, start, marks)
        if start < len(ids):
            found.append((start, end))
    return found


def _end(ids: list[int], start: int, marks: Marks) -> tuple[int, int]:
    """Return where an answer ends, and where to look for the next."""
    size = len(ids)
    for at in range(start, size):
        if ids[at] == marks.eos:
            return at + 1, at + 1
        if ids[at] == marks.bos or (marks.opener and _stands(marks.opener, ids, at)):
            return at, at
        if _stands(marks.answers.core, ids, at):
            return at, at
        if at < size - 1 and _stands(marks.asks.core, ids, at):
            end = at
            for token in reversed(marks.asks.left):
                if end < 1 or ids[end - 1] != token:
                    break
                end -= 1
            return end, _over(ids, at + len(marks.asks.core), marks.asks.right)
    return size, size


def _stands(core: list[int], ids: list[int], at: int) -> bool:
    return ids[at] == core[0] and ids[at : at + len(core)] == core


def _over(ids: list[int], at: int, optional: list[int]) -> int:
    for token in optional:
        if at >= len(ids) or ids[at] != token:
            break
        at += 1
    return at


def detect(renderer: Renderer) -> tuple[str, str]:
    """Return (instruction_part, response_part) of a chat template: the texts before questions and before answers.

    Found as Unsloth does it, from what stands between the contents of a rendered conversation; what it does for single
    models (images in the middle of a turn, a last turn with another header) is left out.

    Raises:
        UsageError: they cannot be found.
    """
    asked, said = {"role": "user", "content": _ASKED}, {"role": "assistant", "content": _SAID}
    try:
        whole = renderer.render([asked, said] * 3).text
        opened = renderer.render([asked, said, asked, said, asked], add_generation_prompt=True).text
        closed = renderer.render([asked, said, asked, said, asked]).text
    except TemplateRefusal as refusal:
        raise UsageError(f"The chat template does not render a plain conversation: {refusal}. {_GIVE}") from refusal
    if _ASKED not in whole or _SAID not in whole:
        raise UsageError(f"The chat template leaves out what is said. {_GIVE}")
    question, answer = _between(whole, _SAID, _ASKED), _between(whole, _ASKED, _SAID)
    named = renderer.folder.named
    special = _special(renderer)
    header = "" if opened == closed else _apart(_tail(opened), _tail(closed), special)[0]
    ends = [" ", "\t", named.get("eos_token", ""), named.get("bos_token", "")]
    if header and answer.endswith(header) and len(header) < len(answer):
        response, instruction = header, _stripped(question, [answer[: -len(header)]])
    elif header and header == answer:
        response, instruction = _apart(header, question, special)
        instruction = _stripped(instruction, ends)
    else:
        response, instruction = _stripped(answer, ends), _stripped(question, ends)
    response = _without_thought(renderer, response)
    instruction, response = (_stripped(part, [" ", "\t"]).rstrip(" \t") for part in (instruction, response))
    if not instruction or not response:
        raise UsageError(f"The chat template writes nothing before questions or answers. {_GIVE}")
    ids = _ids(renderer, whole)
    return _seen(renderer, instruction, ids), _seen(renderer, response, ids)


def _between(text: str, one: str, other: str) -> str:
    """Return what stands most often between one text and the next of the other."""
    found = re.findall(f"{re.escape(one)}(.*?){re.escape(other)}", text, re.DOTALL)
    return str(Counter(found).most_common(1)[0][0]) if found else ""


def _tail(text: str) -> str:
    return text.rpartition(_ASKED)[2] if _ASKED in text else ""


def _special(renderer: Renderer) -> list[str]:
    held = {token.content for token in renderer.tokenizer.get_added_tokens_decoder().values()}
    return sorted({one for one in held | set(renderer.folder.named.values()) if one}, key=len, reverse=True)


def _apart(one: str, other: str, special: Sequence[str]) -> tuple[str, str]:
    """Return two texts from where they differ: special tokens and white space that both begin with are left out."""
    while True:
        blank = re.match(r"\s+", one)
        token = blank.group() if blank else next((text for text in special if one.startswith(text)), "")
        same = re.match(r"\s+", other)
        if not token or (blank and (not same or same.group() != token)) or not other.startswith(token):
            return one, other
        one, other = one[len(token) :], other[len(token) :]


def _stripped(text: str, beginnings: Sequence[str]) -> str:
    """Return a text without some beginnings, however often they stand there."""
    while begins := next((one for one in beginnings if one and text.startswith(one)), ""):
        text = text[len(begins) :]
    return text


def _without_thought(renderer: Renderer, response: str) -> str:
    """Return the text before answers without an empty thought that answers with a thought do not have."""
    thought = re.search(r"<([^\s/>]+)>\s*</\1>\s*$", response) or re.search(r"</([^\s/>]+)>\s*$", response)
    if thought is None or not thought.start():
        return response
    header, tag = response[: thought.start()], thought.group(1)
    said = {"role": "assistant", "content": f"<{tag}>hm</{tag}>{_SAID}"}
    try:
        filled = renderer.render([{"role": "user", "content": _ASKED}, said]).text
    except TemplateRefusal:
        return response
    _, found, after = filled.rpartition(header)
    return header if found and not after.startswith(thought.group()) else response


def _seen(renderer: Renderer, part: str, ids: list[int]) -> str:
    """Return a part so that its tokens stand in a rendered conversation, which may need a space or a line before it."""
    counts = {}
    for text in (part, f" {part}", f"\n{part}"):
        core = _mark(renderer, text).core
        counts[text] = sum(_stands(core, ids, at) for at in range(len(ids))) if core else 0
    twice = [text for text, count in counts.items() if count > 1]
    once = [text for text, count in counts.items() if count and not text.startswith("\n" + part)]
    if not twice and not once:
        raise UsageError(f"The tokens of {part!r} do not stand in a rendered conversation. {_GIVE}")
    return (twice or once)[0]
