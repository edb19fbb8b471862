"""The next steps: commands that prepdata takes, on files that are there when their turn comes."""

from __future__ import annotations

import gzip
import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from prepdata.advice.answers import Answers
from prepdata.advice.steps import HOSTED, STEPS, given, steps
from prepdata.cli.main import cli

TRAINS = [None, "-", "train.jsonl", "my data/t.jsonl.gz", "t.json.zst", "."]


def filled(train, calls=10_000, knowledge=4_000, local=False, **more):
    answers = Answers(requests_per_day=calls, knowledge_tokens=knowledge, data_may_leave=not local, **more)
    return given(train, answers, repeated=2_000)


def commands(way, train, **said):
    return [s.command for s in steps(way, filled(train, **said)) if s.command]


def words(command):
    """Return the words of a command, a number in place of N."""
    return ["1000" if word == "N" else word for word in shlex.split(command)]


@pytest.fixture
def rows():
    return "".join(
        json.dumps(
            {"messages": [{"role": "user", "content": f"Kettle {i * 7919}?"}, {"role": "assistant", "content": "Yes."}]}
        )
        + "\n"
        for i in range(60)
    )


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("way", STEPS)
def test_every_command_is_one_that_prepdata_takes(way, train):
    for local in (True, False):
        for command in commands(way, train, calls=None, local=local):
            program, name, *rest = words(command)
            assert program == "prepdata"
            cli.get_command(None, name).make_context(name, rest)


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("way", STEPS)
def test_parts_are_made_before_they_are_used(way, train):
    """Whatever names a part of the split comes after the step that makes it, from a file that can be split."""
    listed = [words(command) for command in commands(way, train)]
    names = [word for line in listed for word in line if word.endswith((".test.jsonl", ".train.jsonl"))]
    assert names
    splits = [i for i, line in enumerate(listed) if line[1] == ("rag-rows" if way == "hybrid" else "split")]
    assert len(splits) == 1
    assert not {"-", "."} & {*listed[splits[0]]}
    assert all(Path(name).name.startswith("rag.") == (way == "hybrid") for name in names)
    assert all(i > splits[0] for i, line in enumerate(listed) for word in line if word in names)


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "my data.v2.jsonl"])
def test_the_parts_have_the_names_that_split_gives_them(tmp_path, rows, name):
    file = tmp_path / name
    file.write_bytes(gzip.compress(rows.encode()) if name.endswith(".gz") else rows.encode())
    listed = [words(command) for command in commands("fine-tuning", str(file))]
    [line] = [line for line in listed if line[1] == "split"]
    done = CliRunner().invoke(cli, [*line[1:], "--isolated", "--no-cache", "--jobs", "1"], standalone_mode=False)
    assert done.exception is None
    assert all(
        Path(word).is_file() for line in listed for word in line if word.endswith((".test.jsonl", ".train.jsonl"))
    )


@pytest.mark.parametrize("train", ["-", "."])
def test_rows_that_are_in_no_file_are_gathered_first(train):
    first = steps("rag", filled(train))[0]
    assert first.command is None
    assert first.purpose == "put the rows into one file, here train.jsonl: the steps below read it more than once"
    assert steps("rag", filled("train.jsonl"))[0].purpose != first.purpose


def test_no_number_is_made_up():
    [cost] = [c for c in commands("prompt-first", None, calls=None, knowledge=None) if " cost " in c]
    assert cost == "prepdata cost train.jsonl --compare --calls-per-day N --target openai --model gpt-4o-mini"
    assert "--calls-per-day 7 " in " ".join(commands("prompt-first", None, calls=7))


@pytest.mark.parametrize(
    ("knowledge", "model"), [(4_000, HOSTED[0]), (118_000, HOSTED[0]), (118_001, HOSTED[1]), (5_000_000, HOSTED[1])]
)
def test_the_model_of_the_example_reads_the_documents(knowledge, model):
    # gpt-4o-mini reads 128,000 tokens, 10,000 of which are left for all else.
    [cost] = [c for c in commands("long-context", "t.jsonl", knowledge=knowledge) if " cost " in c]
    assert cost.endswith(f"--model {model}")


def test_long_context_is_priced_where_it_is_advised(tmp_path, rows):
    file = tmp_path / "t.jsonl"
    file.write_text(rows)
    [cost] = [words(c) for c in commands("long-context", str(file), knowledge=150_000) if " cost " in c]
    done = CliRunner().invoke(
        cli, [*cost[1:], "--isolated", "--no-cache", "--jobs", "1", "--offline"], standalone_mode=False
    )
    assert done.exception is None
    assert "long-context:" not in done.output


def purposes(way, **said):
    return " ".join(step.purpose for step in steps(way, filled("t.jsonl", **said)))


def test_what_is_made_up_is_called_an_example():
    assert "(gpt-4o-mini is an example)" in purposes("fine-tuning")
    assert "(model size and GPU are examples)" in purposes("fine-tuning", local=True)


def test_the_prompt_that_was_told_is_priced():
    [cost] = [c for c in commands("fine-tuning", "t.jsonl", repeated_prompt_tokens=3_000) if " cost " in c]
    assert " --prompt-before 3000 " in cost
    for tokens in (None, 0, 1_023):
        assert "--prompt-before" not in " ".join(commands("fine-tuning", "t.jsonl", repeated_prompt_tokens=tokens))


def test_the_cache_is_promised_only_as_far_as_the_traffic_fills_it():
    # 1 - exp(-10 x 5 / 1440) = 3.4 %; 10,000 calls a day: one every 9 seconds.
    assert "at 10 calls a day about 3% of calls find them" in purposes("long-context", calls=10)
    assert "about 100% of calls" in purposes("long-context")
    assert "of calls" not in purposes("long-context", calls=None)
    bare = given("t.jsonl", Answers(requests_per_day=10_000, knowledge_tokens=500), repeated=0)
    assert "cached" not in steps("long-context", bare)[0].purpose


def test_sources_are_numbered_where_documents_are_sent_whole():
    assert "number the sections" in purposes("long-context", cite_sources=True)
    assert "number the sections" not in purposes("long-context")


@pytest.mark.parametrize("way", ["long-context", "rag"])
def test_what_documents_do_not_mend_has_a_step_of_its_own(way):
    def said(examples, *fails):
        answers = Answers(fails=list(fails), knowledge_tokens=2_000)
        return " ".join(step.purpose for step in steps(way, given("t.jsonl", answers, examples=examples)))

    for kind in ("tone", "format", "policy"):
        for few in (None, 0, 199):
            assert "write instructions with examples" in said(few, "facts-missing", kind)
            assert "from 200 on the model can be tuned" in said(few, "facts-missing", kind)
        assert "write instructions" in said(200, "facts-missing", kind)
        assert "from 200 on" not in said(200, "facts-missing", kind)
    assert "instructions with examples of good" not in said(50, "facts-missing")


def test_where_nothing_fails_nothing_is_built():
    listed = commands("prompt-first", "t.jsonl", fails=["nothing"])
    assert [words(line)[1] for line in listed] == ["split", "baseline", "cost"]
    assert "--few-shot" not in " ".join(listed)
    assert "cache" in purposes("prompt-first", fails=["nothing"])
    short = given("t.jsonl", Answers(fails=["nothing"]), repeated=1_023)
    assert not any("cache" in step.purpose for step in steps("prompt-first", short))


def test_retrieval_is_measured_before_rows_are_made_of_it():
    names = [words(line)[1] for line in commands("hybrid", "t.jsonl")]
    assert names.index("retrieval") < names.index("rag-rows") < names.index("train")
    assert "retrieval" in [words(line)[1] for line in commands("rag", "t.jsonl")]


def test_the_steps_of_retrieval_run_on_the_sample(tmp_path):
    sample = Path(__file__).parents[2] / "samples" / "support"
    train = tmp_path / "qa.jsonl"
    train.write_text((sample / "qa.jsonl").read_text().replace('"docs/', '"'))
    listed = [words(line) for line in commands("hybrid", str(train))]
    for line in (line for line in listed if line[1] in ("retrieval", "rag-rows")):
        real = [str(sample / "docs") if word == "DOCUMENTS" else word for word in line[1:]]
        real = [str(tmp_path / word) if word == "rag.jsonl" else word for word in real]
        done = CliRunner().invoke(cli, real, standalone_mode=False)
        assert done.exception is None
        assert done.return_value in (0, 1)  # 1: some questions of the sample have no answer in the documents
    made = [word for line in listed for word in line if word.startswith("rag.") and word != "rag.jsonl"]
    assert made
    assert all((tmp_path / name).is_file() for name in made)
