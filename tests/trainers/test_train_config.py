"""The configuration of a training run: files, flags, and what is said of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prepdata.errors import ConfigError
from trainers.config import FIELDS, as_dict, description, load_config, make_config

NEEDED = {"model": "m", "train": "t.jsonl", "output": "run"}


def test_toml_yaml_and_flags_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'model = "m"\ntrain = "t.jsonl"\noutput = "run"\nlora-r = 8\nlora_targets = ["q_proj"]'
    )
    (tmp_path / "a.yaml").write_text("model: m\ntrain: t.jsonl\noutput: run\nlora_r: 8\nlora-targets: [q_proj]\n")
    one, other = (load_config(tmp_path / name, {}) for name in ("a.toml", "a.yaml"))
    assert one == other
    assert (one.model, one.lora_r, one.lora_targets) == (str(tmp_path / "m"), 8, ("q_proj",))
    over = load_config(tmp_path / "a.toml", {"model": "here", "lora_r": "32"})
    assert (over.model, over.lora_r) == ("here", 32)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lora_rank": 8}, "run.toml: unknown key 'lora_rank'"),
        ({"learning-rat": 1e-4}, "Did you mean 'learning-rate'?"),
        ({"learning_rat": 1e-4}, "Did you mean 'learning-rate'?"),
        ({"lora-r": "many"}, "run.toml: lora-r: expected a whole number of at least 1 and at most 4,096, found 'many'"),
        ({"lora_r": 0}, "lora_r: expected a whole number of at least 1 and at most 4,096, found 0"),
        ({"max_length": 0}, "max_length: expected a whole number of at least 8, found 0"),
        ({"epochs": float("nan")}, "epochs: expected a number above 0 and at most 1,000, found nan"),
        ({"learning_rate": float("inf")}, "learning_rate: expected a number above 0 and below 1, found inf"),
        ({"replay_share": 10}, "replay_share: expected a number of at least 0 and below 1, found 10"),
        ({"resume": "maybe"}, "resume: expected true or false, found 'maybe'"),
        ({"model": 5}, "model: expected a text, found 5"),
        ({"loss": "answers"}, "loss: expected one of all, assistant, completion, found 'answers'"),
        ({"scheduler": "cosinus"}, "found 'cosinus'. Did you mean 'cosine'?"),
        ({"trackers": "tensorboard,wanbd"}, "some of mlflow, tensorboard, wandb, found 'wanbd'. Did you mean 'wandb'?"),
        ({"validation": ""}, "validation: an empty text"),
        ({"packing": "bfd"}, "packing needs max-length"),
        ({"validation": "v", "save_steps": 10, "eval_steps": 3}, "save_steps must be a multiple of eval-steps"),
        ({"lora_targets": ["lm_head"]}, "lm_head"),
        ({"lora_targets": []}, "an empty list"),
        ({"lora_r": 4, "lora-r": 8}, "lora-r stands there twice"),
    ],
)  # fmt: skip
def test_mistakes(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({**NEEDED, **given}, "run.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("run.toml: ")


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("epochs", "-1", "--epochs: expected a number above 0 and at most 1,000, found -1"),
        ("epochs", "nan", "--epochs: expected a number above 0 and at most 1,000, found 'nan'"),
        ("lora_r", "0", "--lora-r: expected a whole number of at least 1 and at most 4,096, found 0"),
        ("lora_r", "8.5", "--lora-r: expected a whole number of at least 1 and at most 4,096, found 8.5"),
        ("seed", "-1", "--seed: expected a whole number of at least 0 and below 4,294,967,296, found -1"),
        ("learning_rate", "1e9", "--learning-rate: expected a number above 0 and below 1, found 1e9"),
        ("scheduler", "cosinus", "--scheduler: expected one of"),
        ("packing", "bfd", "--packing needs max-length"),
    ],
)
def test_a_mistake_in_a_flag_is_not_laid_to_the_file(tmp_path: Path, flag: str, text: str, said: str) -> None:
    (tmp_path / "a.toml").write_text('model = "m"\ntrain = "t.jsonl"\noutput = "run"\nlora-r = 8\nepochs = 2')
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "a.toml", {flag: text})
    assert str(caught.value).startswith(said)


def test_a_flag_mends_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('model = "m"\ntrain = "t.jsonl"\noutput = "run"\nepochs = 0\nlora-r = 4')
    held = load_config(tmp_path / "a.toml", {"epochs": "2", "lora_r": "8"})
    assert (held.epochs, held.lora_r) == (2.0, 8)


@pytest.mark.parametrize(("text", "value"), [("6e-3", 6e-3), ("1E-4", 1e-4), ("5e-05", 5e-5), ("0.5", 0.5)])
def test_numbers_that_yaml_takes_for_text(tmp_path: Path, text: str, value: float) -> None:
    (tmp_path / "a.yaml").write_text(f"model: m\ntrain: t.jsonl\noutput: run\nlearning-rate: {text}\nseed: 7\n")
    assert load_config(tmp_path / "a.yaml", {}).learning_rate == value


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"seeds": 1, "batch_size": 0})
    said = str(caught.value)
    assert all(
        word in said
        for word in ("'seeds'", "batch_size: expected", "model is missing", "train is missing", "output is")
    )


@pytest.mark.parametrize("text", ["[", "a: &a [*a", "- 1", "!!python/object/apply:os.getcwd []"])
def test_files_that_are_no_configuration(tmp_path: Path, text: str) -> None:
    for name in ("a.toml", "a.yaml"):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=r"not valid|expected a table"):
            load_config(tmp_path / name, {})


def test_every_key_has_a_description_a_flag_and_a_place_in_the_schema() -> None:
    from prepdata.cli.train import command

    flags = {name for param in command.params for name in param.opts}
    schema = json.loads(Path("schemas/train.schema.json").read_text())
    for name in FIELDS:
        assert description(name).endswith(".")
        assert "--" + name.replace("_", "-") in flags
        assert name.replace("_", "-") in schema["properties"]
    assert make_config(as_dict(make_config(NEEDED))) == make_config(NEEDED)


def test_help_does_not_load_torch() -> None:
    code = (
        "import sys; from prepdata.__main__ import main\n"
        "sys.argv = ['prepdata', 'train', '--help']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
