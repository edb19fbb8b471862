"""PRIV001: keys, tokens, private-key blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from prepdata.chunk import Text, texts_of
from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import Options, RecordRule, Trigger, Words
from prepdata.rules.priv._hide import Spot, excerpt, fix_of, remembered
from prepdata.text.secrets import TRIGGERS, find_secrets, mask
from prepdata.text.secrets import Secret as Found


class SecretOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of secret.

    Args:
        allow: texts that are no secrets though they look like it, e.g. the key of a public demo account.
    """

    allow: tuple[str, ...] = ()


class Secret(RecordRule):
    """Finds keys and tokens of well-known services, private-key blocks, passwords in URLs and in assignments.

    Looks at every turn, at reasoning and at the arguments of calls. Shown is only the beginning, in the message and in
    the excerpt. Published example values (such as AWS's key that ends in EXAMPLE) and placeholders ("sk-xxxx",
    "YOUR_API_KEY", repeated characters) are no findings. A token whose checksum does not fit is a warning only.

    Why: a model repeats what it was trained on, to anyone who asks well. A key in the data has to be taken for public.
    Bad:
        {"messages": [{"role": "user", "content": "Log in"}, {"role": "assistant", "content": "I used the database URL
         postgres://app:<the real password>@db.internal/app"}]}
    Good:
        {"messages": [{"role": "user", "content": "Log in"}, {"role": "assistant", "content": "I used the database URL
         postgres://app:$DB_PASSWORD@db.internal/app"}]}
    Fix: puts a placeholder such as [GITHUB_TOKEN] in its place. Unsafe: the text changes, and the key itself must be
        revoked all the same.
    Source: the formats are listed with their sources in `prepdata/text/secrets.py`; Carlini et al., "Extracting
        Training Data from Large Language Models", USENIX Security 2021.
    """

    code: ClassVar[str] = "PRIV001"
    name: ClassVar[str] = "secret"
    severity: ClassVar[Severity] = "error"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Words(TRIGGERS)
    Options: ClassVar[type[Options]] = SecretOptions
    options: SecretOptions

    def check(self, record: Record) -> Iterator[Hit]:
        return self.check_texts(record, texts_of(record))

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        for piece in held:
            text = piece.text
            found = [s for s in _found(text) if text[s.start : s.end] not in self.options.allow]
            if not found:
                continue
            found.sort(key=lambda secret: secret.start)
            spots = [Spot(s.start, s.end, mask(text[s.start : s.end]), s.placeholder) for s in found]
            direct, fix = fix_of(record, piece, spots)
            for i, secret in enumerate(found):
                doubt = "" if secret.sound else ", though its checksum does not fit (made up or mistyped)"
                yield Hit(
                    f"{secret.title} {spots[i].shown}{doubt}; take it out, and revoke it if it was ever real",
                    piece.path,
                    (secret.start, secret.end) if direct else None,
                    excerpt(text, spots, i),
                    severity=None if secret.sound else "warning",
                    fix=fix,
                )


@remembered
def _found(text: str) -> tuple[Found, ...]:
    """Return the secrets of a text."""
    return tuple(find_secrets(text))
