"""Rendering with the encodings of tiktoken: the tokens are tiktoken's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from byte_tokenizer import TEMPLATES
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import prepdata
from prepdata.cli.main import cli
from prepdata.errors import UsageError
from prepdata.render import Rendered, Renderer, open_renderer
from prepdata.tokens import open_counter
from prepdata.tokens.bpe import build_encoding
from prepdata.tokens.given import encoding_given, ranks_given
from prepdata.training.view import keeps_space

ENCODINGS = ("o200k_base", "cl100k_base", "o200k_harmony")
ENDED = "{% for m in messages %}{{ m.role + ': ' }}{% generation %}{{ m.content + eos_token }}{% endgeneration %}{% endfor %}"
ROW = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Héllo 日本 👍🏽\n\n  end"}]}


@pytest.fixture(scope="module", autouse=True)
def _vocabularies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPDATA_VOCAB_DIR", str(tmp_path_factory.mktemp("vocabularies")))
        if any(ranks_given(name, offline=True) is None for name in ENCODINGS):
            pytest.skip("no vocabulary here; install the extra `offline`")
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("template") / "ended.jinja"
    file.write_text(ENDED, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module", params=ENCODINGS)
def renderer(request: pytest.FixtureRequest, template: str) -> Renderer:
    return open_renderer(request.param, template, offline=True)


def reference(name: str) -> object:
    ranks = ranks_given(name, offline=True)
    assert ranks is not None
    return build_encoding(name, ranks)


@pytest.mark.parametrize("text", [
    "", "a", "Hello<|endoftext|>world <|endofprompt|>", "日本語のテキスト", "👍🏽 é e\u0301", "  \n\n\t x", "<|im_start|>",
    " " * 300, "\x00\x85\u2028", "0123456789 12345", "don't DON'T",
])  # fmt: skip
@pytest.mark.parametrize("bare", [False, True])
def test_ids_are_those_of_tiktoken(renderer: Renderer, text: str, bare: bool) -> None:
    theirs = reference(renderer.folder.encoding).encode(text, allowed_special="all")  # type: ignore[attr-defined]
    assert list(renderer.encode(Rendered(text, bare=bare)).ids) == theirs


@pytest.fixture(scope="module")
def both(template: str) -> tuple[Renderer, object]:
    return open_renderer("o200k_base", template, offline=True), reference("o200k_base")


PIECES = st.lists(
    st.one_of(
        st.text(max_size=6), st.sampled_from(["<|endoftext|>", "<|endofprompt|>", "日本", "👍🏽", "  ", "\n", "é"])
    ),
    max_size=8,
)


@given(PIECES)
def test_places_and_masks_of_any_text(both: tuple[Renderer, object], pieces: list[str]) -> None:
    """Held against places found another way: the shortest beginning of the text that holds the token's bytes."""
    renderer, theirs = both
    text, spans, at = "".join(pieces), [], 0
    for number, piece in enumerate(pieces):
        if number % 2 and piece:
            spans.append((at, at + len(piece)))
        at += len(piece)
    encoded = renderer.encode(Rendered(text, tuple(spans)))
    assert list(encoded.ids) == theirs.encode(text, allowed_special="all")  # type: ignore[attr-defined]
    done = 0
    for number, (start, end), bit in zip(encoded.ids, encoded.offsets, encoded.mask, strict=True):
        size = len(theirs.decode_single_token_bytes(number))  # type: ignore[attr-defined]
        assert len(text[:start].encode()) <= done < len(text[: start + 1].encode())
        done += size
        assert len(text[: end - 1].encode()) < done <= len(text[:end].encode())
        assert bit == any(start < last and end > first for first, last in spans)
    assert done == len(text.encode())


def test_half_characters_do_not_stop_it(renderer: Renderer) -> None:
    encoded = renderer.encode(Rendered("a\ud800b", ((0, 3),)))
    assert len(encoded.ids) == len(encoded.mask) == len(encoded.offsets) and encoded.offsets[-1][1] == 3


def test_a_million_blanks_do_not_abort_it(both: tuple[Renderer, object]) -> None:
    encoded = both[0].encode(Rendered(" " * 1_000_000))
    assert encoded.offsets[-1][1] == 1_000_000


def test_the_end_token_is_named_and_ends_turns(renderer: Renderer) -> None:
    rendered = renderer.render(ROW["messages"])
    assert rendered.text.endswith("end<|endoftext|>")
    ids = renderer.encode(rendered).ids
    assert ids[-1] in renderer.end_tokens and renderer.token(ids[-1]) == "<|endoftext|>" and keeps_space(renderer)


def test_what_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert encoding_given("o200k_base") == "o200k_base" and encoding_given("nothing") is None
    ranks = ranks_given("o200k_base", offline=True)
    assert ranks is not None
    for name, encoding in (("o200k_base", "o200k_base"), ("o200k_harmony", "o200k_harmony"), ("mine", "o200k_base")):
        file = tmp_path / f"{name}.tiktoken"
        file.write_bytes(ranks.data)
        assert encoding_given(str(file)) == encoding
    (tmp_path / "broken.tiktoken").write_bytes(ranks.data[:-9])
    with pytest.raises(UsageError, match=r"broken\.tiktoken is none of the rank files"):
        encoding_given(str(tmp_path / "broken.tiktoken"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o200k_base").mkdir()  # what is there comes first
    assert encoding_given("o200k_base") is None


def test_a_template_is_needed(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW), encoding="utf-8")
    result = CliRunner().invoke(cli, ["validate", str(tmp_path / "rows.jsonl"), "--tokenizer", "o200k_base"])
    assert isinstance(result.exception, UsageError) and "--chat-template FILE" in str(result.exception)


def test_a_slip_of_the_pen() -> None:
    with pytest.raises(UsageError, match=r"No tokenizer\.json at o200k_bas.* Did you mean 'o200k_base'\?"):
        open_renderer("o200k_bas")


def test_no_vocabulary_to_be_had(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prepdata.render.folder.ranks_given", lambda given, offline: None)
    with pytest.raises(UsageError, match="No vocabulary for p50k_base was found"):
        open_renderer("p50k_base", template, offline=True)


def test_counts_and_rows_agree(tmp_path: Path, template: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    counter = open_counter(tokenizer="o200k_base", offline=True)
    assert counter.exact and any("chat template" in note for note in counter.notes)
    report = prepdata.validate(
        tmp_path / "rows.jsonl", tokenizer="o200k_base", chat_template=template, cache=False, offline=True
    )
    size = sum(counter.count([turn["content"] for turn in ROW["messages"]]))
    assert report.measures["tokens"]["counter"] == "tiktoken o200k_base" and report.measures["tokens"]["total"] == size
    (trainer,) = report.measures["training"]["trainers"]
    theirs = reference("o200k_base").encode(  # type: ignore[attr-defined]
        f"user: Hi<|endoftext|>assistant: {ROW['messages'][1]['content']}<|endoftext|>", allowed_special="all"
    )
    assert trainer["tokens"] == len(theirs)


def test_show(tmp_path: Path, template: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    place = f"{tmp_path / 'rows.jsonl'}:1"
    for target in ("plain", "trl", "axolotl", "unsloth", "llama-factory"):
        flags = ["--target", target] if target != "plain" else []
        result = CliRunner().invoke(
            cli, ["show", place, "--tokenizer", "cl100k_base", "--chat-template", template, "--json", *flags]
        )
        assert result.exit_code == 0, result.output
        row = json.loads(result.output[result.output.index("{") :])["rows"][0]
        assert row["refused"] is not None or row["stopped"] or row["tokens"], target


def test_chatml_is_text_to_it(tmp_path: Path) -> None:
    """o200k_base has no <|im_end|>: it is written in ordinary tokens, as tiktoken does."""
    (tmp_path / "chatml.jinja").write_text(TEMPLATES["chatml"], encoding="utf-8")
    renderer = open_renderer("o200k_base", str(tmp_path / "chatml.jinja"), offline=True)
    ids = renderer.encode(renderer.render(ROW["messages"])).ids
    assert not renderer.end_tokens & set(ids)


def test_two_processes_and_the_cache(tmp_path: Path, template: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text((json.dumps(ROW) + "\n") * 50, encoding="utf-8")
    given = {"tokenizer": "o200k_base", "chat_template": template, "offline": True}
    one = prepdata.validate(rows, jobs=1, cache=False, **given)
    for _ in range(2):
        again = prepdata.validate(rows, jobs=2, cache_dir=str(tmp_path / "cache"), **given)
        assert again.measures == one.measures and list(again) == list(one)


def test_the_lock_has_nothing_of_an_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    lock = ["lock", "rows.jsonl", "--tokenizer", "o200k_base", "--lock", "a.lock", "--isolated"]
    result = CliRunner().invoke(cli, lock)
    assert result.exit_code == 0 and "nothing of it is locked" in result.output
    assert json.loads((tmp_path / "a.lock").read_text())["tokenizer"] is None
    report = prepdata.validate("rows.jsonl", tokenizer="o200k_base", chat_template=template, lock="a.lock", cache=False)
    assert not [f for f in report if f.name == "template-drift"]
