"""The waivers file: reading, matching, writing, and its mistakes."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest

import prepdata
from prepdata.errors import ConfigError
from prepdata.findings import Finding
from prepdata.reduce import fingerprint
from prepdata.waivers import Waiver, accept, add, apply, fact, load, prune, write

TODAY = datetime.date(2026, 11, 21)
DIGEST = 0x0123456789ABCDEF


def finding(name: str = "secret", digest: int | str = DIGEST, path: str | None = "/messages/1/content") -> Finding:
    return Finding(code="X", name=name, severity="error", message="m", file="train.jsonl", path=path,
                   fingerprint=fingerprint(name, digest, path))  # fmt: skip


def waiver(**changes: Any) -> Waiver:
    given = {"rule": "secret", "record": f"{DIGEST:016x}", "path": "/messages/1/content", "reason": "closed account"}
    return Waiver(**{**given, **changes})


def judged(findings: list[Finding], *waivers: Waiver, ran: tuple[str, ...] = ("secret",)) -> Any:
    return apply(findings, waivers, today=TODAY, ran=ran, files=["data/train.jsonl"])


def test_an_accepted_finding_is_marked_and_stays() -> None:
    applied = judged([finding(), finding(path=None)], waiver())
    assert [f.waived for f in applied.findings] == [True, False]
    assert not applied.stale


@pytest.mark.parametrize(
    "changes",
    [{"rule": "personal-data"}, {"record": "0" * 16}, {"path": "/messages/2/content"}, {"path": None}],
    ids=["rule", "record", "path", "no path"],
)
def test_the_key_is_rule_record_and_path(changes: dict[str, Any]) -> None:
    assert not judged([finding()], waiver(**changes)).findings[0].waived


def test_codes_are_as_good_as_names() -> None:
    assert judged([finding()], waiver(rule="PRIV001")).findings[0].waived


def test_a_whole_file_is_keyed_by_its_path() -> None:
    found = finding("byte-order-mark", "train.jsonl", None)
    mark = waiver(rule="byte-order-mark", record=None, path=None, file="train.jsonl")
    assert judged([found], mark).findings[0].waived


@pytest.mark.parametrize(("expires", "holds"), [(None, True), (TODAY, True), (TODAY - datetime.timedelta(1), False)])
def test_a_waiver_holds_through_its_last_day(expires: datetime.date | None, holds: bool) -> None:
    applied = judged([finding()], waiver(expires=expires))
    assert applied.findings[0].waived is holds
    assert [s.why for s in applied.stale] == ([] if holds else [f"it expired on {expires}"])


def test_stale_only_where_the_rule_ran_and_the_file_was_read() -> None:
    assert len(judged([], waiver()).stale) == 1
    assert not judged([], waiver(), ran=("exact-duplicate",)).stale
    assert not judged([], waiver(file="other.jsonl")).stale
    assert len(judged([], waiver(file="somewhere/train.jsonl")).stale) == 1


def test_accept_gives_one_waiver_per_rule_row_and_path() -> None:
    found = [finding(), finding(), finding(path=None)]
    made = accept(found, lambda f: DIGEST, reason="looked at", expires=TODAY)
    assert [w.path for w in made] == ["/messages/1/content", None]
    assert all(f.waived for f in judged(found, *made).findings)
    assert accept(judged(found, *made).findings, lambda f: DIGEST, reason="again") == ()


def test_accept_of_a_whole_file() -> None:
    found = finding("byte-order-mark", "train.jsonl", None)
    (made,) = accept([found], lambda f: None, reason="meant")
    assert made.record is None and made.file == "train.jsonl"
    assert judged([found], made).findings[0].waived


def test_digests_keep_their_leading_zeros() -> None:
    (made,) = accept([finding(digest=7)], lambda f: 7, reason="meant")
    assert made.record == "0000000000000007"
    assert made.fingerprint == finding(digest=7).fingerprint


def test_write_and_load(tmp_path: Path) -> None:
    path = tmp_path / "prepdata-waivers.json"
    listed = (waiver(expires=TODAY), waiver(rule="exact-duplicate", path=None, file="ä.jsonl"))
    write(path, listed)
    assert load(path) == listed
    assert json.loads(path.read_text())["schema_version"] == 1
    assert os.listdir(tmp_path) == ["prepdata-waivers.json"]


def test_write_keeps_the_mode_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    write(path, [])
    path.chmod(0o600)
    write(path, [waiver()])
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.json"
    write(path, [waiver()])
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        write(path, [])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["w.json"]


def test_write_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.*cannot be written"):
        write(tmp_path / "nowhere" / "w.json", [])


def test_add_makes_the_file_and_adds_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    assert add(path, [waiver()]) == 1
    assert add(path, [waiver(reason="another"), waiver(path=None)]) == 1
    assert [w.reason for w in load(path)] == ["closed account", "closed account"]


def test_prune_removes_the_stale(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    write(path, [waiver(), waiver(path="/gone")])
    stale = judged([finding()], *load(path)).stale
    assert prune(path, stale) == 1
    assert [w.path for w in load(path)] == ["/messages/1/content"]
    assert prune(path, stale) == 0


MISTAKES = [
    ("[]", "Expected `object`", "array"),
    ('{"schema_version": 1}', "waivers", "no list"),
    ("{", "w.json", "not JSON"),
    ("\xff", "w.json", "not UTF-8"),
    ('{"schema_version": 2, "waivers": []}', "schema_version is 2", "version"),
    ('{"schema_version": 1, "waivers": [], "more": 1}', "more", "unknown key"),
    ('{"schema_version": 1, "waivers": [{"rule": "secret", "record": "0123456789abcdef"}]}', "reason", "no reason"),
]


@pytest.mark.parametrize(("text", "said", "why"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_mistakes_name_the_file(tmp_path: Path, text: str, said: str, why: str) -> None:
    path = tmp_path / "w.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    listed = [
        {"rule": "secrt", "record": "0123456789abcdef", "reason": "r"},
        {"rule": "secret", "record": "XYZ", "reason": "r"},
        {"rule": "secret", "record": "0123456789abcdef", "reason": " "},
        {"rule": "secret", "reason": "r"},
        {"rule": "secret", "record": "0123456789ABCDEF", "reason": "r"},
    ]
    path.write_text(json.dumps({"schema_version": 1, "waivers": listed}))
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert "Did you mean 'secret'?" in said
    assert all(f"waiver {i}:" in said for i in range(5))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "w.json")


def test_a_stale_waiver_becomes_a_fact() -> None:
    (stale,) = judged([], waiver()).stale
    said = fact(stale)
    assert said.kind == "stale-waiver"
    assert said.data["number"] == 0 and said.data["why"]


def test_a_row_keeps_its_waiver_when_it_moves(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    more = {"messages": [{"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you."}]}
    data, waivers = tmp_path / "train.jsonl", tmp_path / "w.json"
    from prepdata.formats.openai import OpenAIChat
    from prepdata.index.columns import digest

    write(waivers, [waiver(rule="exact-duplicate", record=f"{digest(OpenAIChat().view(row)):016x}", path=None)])
    for rows in ([row, row], [more, row, row]):
        data.write_text("".join(json.dumps(r) + "\n" for r in rows))
        report = prepdata.validate(
            data, tokens=False, cache=False, jobs=1, select=["DUP", "PROV006"], waivers=str(waivers)
        )
        assert [f.waived for f in report.findings] == [True]
        assert not list(report)
