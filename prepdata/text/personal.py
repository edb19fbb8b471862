"""Personal data in text: addresses, numbers and identifiers, each with its checksum or its context.

Reserved and published values are left alone: example domains (RFC 2606), documentation addresses (RFC 5737, 3849),
fictional telephone numbers (555-01xx).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple


class Personal(NamedTuple):
    """One find: its type (an option of the rule), what it is called, its place, and whether it is a published test
    value."""

    type: str
    title: str
    start: int
    end: int
    published: bool = False


class Kind(NamedTuple):
    """One kind of personal data. `gate`: cheap texts of which one occurs (small letters) wherever the pattern can match
    sensibly; empty for none. `check` has the last word, given (value, text before it, text behind it)."""

    type: str
    title: str
    gate: tuple[str, ...]
    written: str
    check: Callable[[str, str, str], bool]

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when it is first wanted: most runs want none."""
        return _compiled(self.written)


@cache
def _compiled(written: str) -> re.Pattern[str]:
    return re.compile(written, re.ASCII)


def digits_of(value: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(c for c in value if "0" <= c <= "9")


def _same(digits: str) -> bool:
    return len(set(digits)) < 3 or digits in "01234567890123456789" or digits in "98765432109876543210"


# ---- e-mail -------------------------------------------------------------------------------------------------------

_RESERVED = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local|internal|lan)$"
    r"|(?:^|\.)(?:example|domain|email|yourdomain|mydomain|yourcompany|company|mycompany|mail|sample|samplemail|server|"
    r"host|hostname|abc|xyz|foo|bar|test|website|yourwebsite|site|acme|somewhere|provider|dummy|fake)"
    r"\.(?:com|org|net|edu|co|io|de|fr|es|co\.uk)$"
)  # RFC 2606 and 6761, and the stock domains of made-up examples
_FILES = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "js",
     "ts", "py", "md", "txt", "json", "jsonl", "yml", "yaml", "html", "css", "sh", "c", "h", "cpp", "java", "rb", "go",
     "rs"}
)  # fmt: skip
_STOCK_NAMES = frozenset({
    "john.doe", "jane.doe", "johndoe", "janedoe", "john.smith", "jane.smith", "johnsmith", "example", "user",
    "username", "your.email", "youremail", "your_email", "email", "name", "firstname.lastname", "first.last",
    "noreply", "no-reply", "git", "someone", "test", "foo", "abc", "me", "you", "yourname", "support", "info",
    "contact", "sales", "hello", "help", "admin", "webmaster", "postmaster", "hr", "jobs", "careers", "press",
    "office", "service",
})  # fmt: skip


def _email(value: str, before: str, after: str) -> bool:
    name, _, domain = value.lower().rpartition("@")
    if _RESERVED.search(domain) or domain.rsplit(".", 1)[-1] in _FILES or name in _STOCK_NAMES:
        return False
    if before.endswith(("/", ":", "`ssh ", "ssh ", "scp ", "sftp ", "rsync ")) and not before.endswith("mailto:"):
        return not before.endswith(("/", "ssh ", "scp ", "sftp ", "rsync ")) and "//" not in before[-40:]
    if after.startswith((":", "~")) and not after.startswith((": ", ":\n")):
        return False  # user@host:path and user@host:~$ of a shell
    return not re.fullmatch(r"[\d.]+", domain) and ".." not in value


# ---- numbers with checksums ---------------------------------------------------------------------------------------


def luhn(digits: str) -> bool:
    """True if the digits end in a right Luhn check digit (ISO/IEC 7812-1:2017, annex B)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


_ISSUERS = re.compile(
    r"(?:4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:2[2-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12})$"
)  # issuer ranges of Visa, Mastercard, American Express, Diners, Discover, JCB, ISO/IEC 7812; 2026-11
_TEST_CARDS = frozenset({
    "4242424242424242", "4111111111111111", "4012888888881881", "4000056655665556", "4222222222222", "5555555555554444",
    "5105105105105100", "2223003122003222", "5200828282828210", "378282246310005", "371449635398431", "378734493671000",
    "6011111111111117", "6011000990139424", "6011000000000004", "30569309025904", "38520000023237", "3056930009020004",
    "3530111333300000", "3566002020360505", "4000000000000002", "4000000000009995", "4917610000000000",
    "5424000000000015",
})  # fmt: skip  # published by payment providers (Stripe, PayPal, Adyen) for testing, 2026-11


def _card(value: str, before: str, after: str) -> bool:
    digits = digits_of(value)
    if digits in _TEST_CARDS:
        return True
    return bool(_ISSUERS.match(digits)) and luhn(digits) and len(set(digits)) > 2 and before[-1:] not in (".", "#", "_")


_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "TR": 26, "AE": 23, "SA": 24, "IL": 23, "BR": 29,
}  # fmt: skip  # SWIFT IBAN registry, 2025
_SAMPLE_IBANS = frozenset({
    "GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332",
    "NL91ABNA0417164300", "BE68539007547034", "CH9300762011623852957", "IT60X0542811101000000123456",
    "AT611904300234573201", "GB29NWBK60161331926819", "PL61109010140000071219812874", "SE4550000000058398257466",
})  # fmt: skip  # the registry's own examples


def iban(value: str) -> bool:
    """True for an IBAN of the right length and remainder (ISO 13616-1:2020: modulo 97 gives 1)."""
    compact = value.replace(" ", "").replace("-", "").upper()
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def _ssn(value: str, before: str, after: str) -> bool:
    """US social security number: no area 000, 666, 900-999, no group 00, no serial 0000 (SSA POMS RM 10201, 2011)."""
    area, group, serial = value[:3], value[4:6], value[7:]
    if area in ("000", "666") or area >= "900" or group == "00" or serial == "0000" or _same(digits_of(value)):
        return False
    return value not in ("123-45-6789", "078-05-1120", "219-09-9999", "987-65-4321", "111-22-3333")


def _weighted(digits: str, weights: str) -> int:
    return sum(int(d) * int(w) for d, w in zip(digits, weights, strict=False))


def cpf(value: str) -> bool:
    """True for a Brazilian CPF with right check digits (Receita Federal, modulo 11)."""
    d = digits_of(value)
    if len(d) != 11 or len(set(d)) < 3:
        return False
    first = sum(int(c) * (10 - i) for i, c in enumerate(d[:9])) * 10 % 11 % 10
    second = sum(int(c) * (11 - i) for i, c in enumerate(d[:10])) * 10 % 11 % 10
    return d[9:] == f"{first}{second}" and d != "12345678909"


def dni(value: str) -> bool:
    """True for a Spanish DNI or NIE with the right letter (Real Decreto 1553/2005; modulo 23)."""
    compact = value.upper().replace("-", "").replace(" ", "").replace(".", "")
    number = compact[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    if not number.isdigit() or _same(number) or number in ("12345678", "00000000"):
        return False
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == compact[-1]


def codice_fiscale(value: str) -> bool:
    """True for an Italian codice fiscale with the right last letter (Decreto Ministeriale 23 December 1976)."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    total = 0
    for i, c in enumerate(value.upper()[:15]):
        n = int(c) if c.isdigit() else ord(c) - 65
        total += odd[n] if i % 2 == 0 else n
    return chr(65 + total % 26) == value.upper()[15] and value.upper() != "RSSMRA80A01H501U"


def nir(value: str) -> bool:
    """True for a French NIR with the right key (INSEE: 97 minus the number modulo 97)."""
    compact = value.replace(" ", "").upper()
    body = compact[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and compact[13:].isdigit() and 97 - int(body) % 97 == int(compact[13:])


def steuer_id(value: str) -> bool:
    """True for a German tax id with the right check digit (ISO/IEC 7064 MOD 11,10; one digit twice or three times)."""
    d = digits_of(value)
    if len(d) != 11 or d[0] == "0" or len(set(d[:10])) not in (8, 9):
        return False
    product = 10
    for c in d[:10]:
        total = (int(c) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(d[10])


def bsn(value: str) -> bool:
    """True for a Dutch BSN that passes the eleven test (Logisch Ontwerp BSN)."""
    d = digits_of(value)
    return len(d) == 9 and not _same(d) and (_weighted(d[:8], "98765432") - int(d[8])) % 11 == 0


def nhs(value: str) -> bool:
    """True for a UK NHS number with the right check digit (NHS Data Dictionary, modulo 11)."""
    d = digits_of(value)
    check = 11 - sum(int(c) * (10 - i) for i, c in enumerate(d[:9])) % 11
    return len(d) == 10 and not _same(d) and (0 if check == 11 else check) == int(d[9]) and d != "9434765919"


def aadhaar(value: str) -> bool:
    """True for an Indian Aadhaar number that passes Verhoeff's check (UIDAI; J. Verhoeff, 1969)."""
    d = digits_of(value)
    check = 0
    for i, c in enumerate(reversed(d)):
        check = _dihedral(check, _PERMUTED[i % 8][int(c)])
    return len(d) == 12 and d[0] not in "01" and check == 0 and len(set(d)) > 3


def _dihedral(a: int, b: int) -> int:
    """Multiply in the dihedral group of order ten."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5


def _permutations() -> list[list[int]]:
    step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    table = [list(range(10))]
    for _ in range(7):
        table.append([step[n] for n in table[-1]])
    return table


_PERMUTED = _permutations()

# ---- telephone and network ----------------------------------------------------------------------------------------

_PHONE_WORDS = re.compile(
    r"(?:phone|call|tel|mobile|cell|fax|whatsapp|text me|sms|dial|reach (?:me|us)|\bring (?:me|us|him|her)\b|"
    r"teléfono|telefono|móvil|llám|llame|handy|telefon|ruf|anruf|tél|appel|portable|joign|telefone|celular|cellulare|"
    r"zadzwoń|\bbel (?:me|mij|ons)\b|телефон|звон|电话|手机|電話|携帯|전화)[^\n]{0,40}$",
    re.IGNORECASE,
)


def _e164(value: str, before: str, after: str) -> bool:
    """International numbers (ITU-T E.164, 2010): up to 15 digits behind a plus sign; 555-01xx is fiction (NANPA)."""
    d = digits_of(value)
    if not 9 <= len(d) <= 15 or _same(d[2:]) or d[-7:-2] == "55501" or "1234567" in d or "555" in d[-7:-4]:
        return False
    if d[0] == "1" and (len(d) != 11 or d[1] in "01" or d[4] in "01"):
        return False
    if any(c in value[1:] for c in " -.()"):
        return True
    return len(d) <= 13 and not before.rstrip()[-1:].isdigit()


def _national(value: str, before: str, after: str) -> bool:
    d = digits_of(value)
    if not 9 <= len(d) <= 12 or _same(d) or "1234567" in d or "555" in (d[-7:-4], d[:3]) or d[-7:-2] == "55501":
        return False
    return bool(_PHONE_WORDS.search(before[-60:]))


def _ip(value: str, before: str, after: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or value in _PUBLIC_SERVERS:
        return False
    if _VERSION_WORD.search(before[-16:]):
        return False
    parts = value.split(".")
    like_version = len(parts) == 4 and (all(len(p) == 1 for p in parts) or parts[0] in ("1", "2", "3", "4"))
    if like_version and not _IP_WORD.search(before[-40:]):
        return False
    return not after.startswith(("/", "-"))  # networks and ranges are nobody's address


_VERSION_WORD = re.compile(
    r"(?:version|ver|v|release|section|§|chapter|build|kernel|firmware|driver)[\s:.]*$", re.IGNORECASE
)
_IP_WORD = re.compile(r"\b(?:ip|address|host|server|client|login|from|addr|remote)\b[^\n]{0,20}$", re.IGNORECASE)
_PUBLIC_SERVERS = frozenset(
    {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220", "4.2.2.2", "4.2.2.1"}
)  # public name servers


def _near(words: str, test: Callable[[str], bool]) -> Callable[[str, str, str], bool]:
    """Return a check that also asks for one of the words just before or behind the value."""
    pattern = re.compile(rf"(?:{words})", re.IGNORECASE)

    def check(value: str, before: str, after: str) -> bool:
        return test(value) and bool(pattern.search(before[-60:]) or pattern.search(after[:30]))

    return check


def _alone(test: Callable[[str], bool]) -> Callable[[str, str, str], bool]:
    return lambda value, before, after: test(value)


def _kind(type: str, title: str, gate: str, pattern: str, check: Callable[[str, str, str], bool]) -> Kind:
    return Kind(type, title, tuple(gate.split("|")) if gate else (), pattern, check)


_D = r"(?<![\w.+-])"  # no number or word before
_X = r"(?![\w]|[.-]\d)"

KINDS: tuple[Kind, ...] = (
    _kind("email", "e-mail address", "@",
          r"(?<![\w.%+@/\\-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?@(?:[A-Za-z0-9-]{1,63}\.){1,4}"
          r"[A-Za-z]{2,24}(?![\w@-])", _email),
    _kind("card", "payment card number", "",
          rf"{_D}[2-6]\d{{3}}([ -]?)(?:\d{{4}}\1\d{{4}}\1\d{{4}}|\d{{6}}\1\d{{4,5}}){_X}",
          _card),
    _kind("iban", "IBAN", "", r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b", _alone(iban)),
    _kind("national-id", "US social security number", "-", rf"{_D}\d{{3}}-\d{{2}}-\d{{4}}{_X}", _ssn),
    _kind("national-id", "Brazilian CPF", "-", rf"{_D}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{_X}", _alone(cpf)),
    _kind("national-id", "Spanish DNI or NIE", "",
          rf"{_D}(?:\d{{8}}|[XYZ]\d{{7}})[- ]?[A-HJ-NP-TV-Z]{_X}", _alone(dni)),
    _kind("national-id", "Italian codice fiscale", "",
          r"\b[A-Za-z]{6}\d{2}[A-EHLMPRSTa-ehlmprst]\d{2}[A-Za-z]\d{3}[A-Za-z]\b", _alone(codice_fiscale)),
    _kind("national-id", "French social security number", "",
          rf"{_D}[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{{3}} ?\d{{3}} ?\d\d{_X}", _alone(nir)),
    _kind("national-id", "German tax id", "steuer|tax|tin|idnr", rf"{_D}[1-9]\d ?\d{{3}} ?\d{{3}} ?\d{{3}}{_X}",
          _near("steuer|tax|tin|idnr", steuer_id)),
    _kind("national-id", "Dutch BSN", "bsn|burgerservice|sofi", rf"{_D}\d{{9}}{_X}",
          _near("bsn|burgerservice|sofi", bsn)),
    _kind("national-id", "UK NHS number", "nhs", rf"{_D}\d{{3}}[ -]?\d{{3}}[ -]?\d{{4}}{_X}", _near("nhs", nhs)),
    _kind("national-id", "Aadhaar number", "aadhaar|aadhar|uidai|आधार",
          rf"{_D}[2-9]\d{{3}}[ -]?\d{{4}}[ -]?\d{{4}}{_X}",
          _near("aadhaar|aadhar|uidai|uid|आधार", aadhaar)),
    _kind("phone", "telephone number", "+",
          r"(?<![\w+*/=^.)\]-])\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}"
          r"(?![\w%*/=^]|[.,]\d| ?[*/=^])", _e164),
    _kind("phone", "telephone number", "",
          r"(?<![\w+*/=^.,$€£#-])(?:\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}[-. ]\d{3}[-. ]\d{4}"
          r"|0\d{1,5}[ /.-]\d{2,4}(?:[ .-]?\d{2,4}){1,3}"
          r"|0\d{9,10}|1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![\w%]|[.,-]\d)", _national),
    _kind("ip", "public IP address", ".", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", _ip),
    _kind("ip", "public IP address", ":",
          r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){2,7}:?(?:[0-9a-fA-F]{1,4}:?){0,6}[0-9a-fA-F]{1,4}(?![\w:])",
          _ip),
)  # fmt: skip

TYPES: tuple[str, ...] = ("email", "phone", "card", "iban", "national-id", "ip")

# What every find holds: an @ in a word, seven digits with at most two signs between, a dotted quad, letters and digits
# of an IBAN or a codice fiscale, two colons of an IPv6 address. It begins with one class, so that it is quick.
TRIGGER = re.compile(
    r"[0-9@:](?:(?<=[A-Za-z0-9_]@)[A-Za-z0-9]|(?<=[0-9])(?:(?:[ ./()-]{0,2}[0-9]){6}|\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
    r"|[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9][A-Za-z][0-9]{2})|(?<=[A-Z]{2}[0-9])[0-9][ A-Z0-9]{4}"
    r"|(?<=[0-9a-fA-F]:)[0-9a-fA-F]{0,4}:[0-9a-fA-F:])"
)

# The same piece by piece, for UTF-8 in which every digit reads 0.
TRACES: tuple[re.Pattern[bytes], ...] = (
    re.compile(rb"@(?<=[A-Za-z0_]@)[A-Za-z0]"),
    re.compile(rb":(?<=[0a-fA-F]:)[0a-fA-F]{0,4}:[0a-fA-F:]"),
    re.compile(rb"[ ./()-]{0,2}".join([b"0"] * 7)),
    re.compile(rb"0\.00{0,2}\.00{0,2}\.0"),
    re.compile(rb"00(?:[A-Za-z]00|(?<=[A-Z]{2}00)[ A-Z0]{4})"),
)


def find_personal(text: str, types: frozenset[str]) -> Iterator[Personal]:
    """Yield the personal data of a text, of the types asked for, each stretch of text once."""
    taken: list[tuple[int, int]] = []
    lowered = text.lower()
    for kind in KINDS:
        if kind.type not in types or (kind.gate and not any(word in lowered for word in kind.gate)):
            continue
        for match in kind.pattern.finditer(text):
            start, end = match.span()
            if any(start < b and a < end for a, b in taken):
                continue
            value = match[0]
            if not kind.check(value, text[max(0, start - 80) : start], text[end : end + 40]):
                continue
            taken.append((start, end))
            yield Personal(kind.type, kind.title, start, end, _published(kind.type, value))


def _published(type: str, value: str) -> bool:
    if type == "card":
        return digits_of(value) in _TEST_CARDS
    return type == "iban" and value.replace(" ", "").upper() in _SAMPLE_IBANS


def mask(type: str, value: str) -> str:
    """Return a find as it may be shown: a little of its beginning, and its length."""
    kept = 1 if type == "email" else 2
    return f"{value[:kept]}… ({len(value)} characters)"
