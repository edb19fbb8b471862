"""`prepdata advise` as a user runs it: flags, TOML, questions on a terminal, the data, JSON against its schema."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import jsonschema
import pytest
from advice_cases import CASES
from click.testing import CliRunner

from prepdata.advice.answers import QUESTIONS
from prepdata.advice.steps import STEPS
from prepdata.cli.main import COMMANDS, cli
from prepdata.errors import ConfigError, InputError, UsageError
from prepdata.rules.loader import rules

FLAGS = ["--isolated", "--no-cache", "--jobs", "1", "--offline"]
ROOT = Path(__file__).parents[2]
TONE = ["--fails", "tone", "--no-cite-sources", "--prompting-tried", "few-shot", "--prompting-result", "falls-short"]


def run(*args, code=0):
    done = CliRunner().invoke(cli, ["advise", *args, *FLAGS], standalone_mode=False)
    if done.exception:
        raise done.exception
    assert done.return_value == code
    return done.output


def run_json(*args, code=0):
    return json.loads(run(*args, "--json", code=code))


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "my train.jsonl"
    rows = [
        {
            "messages": [
                {"role": "system", "content": "You help in a kettle shop."},
                {"role": "user", "content": f"Is kettle number {i} in stock?"},
                {"role": "assistant", "content": "I can't help with that." if i % 10 == 0 else "Yes, it is."},
            ],
            **({"reviewed_by": "maria" if i < 210 else ""} if i % 2 == 0 else {"metadata": {"reviewed_by": "maria"}}),
        }
        for i in range(300)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_flags_give_a_verdict_with_reasons():
    shown = run(*TONE, "--reviewed-examples", "800", "--data-may-leave")
    assert shown.startswith("Verdict: fine-tuning\n")
    assert "format, tone or policy fail" in shown
    assert "(prompting_tried = few-shot; prompting_result = falls-short)" in shown
    assert "reviewed_examples: fewer than 200 -> not-enough-data" in shown
    assert "prompt-first stays in use" in shown
    assert "prepdata train run.toml --dry-run" in shown
    assert "Microsoft Learn" in shown


@pytest.mark.parametrize("path", [p for p in CASES if "[measured]" not in p.read_text()], ids=lambda p: p.stem)
def test_every_case_from_a_file_and_by_its_schema(path, tmp_path):
    case = tomllib.loads(path.read_text())
    file = tmp_path / "answers.toml"
    file.write_text(path.read_text().split("[answers]", 1)[1])
    found = run_json("--answers", str(file), code=1 if case["verdict"] == "undecided" else 0)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "advice.schema.json").read_text()))
    assert found["verdict"] == case["verdict"]
    assert found["fallback"] == case.get("fallback", found["fallback"])
    assert found["local_only"] is case.get("local", False)
    commands = [step["command"] for step in found["steps"] if step["command"]]
    assert all(command.split()[1] in COMMANDS for command in commands)
    if case.get("local"):
        assert not any("--target" in command for command in commands)
    for reason in found["reasons"]:
        assert reason["traced_to"]
        assert reason["source"]
        assert reason["date"]


def test_changes_are_decided_again():
    found = run_json(*TONE, "--reviewed-examples", "800")
    for change in found["changes"]:
        if change["answer"] == "prompting_tried":
            again = run_json(*TONE, "--reviewed-examples", "800", "--prompting-tried", change["instead"])
            assert again["verdict"] == change["verdict"]
    assert {"answer": "reviewed_examples", "instead": "fewer than 200", "verdict": "not-enough-data"} in found[
        "changes"
    ]
    assert {"answer": "cite_sources", "instead": "yes", "verdict": "hybrid"} in found["changes"]


def test_products_change_the_verdict_where_they_say():
    args = ["--fails", "facts-missing", "--no-cite-sources", "--knowledge-tokens", "50000", "--latency", "seconds"]
    found = run_json(*args, "--requests-per-day", "1000")
    assert found["verdict"] == "long-context"
    [change] = [c for c in found["changes"] if c["answer"] == "requests_per_day"]
    assert change == {"answer": "requests_per_day", "instead": "2,001 or more", "verdict": "rag"}
    assert run_json(*args, "--requests-per-day", "2000")["verdict"] == "long-context"
    assert run_json(*args, "--requests-per-day", "2001")["verdict"] == "rag"


def test_a_measured_prompt_takes_part_in_what_would_change_it(data):
    # 30 million tokens a day / 7 tokens of system prompt = 4,285,714.3 calls a day.
    args = [
        "--fails",
        "nothing",
        "--prompting-tried",
        "few-shot",
        "--prompting-result",
        "good-enough",
        "--no-cite-sources",
    ]
    found = run_json(data, *args, "--requests-per-day", "10000")
    tokens = round(found["measured"]["system_tokens"])
    calls = -(-30_000_000 // tokens)
    assert found["verdict"] == "prompt-first"
    changes = {c["answer"]: (c["instead"], c["verdict"]) for c in found["changes"]}
    assert changes["requests_per_day"] == (f"{calls:,} or more", "fine-tuning")
    assert changes["repeated_prompt_tokens"] == ("3,000 or more", "fine-tuning")
    given = run_json(data, *args, "--requests-per-day", "10000", "--repeated-prompt-tokens", str(tokens))
    assert given["changes"] == found["changes"]
    assert run_json(data, *args, "--requests-per-day", str(calls))["verdict"] == "fine-tuning"
    assert run_json(data, *args, "--requests-per-day", str(calls - 1))["verdict"] == "prompt-first"


def test_too_few_answers_tell_nothing_about_knowledge(data):
    few = Path(data).with_name("few.jsonl")
    few.write_text("".join(Path(data).read_text().splitlines(keepends=True)[:49]))
    assert run_json(str(few), *TONE, code=0)["measured"]["knowledge_heavy"] is None
    said = "whether the answers are mostly facts cannot be told: that needs 50 "
    assert said in run(str(few), *TONE)
    assert "cannot be told" not in run(data, *TONE)


def test_the_file_is_measured(data):
    found = run_json(data, *TONE)
    seen = found["measured"]
    assert (seen["rows"], seen["negative_rows"]) == (300, 30)
    assert seen["reviewed_rows"] == 150 + 105
    assert 0 < seen["system_tokens"] < seen["prompt_tokens"]
    assert found["verdict"] == "fine-tuning"
    assert any(
        t == {"name": "reviewed_rows", "value": 255, "kind": "measurement"}
        for r in found["reasons"]
        for t in r["traced_to"]
    )
    assert any("'" in (step["command"] or "") for step in found["steps"])
    shown = run(data, *TONE)
    assert "255 reviewed, 30 that decline or ask back" in shown
    assert "reviewed_rows = 255, measured" in shown


def test_a_file_without_review_marks_does_not_count_as_reviewed(tmp_path):
    file = tmp_path / "train.jsonl"
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    file.write_text((json.dumps(row) + "\n") * 500)
    found = run_json(str(file), *TONE, code=1)
    assert found["measured"]["reviewed_rows"] is None
    assert found["missing"] == [
        {
            "answer": "reviewed_examples",
            "question": "How many examples has a person reviewed?",
            "flag": "--reviewed-examples",
        }
    ]


def test_the_rule_about_knowledge_is_asked_where_there_is_one(data):
    there = any(rule.code == "COV012" for rule in rules())
    assert (run_json(data, *TONE)["measured"]["knowledge_heavy"] is not None) == there


@pytest.mark.parametrize(
    ("args", "verdict", "fallback"),
    [(["--fails", "facts-missing,tone", "--knowledge-tokens", "4000", "--requests-per-day", "100"], "hybrid", "long-context"),
     (["--fails", "facts-missing,tone", "--knowledge-tokens", "400000"], "hybrid", "rag"),
     (["--fails", "tone"], "fine-tuning", "prompt-first"),
     (["--fails", "facts-missing", "--knowledge-tokens", "400000"], "rag", "prompt-first")],
)  # fmt: skip
def test_the_way_without_tuning_stays_the_fallback(args, verdict, fallback):
    more = ["--reviewed-examples", "800", "--latency", "seconds", *TONE[2:]]
    found = run_json(*args, *more)
    assert (found["verdict"], found["fallback"]) == (verdict, fallback)


def test_flags_count_more_than_the_file(tmp_path):
    file = tmp_path / "answers.toml"
    file.write_text('fails = ["tone"]\ncite-sources = false\nprompting_tried = "none"\nreviewed_examples = 10\n')
    assert run_json("--answers", str(file))["verdict"] == "prompt-first"
    found = run_json("--answers", str(file), *TONE)
    assert found["verdict"] == "not-enough-data"
    assert found["fallback"] == "prompt-first"
    assert found["answers"]["reviewed_examples"] == 10


def test_missing_answers_are_named_not_guessed():
    found = run_json(code=1)
    assert found["verdict"] == "undecided"
    assert found["missing"][0]["answer"] == "fails"
    assert found["steps"] == []
    shown = run(code=1)
    assert "What is wrong with the answers of today?  (--fails)" in shown
    assert "(--cite-sources/--no-cite-sources)" in shown


def test_answers_that_exclude_each_other_are_named():
    found = run_json("--fails", "nothing,tone", code=1)
    assert [t["name"] for t in found["conflicts"][0]["between"]] == ["fails"]
    assert "These answers exclude each other: fails = nothing+tone" in run("--fails", "nothing,tone", code=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [('fials = ["tone"]', "Did you mean 'fails'"), ('fails = "tone,,format"', "''"), ('fails = ["fromat"]', "'fromat': expected .* Did you mean 'format'"), ("fails = []", "as a list"),
     ("cite_sources = 1", "true or false"), ("knowledge_tokens = -1", "a whole number"), ("knowledge_tokens = 1.5", "a whole"),
     ("requests_per_day = true", "a whole number"), ('latency = "fast"', "one of relaxed, seconds, sub-second"), ("=", "TOML")],
)  # fmt: skip
def test_wrong_answers_in_a_file(tmp_path, text, said):
    file = tmp_path / "answers.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        run("--answers", str(file))


def test_all_mistakes_of_a_file_at_once(tmp_path):
    file = tmp_path / "answers.toml"
    file.write_text('latency = "fast"\ncite_sources = 1\nx = 2\n')
    with pytest.raises(ConfigError) as told:
        run("--answers", str(file))
    assert len(str(told.value).split("\n")) == 3
    with pytest.raises(ConfigError, match="cannot be read"):
        run("--answers", str(tmp_path / "none.toml"))


def test_wrong_use(tmp_path, data):
    with pytest.raises(ConfigError, match="Did you mean 'tone'"):
        run("--fails", "tune")
    with pytest.raises(InputError):
        run(str(tmp_path / "none.jsonl"))
    config = tmp_path / "prepdata.toml"
    config.write_text("tokens = false\n")
    with pytest.raises(UsageError, match="tokens = false"):
        done = CliRunner().invoke(cli, ["advise", data, "--config", str(config)], standalone_mode=False)
        raise done.exception


def test_every_question_has_a_flag_and_every_way_its_steps():
    names = {option.name for option in cli.get_command(None, "advise").params}
    assert set(QUESTIONS) <= names
    assert all(STEPS.values())


def started(*args, **streams):
    command = [sys.executable, "-m", "prepdata", "advise", "--isolated", *args]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams)


def test_nothing_is_asked_where_nobody_could_answer():
    """A pipe that stays open, as in CI: the run ends all the same."""
    process = started(stdin=subprocess.PIPE)
    try:
        assert process.wait(timeout=60) == 1
        assert process.stdout.read().startswith("Verdict: undecided")
    finally:
        process.kill()
        process.communicate()


def on_a_terminal(typed, *args):
    """Return (exit code, output, messages) of a run whose questions are answered by what is typed; Ctrl-D is \x04."""
    ours, theirs = pty.openpty()
    process = started(*args, stdin=theirs)
    try:
        os.write(ours, typed)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    return process.returncode, out, err


def test_on_a_terminal_only_what_the_verdict_hangs_on_is_asked():
    code, out, err = on_a_terminal(b"tune\nformat tone\nnone\nn\n")
    assert code == 0
    assert out.startswith("Verdict: prompt-first")
    assert "'tune': choose from nothing, facts-missing" in err
    assert "Did you mean 'tone'?" in err
    assert err.count("What is wrong with the answers of today") == 2
    assert "How many examples" not in err
    assert "To go on" not in out


def test_who_does_not_know_is_not_asked_again():
    code, out, err = on_a_terminal(b"facts-missing\nno\n\nten\n9999999999999999999\n?\n1,000\nseconds\n")
    assert code == 1
    assert "Type ? where you don't know" in err
    assert "Type an answer, or ?" in err
    assert err.count("How many tokens have the documents") == 4
    assert "'9999999999999999999': give a whole number from 0 to 999,999,999,999,999" in err
    assert "> \n" not in err
    assert "  not known\n" in err
    assert "(0: there are none)?  (not known so far; --knowledge-tokens)" in out
    assert (
        "  prepdata advise --fails facts-missing --no-cite-sources --requests-per-day 1000 --latency seconds\n" in out
    )


def test_the_end_of_input_keeps_what_was_answered():
    code, out, err = on_a_terminal(b"few-shot\n\x04", "--fails", "format,tone")
    assert code == 1
    assert "Error" not in err
    assert "What came of it?  (--prompting-result)" in out
    assert "\n  prepdata advise --fails format,tone --prompting-tried few-shot\n" in out
    code, out, err = on_a_terminal(b"\x04")
    assert code == 1
    assert "--fails" in out
    assert "To go on" not in out


def test_numbers_as_people_write_them():
    args = ["--fails", "facts-missing", "--no-cite-sources", "--latency", "seconds"]
    found = run_json(*args, "--knowledge-tokens", "200k", "--requests-per-day", "1,000")["answers"]
    assert (found["knowledge_tokens"], found["requests_per_day"]) == (200_000, 1_000)
    for wrong in ("1e300", "-1", "9" * 24, "10.000"):
        with pytest.raises(click.BadParameter, match="give a whole number from 0 to 999,999,999,999,999"):
            run("--knowledge-tokens", wrong)


def test_names_in_a_flag():
    with pytest.raises(ConfigError, match="--fails: a name is missing"):
        run("--fails", "facts-missing,,tone")
    assert run_json("--fails", "tone, format", "--fails", "tone", code=1)["answers"]["fails"] == ["tone", "format"]


def test_names_as_text_in_a_file(tmp_path):
    file = tmp_path / "answers.toml"
    file.write_text('fails = "tone, format"')
    assert run_json("--answers", str(file), code=1)["answers"]["fails"] == ["tone", "format"]
    file.write_bytes(b"\xff\xfe=")
    with pytest.raises(ConfigError, match="not UTF-8, as TOML has to be: byte 1 "):
        run("--answers", str(file))
    file.write_text("knowledge_tokens = 999999999999999999999999")
    with pytest.raises(ConfigError, match=r"= 999999999999999999999999: expected .* to 999,999,999,999,999"):
        run("--answers", str(file))


@pytest.mark.parametrize("content", [b"", b"garbage\n", bytes(range(256)) * 9, b'{"a": 1}\n'])
def test_nothing_is_decided_from_a_file_without_rows(tmp_path, content):
    file = tmp_path / "no rows.jsonl"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"no row could be read.*`prepdata validate '.*no rows.jsonl'` shows why"):
        run(str(file), *TONE, "--reviewed-examples", "800")


def test_broken_lines_are_told(data):
    file = Path(data)
    file.write_text(file.read_text() + "garbage\n" * 7)
    assert run_json(data, *TONE)["measured"]["unread_rows"] == 7
    assert "  7 rows more could not be read: `prepdata validate` shows why" in run(data, *TONE)
