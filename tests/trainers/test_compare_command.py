"""`prepdata compare` as it is used: exit codes, forms of output, hostile text, wrong use."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from records_made import replaced, samples, written

from prepdata.cli import main as command_line
from trainers.record import ScoreValue

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script> | @all [x](http://evil) `\x1b[31m\u202e\nsecond line"


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command and returns (exit code, standard output, standard error)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["prepdata", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def rows(passed, of=100, **changes):
    return samples({"exact_match": [1.0] * passed + [0.0] * (of - passed)}, **changes)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "base.json", rows(30))
    written(tmp_path / "good.json", rows(60), kind="tuned", created="2026-11-29T12:00:00Z")
    written(tmp_path / "same.json", rows(31), kind="tuned", created="2026-11-29T12:00:00Z")
    lost = replaced(rows(60), 5, finish_reason="error", error="timed out", scores={"exact_match": ScoreValue(None)})
    written(tmp_path / "lost.json", lost, kind="tuned", created="2026-11-29T12:00:00Z")
    written(tmp_path / "other.json", samples({"regex": [1.0] * 100}))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "verdict"),
    [
        ("good", 0, "improved: gate passed"),
        ("same", 1, "no difference shown: gate not passed"),
        ("lost", 2, "could not be measured: gate not decided"),
    ],
)
def test_exit_codes(run, folder, name, code, verdict):
    found, out, err = run("base.json", f"{name}.json")
    assert (found, out.split("\n")[0], err) == (code, verdict, "")
    assert run("base.json", f"{name}.json", "--quiet") == (code, "", "")


def test_records_that_cannot_be_compared(run, folder):
    code, out, err = run("base.json", "other.json")
    assert (code, out) == (2, "")
    assert "base.json and other.json cannot be compared; they differ in\n  scorers.exact_match:" in err


def test_a_record_that_was_changed(run, folder):
    text = (folder / "base.json").read_text()
    (folder / "base.json").write_text(text.replace('"tiny"', '"tina"'))
    code, _, err = run("base.json", "good.json")
    assert code == 2 and "base.json: its hash does not fit" in err


def test_samples_that_were_changed(run, folder):
    file = folder / "good.samples.jsonl"
    file.write_text(file.read_text().replace('"value":0.0', '"value":1.0'))
    code, _, err = run("base.json", "good.json")
    assert code == 2 and "good.samples.jsonl" in err and "hash does not fit" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.json", "good.json"), "none.json: cannot be read"),
        (("base.json", "good.json", "--primary", "exakt_match"), "Did you mean 'exact_match'?"),
        (("base.json", "good.json", "--guard", "regex"), "write METRIC=X"),
        (
            ("base.json", "good.json", "--forgetting", "2"),
            "--forgetting: expected a number of at least 0 and at most 1",
        ),
        (("base.json", "good.json", "--config", "none.toml"), "none.toml: cannot be read"),
        (("base.json", "good.json", "--html", "base.json"), "is a record that is compared"),
        (("base.json", "good.json", "--markdown", "no/such/file.md"), "there is no folder"),
        (("base.json",), "Missing argument 'RUN'"),
    ],
)
def test_wrong_use(run, folder, arguments, said):
    code, out, err = run(*arguments)
    assert code == 2 and said in err and "Traceback" not in err
    assert out == ""


def test_flags_change_the_gate(run, folder):
    (folder / "run.toml").write_text('[gate]\nrequire = "not-worse"\nmargin = 0.01\n')
    assert run("base.json", "same.json", "--config", "run.toml")[0] == 1
    assert run("base.json", "same.json", "--config", "run.toml", "--margin", "0.1")[0] == 0


@pytest.mark.parametrize("name", ["good", "same", "lost"])
def test_json_keeps_to_its_schema(run, folder, name):
    code, out, _ = run("base.json", f"{name}.json", "--json", "--latency", "0.5", "--forgetting", "0.1")
    held = json.loads(out)
    schema = json.loads((ROOT / "schemas" / "compare.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(held, schema)
    assert code == 2 and held["passed"] is None  # there is no retention set
    assert held["baseline"]["sha256"] == json.loads((folder / "base.json").read_text())["sha256"]


class _Page(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "onclick", "onerror")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = {"messages": ({"role": "user", "content": EVIL},), "target": EVIL, "resps": ((EVIL * 200,),)}
    before = [*rows(30), *samples({"exact_match": [1.0]}, doc_id=EVIL, **asked)]
    after = [*rows(100), *samples({"exact_match": [0.0]}, doc_id=EVIL, **asked)]
    from trainers.record import ModelInfo

    evil = {"model": ModelInfo(name=EVIL, backend="transformers"), "kind": "tuned"}
    written(tmp_path / "base.json", before, **evil)
    written(tmp_path / "run.json", after, **evil)
    return tmp_path


def test_the_page_needs_nothing_and_is_safe(run, hostile):
    assert run("base.json", "run.json", "--html", "page.html", "-q")[0] == 0
    text = (hostile / "page.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert "script" not in page.tags and "img" not in page.tags and page.links == []
    assert "default-src 'none'" in text and "\x1b" not in text and "\u202e" not in text
    said = "".join(page.text)
    assert "Rows that got worse (exact_match): 1" in said and "Rows that got better (exact_match): 70" in said
    assert "and 20 more rows" in said
    assert "<script>alert(1)</script>" in said  # as text
    assert re.search(r"… and [\d,]+ characters", said)


def test_the_table_shows_no_controls(run, hostile):
    _, out, _ = run("base.json", "run.json", "--color", "never")
    assert "\x1b" not in out and "\u202e" not in out and "\\u202e" in out
    _, out, _ = run("base.json", "run.json", "--color", "always")
    assert out.startswith("\x1b[32m\x1b[1mimproved")


def test_markdown_makes_nothing_of_what_is_in_files(run, hostile):
    assert run("base.json", "run.json", "--markdown", "out.md", "-q")[0] == 0
    text = (hostile / "out.md").read_text(encoding="utf-8")
    assert text.startswith("### ✅ prepdata compare: improved: gate passed\n")
    assert "<script" not in text and "@all" not in text and "](http" not in text and "\x1b" not in text
    table = [line for line in text.split("\n") if line.startswith("| ")]
    assert len({line.count("|") for line in table}) == 1 and len(table) == 3


def test_neither_help_nor_a_comparison_imports_a_training_library(folder):
    code = (
        "import sys\nsys.argv = ['prepdata', 'compare', *sys.argv[1:]]\nfrom prepdata.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'torch', 'transformers', 'trl', 'peft', 'datasets', 'sacrebleu', 'trainers'}))"
    )
    for arguments, expected in ((["--help"], "[]"), (["base.json", "good.json"], "['trainers']")):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout.strip().split("\n")[-1] == expected
