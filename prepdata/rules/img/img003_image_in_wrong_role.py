"""IMG003: an image outside a user turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prepdata.findings import Hit, Severity, clip
from prepdata.record import Record
from prepdata.rules.base import SHAPE, RecordRule, Trigger
from prepdata.rules.img._image import images_of
from prepdata.rules.targeting import listed, value


class ImageInWrongRole(RecordRule):
    """Finds images in system, assistant or tool turns.

    Why: models that are fine-tuned on images read them and do not write them; providers refuse an image in an
    assistant turn. An image in the result of a tool is a warning, since some models do read those.
    Bad:
        {"messages": [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url":
         "https://a.org/a.png"}}]}]}
    Good:
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url":
         "https://a.org/a.png"}}]}]}
    Fix: none; where the image belongs is for people to say.
    Source: OpenAI vision fine-tuning guide, images in assistant messages (2026-08); `accepts.image_roles` of targets.
    """

    code: ClassVar[str] = "IMG003"
    name: ClassVar[str] = "image-in-wrong-role"
    severity: ClassVar[Severity] = "error"
    trigger: ClassVar[Trigger] = SHAPE

    def setup(self) -> None:
        found = [(t.name, value(t.accepts.image_roles)) for t in self.context.targets]
        self.roles = [(name, frozenset(roles) if roles is not None else None) for name, roles in found]

    def check(self, record: Record) -> Iterator[Hit]:
        for message, _, image in images_of(record):
            role = message.role
            refusing = tuple(name for name, roles in self.roles if roles is not None and role not in roles)
            if refusing:
                text = f"an image in a {clip(role, 20)} turn; {listed(refusing)} refuses it: move it to a user turn"
                yield Hit(text, image.path, targets=refusing)
                continue
            unsure = tuple(name for name, roles in self.roles if roles is None)
            if role == "user" or (self.roles and not unsure):
                continue
            severity: Severity = "warning" if role in ("tool", "function") else "error"
            text = f"an image in a {clip(role, 20)} turn; images belong in user turns"
            yield Hit(text, image.path, severity=severity, targets=unsure)
