"""Personal data: checksums against values worked out by hand or published, context, and hostile text."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text import personal
from prepdata.text.personal import TRACES, TRIGGER, TYPES, find_personal, mask

ALL = frozenset(TYPES)


def found(text: str, *types: str) -> list[str]:
    return [text[p.start : p.end] for p in find_personal(text, frozenset(types) or ALL)]


# Published samples: ISO 7812 test cards, the IBAN registry, issuers' own documentation.
@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "6011111111111117", "79927398713"])
def test_luhn(number: str) -> None:
    assert personal.luhn(number)
    assert not personal.luhn(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize("value", ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000",
                                   "FR1420041010050500013M02606",
                                   "NO9386011117947", "MT84MALT011000012345MTLCAST001S"])  # fmt: skip
def test_iban(value: str) -> None:
    assert personal.iban(value)
    assert not personal.iban(value[:-1] + ("1" if value[-1] != "1" else "2"))
    assert not personal.iban(value + "0")


CHECKSUMS = [
    (personal.cpf, "529.982.247-25"), (personal.dni, "X0523821L"), (personal.dni, "00000023T"),
    (personal.codice_fiscale, "MRTMTT91D08F205J"), (personal.nir, "255081416802538"),
    (personal.steuer_id, "86095742719"),
    (personal.bsn, "111222333"), (personal.nhs, "4010232137"), (personal.aadhaar, "234123412346"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "value"), CHECKSUMS)
def test_check_digits(test: object, value: str) -> None:
    assert callable(test)
    assert test(value), value
    last = value[-1]
    others = "0123456789" if last.isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    right = [c for c in others if test(value[:-1] + c)]
    assert last in right and len(right) <= 1


@pytest.mark.parametrize(
    "text",
    ["marta.kowalska@poczta-nowa.pl", "<marta.kowalska@poczta-nowa.pl>", "mail:marta.kowalska@poczta-nowa.pl."],
)
def test_mail_in_frames(text: str) -> None:
    assert found(text) == ["marta.kowalska@poczta-nowa.pl"]


@pytest.mark.parametrize(
    "text",
    ["a@example.com", "a@sub.example.org", "a@b.test", "git@github.com:x/y.git", "root@server:~# ls", "lodash@4.17.21",
     "@angular/core@17.0.1", "logo@2x.png", "john.doe@gmail.com", "ssh ann@build.nordlicht.de", "a@b", "@handle"],
)  # fmt: skip
def test_no_mail(text: str) -> None:
    assert not found(text, "email")


@pytest.mark.parametrize("text", ["+49 30 5557 8213", "+33 1 42 68 53 00", "call (212) 664-7665", "Tel. 030 901820 55"])
def test_telephones(text: str) -> None:
    assert found(text, "phone")


@pytest.mark.parametrize("text", ["555-0142", "+1 202-555-0173", "1234567890", "x +491234567890",
                                  "3 + 4915112345678 = 5",
                                  "(212) 664-7665 is a ratio", "2023-10-11 12:13:14"])  # fmt: skip
def test_no_telephones(text: str) -> None:
    assert not found(text, "phone")


@pytest.mark.parametrize("text", ["10.1.2.3", "192.168.0.1", "203.0.113.7", "127.0.0.1", "224.0.0.1", "8.8.8.8",
                                  "version 34.12.1.9", "1.2.3.4", "85.214.0.0/16", "999.1.1.1", "fe80::1",
                                  "2001:db8::1",
                                  "12:30:45", "1.2.3.4.5"])  # fmt: skip
def test_no_public_addresses(text: str) -> None:
    assert not found(text, "ip")


def test_types_can_be_chosen() -> None:
    text = "zoe.lang7@blaupost.ch, +41 44 668 18 00, 85.214.132.117"
    assert len(found(text)) == 3
    assert found(text, "ip") == ["85.214.132.117"]
    assert found(text, "card") == []


def test_published_cards_are_marked() -> None:
    (card,) = find_personal("4242 4242 4242 4242", ALL)
    assert card.published


def test_random_digits_are_rarely_taken_for_anything() -> None:
    rng = random.Random(11)
    hits = sum(bool(found(f"order {rng.randrange(10**15, 10**16)} sent")) for _ in range(3000))
    assert hits < 3000 * 0.06  # a tenth passes Luhn, half of these begin like a card


@given(st.text(alphabet="0123456789 -.+@:/()abcXYZ\n", max_size=120))
def test_whatever_is_found_is_triggered(text: str) -> None:
    if found(text):
        assert TRIGGER.search(text)


@given(st.text(alphabet="0123456789 -./():@abcfgABC_\né٣日\ud800", max_size=60))
def test_whatever_is_triggered_leaves_a_trace(text: str) -> None:
    if TRIGGER.search(text):
        data = re.sub("[0-9]", "0", text).encode("utf-8", "surrogatepass")
        assert any(trace.search(data) for trace in TRACES)


@pytest.mark.parametrize(
    "text", ["a@b", "1 2/3-4.5(6)7", "1./2./3./4./5./6./7", "10.0.0.1", "AB12 CD3", "AB1234567", "12x34", "fe80::1",
             "2:ab:c", "Z 12-34-56-7"]
)  # fmt: skip
def test_every_part_of_the_trigger_leaves_a_trace(text: str) -> None:
    assert TRIGGER.search(text)
    data = re.sub("[0-9]", "0", text).encode("utf-8", "surrogatepass")
    assert any(trace.search(data) for trace in TRACES)


@given(st.text(max_size=200))
def test_never_fails(text: str) -> None:
    for one in find_personal(text, ALL):
        assert 0 <= one.start < one.end <= len(text)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", ["1", "1 ", "1-", "a@a.", "a@", "+1 ", "1.1.", "ab:", "DE12 ", "a.", "(1"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    found(text)
    TRIGGER.search(text)


def test_mask() -> None:
    assert mask("email", "ana@correo.es") == "a… (13 characters)"
    assert mask("card", "4111111111111111") == "41… (16 characters)"
