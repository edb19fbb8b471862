"""Where rank files are found, and that only genuine ones are used."""

from __future__ import annotations

import hashlib
import inspect
import stat
import sys
from pathlib import Path

import pytest

from prepdata.errors import UsageError
from prepdata.tokens import vocab
from prepdata.tokens.vocab import VOCABULARIES, Vocabulary

FAKE = b"IQ== 0\nIg== 1\n"


@pytest.fixture
def fake(monkeypatch):
    """A vocabulary of two tokens under the name of a real one, that no package carries."""
    made = Vocabulary("p50k_base", hashlib.sha256(FAKE).hexdigest())
    monkeypatch.setitem(vocab.VOCABULARIES, "p50k_base", made)
    return made


def empty(tmp_path, **more):
    """An environment without caches, whose own folder is empty."""
    return {"TIKTOKEN_CACHE_DIR": "", "PREPDATA_VOCAB_DIR": str(tmp_path / "own"), **more}


def test_addresses_and_sums_are_those_of_tiktoken():
    source = inspect.getsource(__import__("tiktoken_ext.openai_public", fromlist=["x"]))
    for found in VOCABULARIES.values():
        assert f'"{found.url}"' in source
        assert f'"{found.sha256}"' in source


def test_cache_names_are_those_of_tiktoken():
    assert VOCABULARIES["cl100k_base"].cache_name == "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
    assert VOCABULARIES["o200k_base"].cache_name == "fb374d419588a4632f3f557e76b4b70aebbca790"


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_the_users_cache_comes_first(tmp_path, fake, variable):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / fake.cache_name).write_bytes(FAKE)
    own = tmp_path / "own"
    own.mkdir()
    (own / "p50k_base.tiktoken").write_bytes(FAKE)
    env = {variable: str(cache), "PREPDATA_VOCAB_DIR": str(own)}
    found = vocab.find("p50k_base", offline=True, env=env)
    assert found.data == FAKE
    assert found.origin == variable
    assert found.path == str(cache / fake.cache_name)


def test_the_first_variable_hides_the_second_as_in_tiktoken(tmp_path, fake):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / fake.cache_name).write_bytes(FAKE)
    env = empty(tmp_path, DATA_GYM_CACHE_DIR=str(cache))
    assert vocab.find("p50k_base", offline=True, env=env) is None


def test_a_damaged_file_is_passed_over_and_left_alone(tmp_path, fake):
    cache, own = tmp_path / "cache", tmp_path / "own"
    cache.mkdir()
    own.mkdir()
    damaged = cache / fake.cache_name
    damaged.write_bytes(FAKE[:-3])
    (own / "p50k_base.tiktoken").write_bytes(FAKE)
    env = {"TIKTOKEN_CACHE_DIR": str(cache), "PREPDATA_VOCAB_DIR": str(own)}
    found = vocab.find("p50k_base", offline=True, env=env)
    assert found.origin == "prepdata's vocabulary folder"
    assert damaged.read_bytes() == FAKE[:-3]


def test_a_file_too_large_is_not_read(tmp_path, fake, monkeypatch):
    monkeypatch.setattr(vocab, "MAX_BYTES", 4)
    own = tmp_path / "own"
    own.mkdir()
    (own / "p50k_base.tiktoken").write_bytes(FAKE)
    assert vocab.find("p50k_base", offline=True, env=empty(tmp_path)) is None


@pytest.mark.parametrize(
    ("package", "inner"),
    [("litellm", "litellm_core_utils/tokenizers"), ("llama_index", "core/_static/tiktoken_cache")],
)
def test_packages_are_read_by_file_name_and_not_imported(tmp_path, fake, monkeypatch, package, inner):
    site = tmp_path / "site"
    folder = site / package / inner
    folder.mkdir(parents=True)
    (site / package / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / fake.cache_name).write_bytes(FAKE)
    monkeypatch.syspath_prepend(str(site))
    sys.modules.pop(package, None)
    found = vocab.find("p50k_base", offline=True, env=empty(tmp_path))
    assert found.data == FAKE
    assert found.origin == f"package {package.replace('_', '-')}"
    assert package not in sys.modules


def test_a_download_is_checked_and_kept(tmp_path, fake, monkeypatch):
    asked = []
    monkeypatch.setattr(vocab, "_download", lambda v: asked.append(v.url) or FAKE)
    found = vocab.find("p50k_base", env=empty(tmp_path))
    assert found.origin == "downloaded"
    assert Path(found.path).read_bytes() == FAKE
    assert asked == [fake.url]
    again = vocab.find("p50k_base", env=empty(tmp_path))
    assert again.origin == "prepdata's vocabulary folder"
    assert len(asked) == 1


def test_a_wrong_download_is_not_used(tmp_path, fake, monkeypatch):
    monkeypatch.setattr(vocab, "_download", lambda _: b"<html>blocked</html>")
    assert vocab.find("p50k_base", env=empty(tmp_path)) is None
    assert not (tmp_path / "own").exists()


def test_offline_downloads_nothing(tmp_path, fake, monkeypatch):
    monkeypatch.setattr(vocab, "_download", lambda _: pytest.fail("went to the network"))
    assert vocab.find("p50k_base", offline=True, env=empty(tmp_path)) is None


def test_no_network_is_no_error(fake, monkeypatch):
    import urllib.request

    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert vocab._download(fake) is None


def test_a_folder_that_cannot_be_written_keeps_the_ranks_in_memory(tmp_path, fake, monkeypatch):
    monkeypatch.setattr(vocab, "_download", lambda _: FAKE)
    blocked = tmp_path / "own"
    blocked.write_text("a file where the folder should be")
    found = vocab.find("p50k_base", env=empty(tmp_path))
    assert found.data == FAKE
    assert found.path is None


def test_nothing_half_written_stays(tmp_path, fake, monkeypatch):
    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    assert vocab._keep(fake, FAKE, empty(tmp_path)) is None
    assert list((tmp_path / "own").iterdir()) == []


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_rebuilt_from_rs_bpe_byte_for_byte(tmp_path, encoding):
    pytest.importorskip("rs_bpe")
    found = vocab.find(encoding, offline=True, env=empty(tmp_path))
    assert hashlib.sha256(found.data).hexdigest() == VOCABULARIES[encoding].sha256
    assert Path(found.path).read_bytes() == found.data
    assert stat.S_ISREG(Path(found.path).stat().st_mode)
    assert vocab.find(encoding, offline=True, env=empty(tmp_path)).origin == "prepdata's vocabulary folder"


def test_a_broken_rs_bpe_is_passed_over(monkeypatch):
    monkeypatch.setattr(vocab.importlib, "import_module", lambda _: (_ for _ in ()).throw(ImportError("bad binary")))
    assert vocab._rebuild(VOCABULARIES["cl100k_base"]) is None


@pytest.mark.parametrize(("encoding", "file"), [("o200k_harmony", "o200k_base"), ("p50k_edit", "p50k_base")])
def test_encodings_that_share_a_file(encoding, file):
    assert vocab.vocabulary_for(encoding).name == file


def test_an_unknown_encoding_names_the_nearest():
    with pytest.raises(UsageError, match="o200k_base"):
        vocab.vocabulary_for("o200k_bas")


def test_survey_says_what_is_where(tmp_path, fake):
    own = tmp_path / "own"
    own.mkdir()
    (own / "p50k_base.tiktoken").write_bytes(b"damaged")
    places = vocab.survey(empty(tmp_path))
    mine = {p.origin: p.state for p in places if p.vocabulary == "p50k_base"}
    assert mine["prepdata's vocabulary folder"] == "damaged"
    assert {p.vocabulary for p in places} == set(VOCABULARIES)


def test_add_knows_a_file_by_its_sum(tmp_path, fake):
    source = tmp_path / "some download"
    source.write_bytes(FAKE)
    name, path = vocab.add(source, env=empty(tmp_path))
    assert name == "p50k_base"
    assert path.read_bytes() == FAKE
    assert vocab.find("p50k_base", offline=True, env=empty(tmp_path)).path == str(path)


def test_add_refuses_what_it_does_not_know(tmp_path):
    source = tmp_path / "o200k_base.tiktoken"
    source.write_bytes(b"IQ== 0\r\n")
    with pytest.raises(UsageError, match="none of the rank files"):
        vocab.add(source, env=empty(tmp_path))
    with pytest.raises(UsageError, match="cannot be read"):
        vocab.add(tmp_path / "absent", env=empty(tmp_path))


def test_the_own_folder_follows_the_system(monkeypatch):
    assert vocab.folder({"PREPDATA_VOCAB_DIR": "/x/y"}) == Path("/x/y")
    monkeypatch.setattr(sys, "platform", "linux")
    assert vocab.folder({"XDG_DATA_HOME": "/data"}) == Path("/data/prepdata/vocabularies")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert vocab.folder({}).parts[-4:] == ("Library", "Application Support", "prepdata", "vocabularies")
    monkeypatch.setattr(sys, "platform", "win32")
    assert vocab.folder({"LOCALAPPDATA": "/app"}) == Path("/app/prepdata/vocabularies")


def test_without_a_home_there_is_no_folder(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert vocab.folder({}) is None


def test_the_environment_is_never_changed(tmp_path, fake, monkeypatch):
    import os

    before = dict(os.environ)
    vocab.find("p50k_base", offline=True, env=empty(tmp_path))
    vocab.survey()
    assert dict(os.environ) == before


def test_advice_says_exactly_what_to_do():
    advice = vocab.advice("o200k_base")
    assert VOCABULARIES["o200k_base"].url in advice
    assert "prepdata vocab add" in advice
    assert "estimates" in advice
