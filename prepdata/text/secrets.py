"""Secrets in text: well-known formats of keys and tokens, private-key blocks, and passwords that were assigned.

Every format names where it is described. Placeholders and published example values are no secrets: what holds a word
such as "example" or "your", repeats itself, counts up, or has too few different characters is left alone.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple


class Secret(NamedTuple):
    """One secret found: what it is, its place in the text, the word that may stand in its stead, and whether it is
    certainly well formed (False where it carries a checksum that does not fit)."""

    title: str
    start: int
    end: int
    placeholder: str
    sound: bool = True


class Kind(NamedTuple):
    """One format. `words`: one of them occurs, in this case, in every text that holds such a secret.

    `pattern` matches the secret, or the secret is its group `value`. `check` has the last word on the value.
    """

    title: str
    words: tuple[str, ...]
    written: str
    check: Callable[[str], bool] | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when it is first wanted: most runs want few."""
        return _compiled(self.written)


@cache
def _compiled(written: str) -> re.Pattern[str]:
    return re.compile(written)


_FAKE_WORDS = re.compile(
    r"example|sample|dummy|fake|your|(?-i:xxx|XXX)|placeholder|redacted|change.?me|insert|replace|goes.?here|\.\.\.|\*\*\*|<|\{\{"
    r"|1234567|abcdefg|qwerty|deadbeef|secret.?key|api.?key|my.?(?:key|token|secret)|\bkey.?here",
    re.IGNORECASE,
)
_RUNS = re.compile(r"(.)\1{4}")


def is_placeholder(value: str) -> bool:
    """True for a value that nobody would take for a real key: telling words, repeats, runs, few characters."""
    if _FAKE_WORDS.search(value) or _RUNS.search(value):
        return True
    if len(value) >= 16 and len(set(value)) < 8:
        return True
    return _counts_up(value)


def _counts_up(value: str) -> bool:
    """True if a third of the characters follow their neighbour in the alphabet ("abcd", "4567")."""
    steps = sum(1 for a, b in pairwise(value) if ord(b) - ord(a) == 1)
    return len(value) >= 8 and steps * 3 > len(value)


def entropy(value: str) -> float:
    """Return the Shannon entropy of a text in bits per character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) if total else 0.0


def _jwt(value: str) -> bool:
    """True if the header of a JSON Web Token can be read and names an algorithm (RFC 7515 section 4.1.1, 2015)."""
    head = value.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and isinstance(header.get("alg"), str) and header["alg"].lower() != "none"


def _published_jwt(value: str) -> bool:
    """False for tokens of the public demonstration: subject 1234567890, "John Doe"."""
    parts = value.split(".")
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (ValueError, binascii.Error):
        return _jwt(value)
    return _jwt(value) and b"1234567890" not in body and b"John Doe" not in body


def _pem(value: str) -> bool:
    """True if a private-key block holds a body of base64 that is long enough to be a key."""
    body = re.sub(r"\\n|\\r|\s|-----[A-Z ]*-----?", "", value)
    return len(body) >= 64 and "..." not in body and "<" not in body and len(set(body[:400])) > 20


_WEAK = frozenset({
    "password", "passwd", "pass", "pwd", "secret", "admin", "root", "user", "test", "guest", "hello", "hunter2",
    "letmein", "welcome", "p@ssw0rd", "password1", "password123", "pass123", "changeit", "postgres", "mysql", "guest1",
    "strongpassword", "securepassword",
})  # fmt: skip


def _assigned(value: str) -> bool:
    """True for an assigned value that looks drawn at random: 12 or more characters, letters and digits mixed, and at
    least 3.2 bits a character (our own bounds, set on public instruction sets, 2026-11)."""
    if len(value) < 12 or value.lower() in _WEAK or entropy(value) < 3.2:
        return False
    if any(word in value.lower() for word in ("password", "passwd", "secret", "token", "pass", "key", "test", "demo")):
        return False
    classes = (any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value))
    if sum(classes) < 2 or not classes[2]:
        return False
    return not re.fullmatch(r"[A-Za-z_.\-]+\d{0,4}", value) and value.count("-") < 4


def _login(value: str) -> bool:
    """True for the password of a URL that is no stock word and not filled in later (`${DB_PASS}`, `%s`)."""
    lower = value.lower()
    if lower in _WEAK or len(value) < 6 or value[0] in "$<{[%*" or lower.startswith(("pass", "secret", "pwd")):
        return False
    return any(c.isdigit() for c in value) or (len(value) >= 10 and entropy(value) > 3.2)


def _long_enough(value: str) -> bool:
    return entropy(value) >= 3.0


def _kind(title: str, words: str, pattern: str, check: Callable[[str], bool] | None = _long_enough) -> Kind:
    return Kind(title, tuple(words.split()), pattern, check)


_B = r"(?<![A-Za-z0-9_])"  # nothing of a word before
_E = r"(?![A-Za-z0-9_])"  # nor behind

KINDS: tuple[Kind, ...] = (
    # AWS IAM user guide, "IAM identifiers": unique id prefixes AKIA (long-lived) and ASIA (temporary). 2026-11.
    _kind("AWS access key id", "AKIA ASIA", rf"{_B}(?:AKIA|ASIA)[A-Z2-7]{{16}}{_E}"),
    _kind("AWS secret access key", "aws_secret AWS_SECRET SecretAccessKey secret_access_key",
          r"(?i:secret_?access_?key|aws_?secret(?:_?key)?)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
          r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"),
    # GitHub blog, "Behind GitHub's new authentication token formats", 2021-04-05.
    _kind("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"{_B}gh[pousr]_[A-Za-z0-9]{{36,255}}{_E}"),
    _kind("GitHub fine-grained token", "github_pat_", rf"{_B}github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}{_E}"),
    # OpenAI keys: project, service account and admin prefixes; T3BlbkFJ is base64 for "OpenAI". 2026-11.
    _kind("Anthropic key", "sk-ant-", rf"{_B}sk-ant-(?:api|admin|oat)\d\d-[A-Za-z0-9_-]{{60,}}"),
    _kind("OpenAI key", "sk-proj- sk-svcacct- sk-admin- T3BlbkFJ",
          rf"{_B}sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{{40,}}|[A-Za-z0-9]{{20}}T3BlbkFJ[A-Za-z0-9]{{20}}{_E})"),
    _kind("API key (sk-...)", "sk-", rf"{_B}sk-(?:or-v1-)?[A-Za-z0-9]{{32,64}}{_E}"),
    # Google Cloud, "Authenticate by using API keys"; OAuth client secrets and access tokens. 2026-11.
    _kind("Google API key", "AIza", rf"{_B}AIza[A-Za-z0-9_-]{{35}}(?![A-Za-z0-9_-])"),
    _kind("Google OAuth client secret", "GOCSPX-", rf"{_B}GOCSPX-[A-Za-z0-9_-]{{28}}"),
    _kind("Google OAuth token", "ya29.", rf"{_B}ya29\.[A-Za-z0-9_-]{{60,}}"),
    # Slack API documentation, "Token types" and "Incoming webhooks". 2026-11.
    _kind("Slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xapp-",
          rf"{_B}(?:xox[abpres]-(?:\d-)?\d{{8,}}-[A-Za-z0-9-]{{10,}}|xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{{20,}})"),
    _kind("Slack webhook", "hooks.slack.com",
          r"hooks\.slack\.com/services/(?P<value>T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,})"),
    # Stripe documentation, "API keys": live secret and restricted keys; test keys open nothing. 2026-11.
    _kind("Stripe live key", "sk_live_ rk_live_", rf"{_B}[sr]k_live_[A-Za-z0-9]{{20,}}"),
    _kind("Stripe webhook secret", "whsec_", rf"{_B}whsec_[A-Za-z0-9+/]{{32,}}"),
    # Hugging Face hub, "User access tokens". 2026-11.
    _kind("Hugging Face token", "hf_", rf"{_B}hf_[A-Za-z]{{34}}{_E}"),
    # GitLab documentation, "Token overview": default prefixes. 2026-11.
    _kind("GitLab token", "glpat- gldt- glrt- glptt- glcbt-", rf"{_B}gl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{{20,}}"),
    # npm documentation, "About access tokens"; same form as GitHub's. PyPI: tokens are macaroons, base64. 2026-11.
    _kind("npm token", "npm_", rf"{_B}npm_[A-Za-z0-9]{{36}}{_E}"),
    _kind("PyPI token", "pypi-AgE", rf"{_B}pypi-AgE[A-Za-z0-9_-]{{50,}}"),
    # SendGrid, Twilio, Mailgun: API references. 2026-11.
    _kind("SendGrid key", "SG.", rf"{_B}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}"),
    _kind("Twilio key", "twilio TWILIO Twilio", rf"{_B}SK[0-9a-f]{{32}}{_E}"),
    _kind("Twilio auth token", "twilio TWILIO Twilio",
          r"(?i:twilio)\w{0,12}[^\n]{0,12}[\"'=: ](?P<value>[0-9a-f]{32})(?![0-9a-f])"),
    # Telegram bot API, "Authorizing your bot". Discord developer documentation, "Webhooks". 2026-11.
    _kind("Telegram bot token", ":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    _kind("Discord webhook", "/api/webhooks/",
          r"discord(?:app)?\.com/api/webhooks/(?P<value>\d{17,20}/[A-Za-z0-9_-]{60,})"),
    # Azure documentation, "Manage storage account access keys": 64 bytes in base64. 2026-11.
    _kind("Azure storage key", "AccountKey=", r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)"),
    _kind("Azure shared access key", "SharedAccessKey=", r"SharedAccessKey=(?P<value>[A-Za-z0-9+/]{43}=)"),
    # Prefixes as documented by each provider, 2026-11.
    _kind("DigitalOcean token", "dop_v1_ doo_v1_", rf"{_B}do[op]_v1_[a-f0-9]{{64}}{_E}"),
    _kind("Databricks token", "dapi", rf"{_B}dapi[a-f0-9]{{32}}(?:-\d)?{_E}"),
    _kind("Docker token", "dckr_pat_", rf"{_B}dckr_pat_[A-Za-z0-9_-]{{27,}}"),
    _kind("Grafana token", "glsa_", rf"{_B}glsa_[A-Za-z0-9]{{32}}_[a-f0-9]{{8}}{_E}"),
    _kind("Groq key", "gsk_", rf"{_B}gsk_[A-Za-z0-9]{{48,}}{_E}"),
    _kind("Linear key", "lin_api_", rf"{_B}lin_api_[A-Za-z0-9]{{40}}{_E}"),
    _kind("New Relic key", "NRAK-", rf"{_B}NRAK-[A-Z0-9]{{27}}{_E}"),
    _kind("Replicate token", "r8_", rf"{_B}r8_[A-Za-z0-9]{{37}}{_E}"),
    _kind("Shopify token", "shpat_ shpca_ shppa_ shpss_", rf"{_B}shp(?:at|ca|pa|ss)_[a-fA-F0-9]{{32}}{_E}"),
    _kind("Vault token", "hvs.", rf"{_B}hvs\.[A-Za-z0-9_-]{{60,}}"),
    _kind("xAI key", "xai-", rf"{_B}xai-[A-Za-z0-9]{{70,}}{_E}"),
    _kind("age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    # RFC 7519 (2015): JSON Web Tokens begin with the base64url of {".
    _kind("JSON Web Token", "eyJ", rf"{_B}eyJ[A-Za-z0-9_-]{{10,}}\.eyJ[A-Za-z0-9_-]{{10,}}\.[A-Za-z0-9_-]{{20,}}",
          _published_jwt),
    # RFC 7468 (2015): textual encodings of keys; OpenSSH PROTOCOL.key.
    _kind("private key", "PRIVATE",
          r"-----BEGIN (?:[A-Z]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----[^-]{64,}(?:-----END [A-Z ]{0,30}-----)?", _pem),
    # RFC 3986 section 3.2.1 (2005): user information in a URL.
    _kind("password in a URL", "://",
          r"[a-z][a-z0-9+.]{1,15}://[^\s/:@\"'<>]{0,64}:(?P<value>[^\s/@\"'<>]{3,80})@[A-Za-z0-9\[]",
          _login),
    # Assignments in code and settings. A password behind a colon is left alone: generators and forms are full of them.
    _kind("assigned key", "apikey api_key api-key API_KEY apiKey ecret auth_token access_token accessToken authToken "
          "AUTH_TOKEN ACCESS_TOKEN SECRET",
          r"(?i:api[_-]?key|(?:client|app)?_?secret(?:_key)?|auth_?token|access_?token)[\"']?"
          r"\s{0,3}(?:=|:|=>|:=)\s{0,3}[\"'](?P<value>[^\s\"'<>{}()\[\],;]{16,80})[\"']", _assigned),
    _kind("assigned password", "assw PASSW",
          r"(?i:passw(?:or)?d)\s{0,3}(?:=|:=)\s{0,3}[\"'](?P<value>[^\s\"'<>{}()\[\],;]{12,80})[\"']", _assigned),
    _kind("password in the environment", "PASSWORD= PASSWD=",
          r"(?m)^[ \t]{0,8}(?:export |ENV |set )?[A-Z0-9_]{0,30}PASSW(?:OR)?D="
          r"(?P<value>[^\s\"'<>{}()\[\],;$%]{12,80})[ \t]*$", _assigned),
)  # fmt: skip

TRIGGERS: tuple[str, ...] = tuple(sorted({word.lower() for kind in KINDS for word in kind.words}))


def find_secrets(text: str) -> Iterator[Secret]:
    """Yield the secrets of a text in the order of the formats, each stretch of text once."""
    taken: list[tuple[int, int]] = []
    for kind in KINDS:
        if not any(word in text for word in kind.words):
            continue
        for match in kind.pattern.finditer(text):
            group = "value" if "value" in match.groupdict() else 0
            start, end = match.span(group)
            value = text[start:end]
            if any(start < b and a < end for a, b in taken):
                continue
            if kind.title != "private key" and is_placeholder(value):
                continue
            if kind.check is not None and not kind.check(value):
                continue
            taken.append((start, end))
            placeholder = "[" + re.sub(r"[^A-Z]+", "_", kind.title.upper()).strip("_") + "]"
            yield Secret(kind.title, start, end, placeholder, checksum_fits(value))


def checksum_fits(value: str) -> bool:
    """False for a GitHub or npm token whose last six characters are not the CRC-32 of the thirty before, in base 62.

    Source: GitHub blog, "Behind GitHub's new authentication token formats" (2021-04-05) and "Announcing npm's new
    access token format" (2021-09-23).
    """
    body = value[4:]
    if len(body) != 36 or value[:4] not in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"):
        return True
    number, digits = zlib.crc32(body[:30].encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits == body[30:]


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def mask(value: str) -> str:
    """Return a secret as it may be shown: its first four characters and its length."""
    return f"{value[:4]}… ({len(value)} characters)"
