"""`prepdata arms` as it is used: documents searched, exit codes, forms of output and their schema, hostile text."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from arms_asked import asked
from chat_server import served

from prepdata.cli import main as command_line
from prepdata.reporters.base import Output
from trainers.arms.judge import report
from trainers.arms.model import ArmResult, ArmsReport, Cost
from trainers.gate import Gate
from trainers.record import Aggregate
from trainers.reporters.arms import document
from trainers.reporters.document import to_html, to_markdown, to_terminal

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script> | @all [x](http://evil) \x1b[31m\u202e\nsecond line"
DOCUMENTS = {
    "returns.md": "# Returns\n\nGoods may be sent back within 14 days.\n",
    "shipping.md": "# Shipping\n\nParcels to Norway take five days.\n",
    "gifts.md": "# Gifts\n\nWrapping costs 3 euros for each box.\n",
}
ROWS = [
    ("How many days do I have to send goods back?", "14 days", "returns.md"),
    ("How long do parcels to Norway take?", "five days", "shipping.md"),
    ("What does wrapping cost for a box?", "3 euros", "gifts.md"),
]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    yield from served("faulty")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command and returns (exit code, standard output, standard error)."""

    def call(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["prepdata", "arms", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def folder(echo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: documents, questions asked twice over in other words, a prompt, a configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("trainers.timing.MOST_ROUNDS", 3)
    (tmp_path / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (tmp_path / "docs" / name).write_text(text)
    held = []
    for start in ("", "Please say: ", "Hello! ", "A customer asks: "):
        for question, answer, gold in ROWS:
            turns = [{"role": "user", "content": start + question}, {"role": "assistant", "content": answer}]
            held.append({"messages": turns, "gold": [gold]})
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    (tmp_path / "prompt.txt").write_text("Be brief.")
    write(tmp_path, echo)
    return tmp_path


def write(folder: Path, echo: str, more: str = 'documents = "docs"\nk = 1\n') -> None:
    (folder / "arms.toml").write_text(
        f'model = "{echo}"\nmodel-name = "tiny"\ntest = "test.jsonl"\noutput = "arms"\nscorers = ["contains"]\n'
        f'system-prompt = "prompt.txt"\nlatency-rows = 2\nretries = 0\n{more}\n[gate]\nprimary = "contains"\n'
    )


def test_documents_are_searched_and_the_arm_that_knows_them_is_taken(run: Run, folder: Path) -> None:
    pytest.importorskip("qdrant_client")
    pytest.importorskip("semantic_text_splitter")
    code, out, err = run("arms.toml", "--html", "page.html", "--markdown", "page.md")
    assert (code, out.split("\n")[0]) == (0, "take rag"), err
    lines = {line.split(" ")[0]: line for line in out.split("\n") if line.startswith(("base ", "rag ", "prompted "))}
    assert lines["base"].split()[1] == "0.000"
    assert "recall" in out and "1.000 [0.758, 1.000]" in out  # Wilson's interval of 12 in 12
    assert "tuned: left out: no tuned model: name it by adapter or tuned" in out
    assert "prepdata: rag: 12 rows asked" in err
    assert "written: arms/arms.json" in err
    assert "take rag" in (folder / "page.html").read_text() and "take rag" in (folder / "page.md").read_text()
    code, out, err = run("arms.toml", "--json")
    assert code == 0 and "rag: kept, all 12 rows were asked before" in err
    found = json.loads(out)
    schema = json.loads((ROOT / "schemas" / "arms.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found == json.loads((folder / "arms" / "arms.json").read_text())
    (folder / "docs" / "gifts.md").write_text("# Gifts\n\nWrapping costs 4 euros for each box.\n")
    code, _, err = run("arms.toml", "--quiet")
    assert (code, err) == (0, "")
    changed = json.loads((folder / "arms" / "arms.json").read_text())
    assert [arm["asked"] for arm in changed["arms"] if arm["status"] == "measured"] == [0, 0, 12]


def test_no_arm_passes(run: Run, echo: str, folder: Path) -> None:
    write(folder, echo, "")
    code, out, err = run("arms.toml")
    assert (code, out.split("\n")[0]) == (1, "no arm passes the gate"), err
    assert "prompted: contains: no difference shown" in out
    assert run("arms.toml", "-q") == (1, "", "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('system-prompt = "nosuch.txt"', "nosuch.txt: the system prompt cannot be read: No such file or directory"),
        ('system-prompt = "odd.txt"', "odd.txt: not UTF-8 (byte 0); save the system prompt as UTF-8"),
        ('few-shot = "nosuch.jsonl"', "nosuch.jsonl: no such file or folder."),
        ('few-shot = "test.jsonl"\nshots = 1', "an example must not be a held-out row"),
        ('documents = "nosuch"', "nosuch: there is no such folder of documents"),
        ('documents = "odd.txt"', "odd.txt: a file; give a folder of documents, or an index of them"),
        ('documents = "odd"', "a.md: is not text in UTF-8 (byte 0); save it as UTF-8"),
        ('documents = "docs"\nembedding = "nosuch"', "there is no folder nosuch and no installed package"),
        ('documents = "docs"\nrerank = "nosuch"', "there is no folder nosuch and no installed package"),
        ('documents = "docs"\nstore-url = "http://u:p@x"', "the address of the store holds a password"),
        ('tuned = "nosuch"', "nosuch: no folder of a model"),
    ],
)
def test_what_can_be_known_first_ends_the_run_before_anything_is_asked(
    run: Run, echo: str, folder: Path, more: str, said: str
) -> None:
    pytest.importorskip("qdrant_client")
    pytest.importorskip("semantic_text_splitter")
    (folder / "odd.txt").write_bytes(b"\xff")
    (folder / "odd").mkdir()
    (folder / "odd" / "a.md").write_bytes(b"\xff\xff")
    write(folder, echo, more + "\n")
    if "system-prompt" in more:
        text = (folder / "arms.toml").read_text()
        (folder / "arms.toml").write_text(text.replace('system-prompt = "prompt.txt"\n', ""))
    before = asked(echo)
    code, out, err = run("arms.toml")
    assert code == 2 and said in err and not out
    assert asked(echo) == before and not [*(folder / "arms").glob("*.json*")]


def test_a_store_that_does_not_answer_is_an_arm_that_failed(run: Run, echo: str, folder: Path) -> None:
    pytest.importorskip("qdrant_client")
    pytest.importorskip("semantic_text_splitter")
    write(folder, echo, 'documents = "docs"\nstore-url = "http://127.0.0.1:9"\n')
    code, out, err = run("arms.toml")
    assert code == 2 and "rag: failed: the store at http://127.0.0.1:9" in out, err
    assert "prepdata: prompted: 12 rows asked" in err


def test_keys_that_are_absent_leave_arms_out(run: Run, echo: str, folder: Path) -> None:
    write(folder, echo, 'few-shot = "nosuch.jsonl"\narms = ["prompted"]\nembedding = "nosuch"\n')
    code, out, err = run("arms.toml")
    assert code == 1 and "few-shot: left out: not asked for (arms)" in out, err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.toml",), "none.toml: cannot be read"),
        (("bad.toml",), "bad.toml: unknown key 'modle'"),
        (("local.toml",), "nowhere: no folder of a model"),
        (("arms.toml", "--html", "arms/base.json"), "--html arms/base.json: records of arms have such names"),
        (("arms.toml", "--html", "docs"), "--html docs: a folder; name a file"),
        (("arms.toml", "--markdown", "arms.d"), "--markdown arms.d: a folder; name a file"),
        (("arms.toml", "--html", "prompt.txt"), "--html prompt.txt: this file is read; choose another name"),
        (("arms.toml", "--markdown", "./arms.toml"), "--markdown ./arms.toml: this file is read"),
        (("arms.toml", "--html", "none/a.html"), "--html none/a.html: none is no folder"),
        (("twice.toml",), "test test.jsonl and retention test.jsonl are the same rows"),
        (("primary.toml",), "gate.primary: no scorer gives the metric 'contain'. Did you mean 'contains'?"),
        (
            ("guard.toml",),
            "gate.guards.retention/rouge: no scorer gives the metric 'rouge'. These are measured: contains",
        ),
    ],
)
def test_wrong_use_is_one_line(run: Run, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    least = 'model = "nowhere"\ntest = "test.jsonl"\noutput = "arms"\n'
    (folder / "arms.d").mkdir()
    (folder / "bad.toml").write_text(least + 'modle = "x"\n')
    (folder / "local.toml").write_text(least)
    good = (folder / "arms.toml").read_text()
    (folder / "twice.toml").write_text(good.replace('test.jsonl"\n', 'test.jsonl"\nretention = "test.jsonl"\n', 1))
    (folder / "primary.toml").write_text(good.replace('primary = "contains"', 'primary = "contain"'))
    (folder / "guard.toml").write_text(good + '[gate.guards]\nerror_rate = 0.1\n"retention/rouge" = 0.1\n')
    code, out, err = run(*arguments)
    assert code == 2
    assert said in err or said in out
    assert "Traceback" not in err


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from prepdata.cli.main import cli\n"
        "try: cli(['arms', '--help'])\nexcept SystemExit: pass\n"
        "print({'torch', 'transformers', 'qdrant_client', 'trainers', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.endswith("set()\n") and "CONFIG" in done.stdout


# --- hostile text ----------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.found.add(tag)


@pytest.fixture
def hostile() -> ArmsReport:
    metrics = {"test": {EVIL: Aggregate(value=0.5, n=2, low=0.1, high=0.9)}}
    arms = [
        ArmResult(name="base", status="failed", reason=EVIL),
        ArmResult(name="rag", status="measured", metrics=metrics, cost=Cost(usd_per_thousand=None, said=EVIL),
                  retrieval={"recall": Aggregate(value=1.0, n=3, low=0.4, high=1.0)}),
    ]  # fmt: skip
    return report(arms, {}, Gate(primary=EVIL), None, notes=[EVIL])


def test_no_text_of_data_is_markup(hostile: ArmsReport) -> None:
    out = StringIO()
    to_html(document(hostile), out)
    page = out.getvalue()
    tags = Tags()
    tags.feed(page)
    assert not tags.found & {"script", "a", "img"} and "default-src 'none'" in page
    assert "&lt;script&gt;" in page and "\x1b" not in page and "\u202e" not in page
    out = StringIO()
    to_markdown(document(hostile), out)
    text = out.getvalue()
    assert "<script>" not in text and "@all" not in text and "](http" not in text and "\x1b" not in text
    lines = text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith("| arm"))
    assert lines[start].count("|") == lines[start + 1].count("|") == lines[start + 2].count("|") == 14
    assert lines[start + 2].startswith("| rag") and "\nsecond line" not in text


def test_numbers_stay_on_one_line_and_wide_tables_scroll(made: ArmsReport) -> None:
    out = StringIO()
    to_html(document(made), out)
    page = out.getvalue()
    assert ".num{white-space:nowrap" in page and ".scroll{overflow-x:auto}" in page
    assert page.count("<table") == page.count('<div class="scroll"><table>') == 2
    for cell in ("0.600 [0.502, 0.691]", "+50.0 [+", "-40.0 [-", "100.2", "0.500"):
        assert f"<td class=num>{cell}" in page
    assert "<td>not passed</td>" in page and "<td>unknown</td>" in page


def test_the_terminal_shows_controls(hostile: ArmsReport) -> None:
    out = StringIO()
    to_terminal(document(hostile), out, Output(color=False))
    assert "\x1b" not in out.getvalue() and "\nsecond line" not in out.getvalue()
    colored = StringIO()
    to_terminal(document(hostile), colored, Output(color=True))
    assert colored.getvalue().startswith("\x1b[33m\x1b[1mcould not be measured")


# --- what the tables say ---------------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> ArmsReport:
    """Return a report of three arms on 100 rows, one of them timed and priced, one left out."""
    from records_made import measured, samples

    from trainers.arms.model import Loaded
    from trainers.evaluate import aggregate
    from trainers.record import Latency
    from trainers.scorers.base import Score

    held, arms = {}, []
    for name, passed, kind in (("base", 10, "base"), ("prompted", 20, "prompted"), ("rag", 60, "prompted")):
        column = [1.0] * passed + [0.0] * (100 - passed)
        results = {"test": {"exact_match": aggregate([Score(v) for v in column], [""] * 100)}}
        rows = samples({"exact_match": column})
        held[name] = measured(
            tmp_path / f"{name}.json", rows, kind=kind, results=results, created="2026-11-30T00:00:00Z"
        )
        arms.append(
            ArmResult(
                name=name,
                status="measured",
                metrics=results,
                tokens_in=100.25,
                tokens_out=20.0,
                latency=Latency(p50=0.5, p95=0.75, ms_per_token=None, n=9),
                cost=Cost(usd_per_thousand=1.5, said="so"),
            )
        )
    arms[1] = ArmResult(name="prompted", status="measured", metrics=arms[1].metrics)
    arms.append(ArmResult(name="tuned", status="left out", reason="no tuned model"))
    models = [Loaded(name="m", arms=("base", "prompted", "rag"), weight_bytes=2_500_000)]
    return report(arms, held, Gate(), None, models=models, timed=(9, 5))


def test_the_tables_hold_what_was_measured(made: ArmsReport) -> None:
    held = document(made)
    overview = held.tables[0]
    assert overview.title == "Arms (100 held-out rows)"
    rows = {row[0]: dict(zip(overview.head[1:2] + overview.head[6:], row[1:2] + row[6:])) for row in overview.rows}
    assert list(rows) == ["base", "prompted", "rag"]
    assert rows["rag"] == {
        "exact_match": "0.600 [0.502, 0.691]", "tokens in": "100.2", "tokens out": "20.0", "p50 s": "0.500",
        "p95 s": "0.750", "USD per 1,000": "1.5", "gate": "passed", "dominated by": "",
    }  # fmt: skip
    assert rows["prompted"]["tokens in"] == rows["prompted"]["USD per 1,000"] == "unknown"
    assert (rows["prompted"]["p50 s"], rows["base"]["gate"]) == ("-", "not passed")
    assert rows["base"]["dominated by"] == "rag"
    against = {row[0]: row[2:6] for row in overview.rows}
    assert against["base"][:2] == ("", "") and against["rag"][2:] == ("", "")
    assert against["rag"][0].startswith("+50.0 [") and against["prompted"][2].startswith("-40.0 [")


def test_the_lists_say_the_rest(made: ArmsReport) -> None:
    lists = dict(document(made).lists)
    assert lists["Not measured"] == ("tuned: left out: no tuned model",)
    assert lists["Not passed because"] == ("base: the gate asks for more than the base",)
    assert lists["Costs"] == ("base: so", "rag: so")
    assert lists["Models"] == ("m: loaded once for base, prompted, rag (2.5 MB)",)
    assert lists["Notes"][-1] == "times: 9 rows in turns over all arms, 5 times each"
    assert lists["Notes"][0].startswith("prompted, rag: the gate names no primary metric")
    assert document(made).headline == "take rag"
