"""Secrets: formats, placeholders, checksums, masks. Secrets are put together here, so that scanners do not trip."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.text.secrets import KINDS, TRIGGERS, checksum_fits, entropy, find_secrets, is_placeholder, mask

RNG = random.Random(3)
ALNUM = string.ascii_letters + string.digits


def drawn(length: int, alphabet: str = ALNUM) -> str:
    return "".join(RNG.choice(alphabet) for _ in range(length))


def with_checksum(prefix: str) -> str:
    body = drawn(30)
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[rest] + digits
    return prefix + body + digits


def token(header: object, body: object) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=") for x in (header, body)]
    return ".".join([*parts, drawn(43)])


HEX = "0123456789abcdef"
SAMPLES = {
    "AWS access key id": "AKIA" + drawn(16, string.ascii_uppercase + "234567"),
    "GitHub token": with_checksum("ghp" + "_"),
    "npm token": with_checksum("npm" + "_"),
    "Slack token": "xoxp" + "-" + drawn(11, "123456789") + "-" + drawn(12, string.digits) + "-" + drawn(24),
    "Hugging Face token": "hf" + "_" + drawn(34, string.ascii_letters),
    "Stripe live key": "sk_" + "live_" + drawn(24),
    "SendGrid key": "SG" + "." + drawn(22) + "." + drawn(43),
    "Telegram bot token": drawn(9, "123456789") + ":" + "AA" + drawn(33),
    "DigitalOcean token": "dop_" + "v1_" + drawn(64, HEX),
    "Databricks token": "da" + "pi" + drawn(32, HEX),
    "Docker token": "dckr" + "_pat_" + drawn(27),
    "Grafana token": "glsa" + "_" + drawn(32) + "_" + drawn(8, HEX),
    "Groq key": "gsk" + "_" + drawn(52),
    "Linear key": "lin_" + "api_" + drawn(40),
    "New Relic key": "NR" + "AK-" + drawn(27, string.ascii_uppercase + string.digits),
    "Replicate token": "r8" + "_" + drawn(37),
    "Shopify token": "shp" + "at_" + drawn(32, HEX),
    "Vault token": "hv" + "s." + drawn(90),
    "xAI key": "xa" + "i-" + drawn(80),
    "Google OAuth client secret": "GOC" + "SPX-" + drawn(28),
    "JSON Web Token": token({"alg": "RS256"}, {"sub": "u1", "iat": 1790000000}),
}


@pytest.mark.parametrize("title", SAMPLES)
@pytest.mark.parametrize("frame", ["{}", "key: {}", '"{}"', "({}).", "a={} b"])
def test_found_in_every_frame(title: str, frame: str) -> None:
    value = SAMPLES[title]
    text = frame.format(value)
    (found,) = find_secrets(text)
    assert found.title == title and text[found.start : found.end] == value
    assert found.placeholder.startswith("[") and found.placeholder.isupper() and found.sound


@pytest.mark.parametrize("title", SAMPLES)
def test_a_part_of_a_longer_word_is_none(title: str) -> None:
    if title not in ("Slack token", "Telegram bot token"):
        assert not list(find_secrets("x" + SAMPLES[title]))


@pytest.mark.parametrize("title", SAMPLES)
def test_triggers_cover_every_format(title: str) -> None:
    lowered = SAMPLES[title].lower()
    assert any(word in lowered for word in TRIGGERS)


def test_triggers_are_the_words_of_the_formats() -> None:
    assert {w.lower() for kind in KINDS for w in kind.words} == set(TRIGGERS)


@pytest.mark.parametrize(
    "value",
    ["X" * 20, "abcdefghijklmnop", "0123456789012345", "your-token", "MY_API_KEY", "AKIAIOSFODNN7EXAMPLE", "a1" * 12,
     "replace_me_please", "<token>", "{{token}}", "sk-...", "test1234567"],
)  # fmt: skip
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


def test_values_drawn_at_random_are_no_placeholders() -> None:
    assert sum(is_placeholder(drawn(40)) for _ in range(2000)) < 20


def test_checksums() -> None:
    value = with_checksum("ghs" + "_")
    assert checksum_fits(value)
    assert not checksum_fits(value[:-1] + ("0" if value[-1] != "0" else "1"))
    assert checksum_fits("anything else")
    (found,) = find_secrets(value[:-1] + ("0" if value[-1] != "0" else "1"))
    assert not found.sound


def test_tokens_need_a_header_that_can_be_read() -> None:
    assert list(find_secrets(token({"alg": "HS256"}, {"user": "u17"})))
    assert not list(find_secrets(token({"alg": "none"}, {"user": "u17"})))
    assert not list(find_secrets(token({"typ": "JWT"}, {"user": "u17"})))
    assert not list(find_secrets(token({"alg": "HS256"}, {"sub": "1234567890"})))


def test_private_keys_need_a_body() -> None:
    begin, end = "-----BEGIN RSA PRIVATE " + "KEY-----\n", "\n-----END RSA PRIVATE " + "KEY-----"
    assert list(find_secrets(begin + "\n".join(drawn(64) for _ in range(8)) + end))
    assert list(find_secrets((begin + drawn(64) + "\n" + drawn(64) + end).replace("\n", "\\n")))
    assert not list(find_secrets(begin + "..." + end))
    assert not list(find_secrets(begin + "A" * 200 + end))


@given(st.text(max_size=300))
def test_never_fails(text: str) -> None:
    for found in find_secrets(text):
        assert 0 <= found.start < found.end <= len(text)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "piece", ["eyJ", "sk-", "-----BEGIN PRIVATE KEY-----", "://a:", "api_key='", "a" * 10, "xoxb-1", "1:AA"]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    list(find_secrets(text))


def test_mask_shows_four_characters() -> None:
    assert mask("abcdefghij") == "abcd… (10 characters)"


def test_entropy() -> None:
    assert entropy("") == 0 and entropy("aaaa") == 0 and entropy("abcd") == 2


def test_formats_name_groups_that_exist() -> None:
    for kind in KINDS:
        assert isinstance(kind.pattern, re.Pattern) and kind.words and kind.title
