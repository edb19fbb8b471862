"""PRIV002: e-mail and IP addresses, telephone numbers, cards, accounts, national identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from prepdata.chunk import Text, texts_of
from prepdata.findings import Hit, Severity
from prepdata.record import Record
from prepdata.rules.base import Options, Pattern, RecordRule, Trigger
from prepdata.rules.priv._hide import Spot, excerpt, fix_of, remembered
from prepdata.text.personal import TRACES, TRIGGER, TYPES, find_personal, mask
from prepdata.text.secrets import find_secrets
from prepdata.text.secrets import mask as mask_secret

Type = Literal["email", "phone", "card", "iban", "national-id", "ip"]


class PersonalOptions(Options, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Options of personal-data.

    Args:
        types: what to look for.
        allow: values or ends of values that are no findings: "help@acme.com", "@acme.com", "+49 30 1234".
    """

    types: tuple[Type, ...] = ("email", "phone", "card", "iban", "national-id", "ip")
    allow: tuple[str, ...] = ()


class PersonalData(RecordRule):
    """Finds e-mail addresses, telephone numbers, payment cards, IBANs, national identifiers and public IP addresses.

    Numbers need their checksum, their usual way of writing, or a word beside them that says what they are. National
    identifiers: US, Brazil, Spain, Italy, France, Germany, Netherlands, United Kingdom (NHS), India. Reserved example
    domains, private and documentation addresses, 555-01xx numbers, function mailboxes (info@, support@) and addresses
    in shell prompts are no findings; published test cards and IBANs are infos. Shown masked.

    Why: a model repeats what it was trained on; data about real people must not reach whoever asks. Often the law asks
    for it as well.
    Bad:
        {"messages": [{"role": "user", "content": "Write to <a real person's address>"}, {"role": "assistant",
         "content": "Done."}]}
    Good:
        {"messages": [{"role": "user", "content": "Write to ana@example.com"}, {"role": "assistant", "content":
         "Done."}]}
    Fix: puts a placeholder such as [EMAIL] in its place. Unsafe: the answer may hang on the value.
    Source: checksums and reserved ranges are listed with their sources in `prepdata/text/personal.py`; Regulation (EU)
        2016/679, article 4.
    """

    code: ClassVar[str] = "PRIV002"
    name: ClassVar[str] = "personal-data"
    severity: ClassVar[Severity] = "warning"
    fix: ClassVar[Literal["none", "safe", "unsafe"]] = "unsafe"
    heuristic: ClassVar[bool] = True
    trigger: ClassVar[Trigger] = Pattern(TRIGGER, TRACES, everywhere=True)
    Options: ClassVar[type[Options]] = PersonalOptions
    options: PersonalOptions

    def setup(self) -> None:
        types = frozenset(self.options.types or TYPES)
        self.found = remembered(lambda text: tuple(find_personal(text, types)))
        self.allow = tuple(_compact(value) for value in self.options.allow)

    def check(self, record: Record) -> Iterator[Hit]:
        return self.check_texts(record, [piece for piece in texts_of(record) if TRIGGER.search(piece.text)])

    def check_texts(self, record: Record, held: Sequence[Text]) -> Iterator[Hit]:
        for piece in held:
            text = piece.text
            found = [p for p in self.found(text) if not self._allowed(text[p.start : p.end])]
            if not found:
                continue
            found.sort(key=lambda one: one.start)
            spots = [Spot(p.start, p.end, mask(p.type, text[p.start : p.end]), f"[{_word(p.type)}]") for p in found]
            hidden = [Spot(s.start, s.end, mask_secret(text[s.start : s.end]), "") for s in find_secrets(text)]
            shown = sorted(
                [*spots, *(h for h in hidden if not any(h.start < s.end and s.start < h.end for s in spots))]
            )
            direct, fix = fix_of(record, piece, spots)
            for spot, one in zip(spots, found, strict=True):
                what = "a published test value" if one.published else "take it out or make it up"
                yield Hit(
                    f"{one.title} {spot.shown}: {what}",
                    piece.path,
                    (one.start, one.end) if direct else None,
                    excerpt(text, shown, shown.index(spot)),
                    severity="info" if one.published else None,
                    fix=None if one.published else fix,
                )

    def _allowed(self, value: str) -> bool:
        return bool(self.allow) and _compact(value).endswith(self.allow)


def _compact(value: str) -> str:
    return re.sub(r"[\s().-]" if "@" not in value else r"\s", "", value.lower())


def _word(type: str) -> str:
    return type.upper().replace("-", "_")
