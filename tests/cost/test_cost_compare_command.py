"""`prepdata cost --compare` as a user runs it: text, JSON against its schema, chart, wrong use."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner
from kettles import kettle_file

from prepdata.cli.cost_compare import _row
from prepdata.cli.draw import money
from prepdata.cli.main import cli
from prepdata.cost_compare.arms import with_traffic
from prepdata.cost_compare.chart import cost_after, svg
from prepdata.cost_compare.model import Arm, Baked, BreakEven, Comparison, Reach, Span, Traffic, Workload, exactly
from prepdata.cost_compare.running import Running
from prepdata.errors import ConfigError, InputError, UsageError

FLAGS = ["--isolated", "--no-cache", "--jobs", "1", "--offline"]
SITE = ["--compare", "--calls-per-day", "10000", "--knowledge-tokens", "20000", "--model", "gpt-4o-mini"]
NEVER = Span(None, None, None)
SVG = "{http://www.w3.org/2000/svg}"


pytestmark = pytest.mark.usefixtures("no_vocabulary")


@pytest.fixture
def data(tmp_path):
    return kettle_file(tmp_path, "You help in a kettle shop. " * 20)


def run(*args):
    done = CliRunner().invoke(cli, ["cost", *args, *FLAGS], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def run_json(*args):
    return json.loads(run(*args, "-f", "json"))


def test_as_text(data):
    shown = run(data, *SITE, "--params", "8")
    assert "10,000 calls a day; tokens a call (ESTIMATED)" in shown
    for arm in ("prompt", "long-context", "rag", "tuned", "own-gpu", "hybrid", "own-gpu-hybrid"):
        assert f"\n  {arm} " in shown
    assert "█" in shown
    assert "tuned against prompt" in shown
    assert "as many machines as that traffic needs" in shown
    assert "openai / gpt-4o-mini / tuned_input" in shown
    assert "as of 2026-06-30, old from 2026-09-29" in shown
    assert "Instructions and examples in the weights save" in shown
    assert "Not priced" not in shown


def test_as_json_by_its_schema(data):
    found = run_json(data, *SITE)
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "cost-compare.schema.json").read_text())
    jsonschema.validate(found, schema)
    arms = {arm["name"]: arm for arm in found["arms"]}
    assert arms["own-gpu"]["unknown"] == ["the size of the model and the GPU are not known: give --params and --gpu"]
    assert arms["tuned"]["one_time"]["likely"] > 0
    assert all(price["date"] for price in arms["tuned"]["prices"])


def test_the_file_is_measured(data):
    work = run_json(data, *SITE)["workload"]
    plain = run_json(data, "--model", "gpt-4o-mini")["tokens"]
    assert work["system"] + work["user"] == pytest.approx(plain["prompt"] / 40, rel=1e-3)
    assert work["answer"] == pytest.approx(plain["trained"] / 40, rel=1e-3)
    assert work["system"] > 100 > work["user"]
    assert not work["exact"]


def test_examples_and_prompts_of_today(data):
    plain = run_json(data, *SITE)["workload"]
    shots = run_json(data, *SITE, "--few-shot", "3")["workload"]
    assert shots["few_shot"] == pytest.approx(3 * (plain["user"] + plain["answer"]), rel=1e-3)
    before = run_json(data, *SITE, "--prompt-before", "5000")["workload"]
    assert before["system"] + before["user"] == pytest.approx(5_000)
    given = run_json(data, *SITE, "--retrieved-tokens", "500")["workload"]
    assert given["retrieved"] == {"low": 500.0, "likely": 500.0, "high": 500.0}


def test_numbers_as_people_write_them(data):
    site = ["--compare", "--calls-per-day", "10,000", "--knowledge-tokens", "1.5k", "--model", "gpt-4o-mini"]
    work = run_json(data, *site, "--prompt-before", "5k")["workload"]
    assert (work["calls_per_day"], work["knowledge"]) == (10_000, 1_500)
    assert work["system"] + work["user"] == pytest.approx(5_000)
    for flag in ("--calls-per-day", "--knowledge-tokens", "--few-shot", "--retrieved-tokens", "--prompt-before"):
        for wrong in ("1e3", "ten", "-1"):
            done = CliRunner().invoke(cli, ["cost", data, *SITE, flag, wrong])
            assert done.exit_code == 2
            assert f"'{wrong}': give a whole number, such as 10000, 10,000 or 200k" in done.output
    done = CliRunner().invoke(cli, ["cost", data, "--compare", "--calls-per-day", "0"])
    assert "0 is not in the range 1<=x<=1000000000000" in done.output


def test_a_prompt_that_does_not_fit_is_not_priced_as_saved(data):
    shown = run(data, *SITE, "--few-shot", "100000000000")
    saved = shown.split("Instructions and examples in the weights save\n")[1].split("\n")[0]
    assert saved.endswith(" a day (the prompt of today is not priced)") and "$" not in saved


def test_what_could_not_be_priced_is_named(data):
    shown = run(data, "--compare", "--calls-per-day", "5", "--model", "o9-huge-7b", "--target", "openai")
    assert "Not priced" in shown
    assert "  - no price of openai for 'o9-huge-7b' (prompt, long-context, rag, tuned, hybrid)\n" in shown
    assert "the price input" not in shown
    assert "Break-even" not in shown


@pytest.mark.parametrize(
    ("args", "said"),
    [(["--model", "gpt4o-mini"], "the model 'gpt4o-mini'; near it: gpt-4o-mini, gpt-4.1-mini.*no way can be priced: give"),
     (["--model", "nosuch"], "no price list has the model 'nosuch'. So"), (["--target", "foo"], "Unknown target 'foo'"),
     (["--model", "<script>\x1b[31m"], "no price list has the model")],
)  # fmt: skip
def test_a_model_without_any_price(data, args, said):
    with pytest.raises(UsageError, match=said):
        run(data, "--compare", "--calls-per-day", "5", *args)


def test_where_a_size_is_priced_the_target_is_named(data):
    shown = run(data, "--compare", "--calls-per-day", "5", "--model", "Qwen2.5-7B")
    assert "'Qwen2.5-7B'; by size or family it is priced with --target fireworks or together (" in shown


def test_examples_that_no_model_reads_are_not_priced(data):
    # gpt-4o-mini reads 128,000 tokens; documents are held against that together with the examples.
    shown = run(data, *SITE, "--few-shot", "1000000")
    assert " do not fit the 128,000 that the model reads, or its price holds for (prompt, rag)\n" in shown
    assert "\n  tuned " in shown


def test_prices_of_the_future(data, tmp_path):
    file = tmp_path / "p.toml"
    file.write_text("date = 9999-01-01\ninput = 1\noutput = 2\n")
    with pytest.raises(ConfigError, match="date: 9999-01-01 lies in the future"):
        run(data, "--compare", "--calls-per-day", "5", "--prices", str(file))


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(0.02, "$0.020"), (0.029, "$0.029"), (0.0857, "$0.086"), (0.1, "$0.10"), (0.002, "$0.0020"), (0, "$0.00")],
)
def test_small_sums_have_two_digits(usd, shown):
    assert money(usd) == shown


def test_prices_of_ones_own(data, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("date = 2026-11-01\ninput = 1\noutput = 2\n")
    shown = run(data, "--compare", "--calls-per-day", "5", "--prices", str(file))
    assert "own.toml / input" in shown
    assert "your own" in shown


def test_a_chart_is_written_whole(data, tmp_path):
    file = tmp_path / "chart.svg"
    run(data, *SITE, "--params", "8", "--svg", str(file))
    root = ElementTree.fromstring(file.read_text())
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert "What each way has cost, at 10,000 calls a day" in texts
    assert "days (logarithmic)" in texts
    assert any("US dollars" in text for text in texts)
    assert any(text.startswith("own-gpu-hybrid $") for text in [" ".join(text.split()) for text in texts])
    assert len(list(root.iter(f"{SVG}polyline"))) == 7
    run(data, *SITE, "--few-shot", "9", "--calls-per-day", "200", "--svg", str(file))
    root = ElementTree.fromstring(file.read_text())
    told = [node.find(f"{SVG}title").text for node in root.iter(f"{SVG}circle")]
    assert any(text.startswith("tuned has paid off against prompt after") for text in told)
    with pytest.raises(UsageError, match="there is no folder"):
        run(data, *SITE, "--svg", str(tmp_path / "none" / "chart.svg"))


def comparison(*arms):
    work = Workload(calls_per_day=10, system=1, user=1, answer=1)
    saved = Baked(system_tokens=1, few_shot_tokens=0, tokens_per_day=10, usd_per_thousand_calls=None)
    return Comparison(schema_version=1, workload=work, arms=list(arms), break_even=[], baked=saved)


def arm(name, once, call):
    bare = Arm(name=name, serves="task", one_time=exactly(once), running=Running(call=exactly(call)))
    return with_traffic(bare, 10)


def test_names_at_the_ends_do_not_cover_each_other():
    names = ("prompt", "tuned", "own-gpu", "hybrid", "rag")
    root = ElementTree.fromstring(svg(comparison(*[arm(name, 5, 0.01) for name in names])))
    places = sorted(float(n.get("y")) for n in root.iter(f"{SVG}text") if n.text.split()[0] in names)
    assert len(places) == 5
    assert min(b - a for a, b in pairwise(places)) >= 16


def test_a_chart_of_nothing_and_of_no_cost():
    root = ElementTree.fromstring(svg(comparison(Arm(name="prompt", serves="task", unknown=["?"]))))
    assert not list(root.iter(f"{SVG}polyline"))
    assert any("no price: prompt" in (n.text or "") for n in root.iter(f"{SVG}text"))
    assert ElementTree.fromstring(svg(comparison(arm("prompt", 0, 0)))) is not None


def test_costs_after_some_days_by_hand():
    # $5 once and 10 calls of $0.01 a day: $5.30 after 3 days.
    assert cost_after(arm("tuned", 5, 0.01), 3, 10) == pytest.approx(5.3)
    with pytest.raises(ValueError, match="has no price"):
        cost_after(msgspec.structs.replace(arm("tuned", 5, 0.01), per_day=None), 3, 10)


@pytest.mark.parametrize(
    ("args", "said"),
    [(["--compare"], "--calls-per-day"), (["--compare", "--calls-per-day", "9"], "--prices FILE"),
     (["--calls-per-day", "9"], "--calls-per-day goes with --compare"), (["--svg", "x.svg"], "--svg goes with --compare"),
     ([*SITE, "--gpu", "H100", "--gpu", "L4", "--params", "8"], "takes one --gpu"), ([*SITE, "--gpu", "H100"], "--params"),
     ([*SITE, "--few-shot", "2", "--prompt-before", "900"], "leave out --few-shot"),
     ([*SITE, "--prompt-before", "1"], "the questions of the rows alone have"), ([*SITE, "--store", "x"], "Unknown store"),
     ([*SITE, "--embedding", "x"], "Unknown embedding")],
)  # fmt: skip
def test_wrong_use(data, args, said):
    with pytest.raises(UsageError, match=said):
        run(data, *args)


def test_the_chart_does_not_replace_the_data(data):
    before = Path(data).read_bytes()
    with pytest.raises(UsageError, match="give the chart a name of its own"):
        run(data, *SITE, "--svg", data)
    assert Path(data).read_bytes() == before


def test_the_chart_does_not_replace_the_prices(data, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("input = 1\noutput = 2\n")
    with pytest.raises(UsageError, match="holds the prices; give the chart a name of its own"):
        run(data, *SITE, "--prices", str(file), "--svg", str(file))
    assert file.read_text() == "input = 1\noutput = 2\n"


def test_rows_are_cut_as_in_the_plain_estimate(data):
    """40 rows, each cut at 100 tokens: 4,000 tokens, 2 to 4 epochs at $3 per million, $0.012 - $0.036 - $0.048."""
    cut = ["--context-length", "100", "--epochs", "3"]
    once = next(a for a in run_json(data, *SITE, *cut)["arms"] if a["name"] == "tuned")["one_time"]
    plain = run_json(data, "--model", "gpt-4o-mini", "--target", "openai", *cut)["hosted"][0]["usd"]
    assert once == plain
    assert once["likely"] == pytest.approx(40 * 100 * 3 * 3 / 1e6)


@pytest.mark.parametrize(
    ("reach", "said"),
    [(Reach(Traffic(1, None), Traffic(1, None), Traffic(1, None)), "any"), (Reach(None, None, None), "never"),
     (Reach(Traffic(1, None), Traffic(1_234, None), None), "any - from 1,234 - never"),
     (Reach(Traffic(1, 5_000), Traffic(20, 400), None), "to 5,000 - 20 to 400 - never")],
)  # fmt: skip
def test_traffic_in_words(reach, said):
    item = BreakEven(first="prompt", then="tuned", days=NEVER, calls=NEVER, cheaper_at=reach)
    assert _row(item) == ("tuned against prompt", "never", "never", said)


def test_a_file_without_rows(tmp_path):
    file = tmp_path / "empty.jsonl"
    file.write_text("\n")
    with pytest.raises(InputError, match=r"empty.jsonl: no row could be read, .*`prepdata validate "):
        run(str(file), *SITE)


def test_text_in_price_files_cannot_steer_the_terminal(data, tmp_path):
    file = tmp_path / "own\u001b[2J.toml"
    file.write_text("input = 1\noutput = 2\n")
    assert "\u001b" not in run(data, "--compare", "--calls-per-day", "5", "--prices", str(file))
