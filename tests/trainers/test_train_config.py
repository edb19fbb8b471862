"""The configuration of a training run: files, flags, and what is said of mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prepdata.errors import ConfigError
from trainers.config import FIELDS, as_dict, description, from_text, load_config, make_config

NEEDED = {"model": "m", "train": "t.jsonl", "output": "run"}


def test_toml_yaml_and_flags_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'model = "m"\ntrain = "t.jsonl"\noutput = "run"\nlora-r = 8\nlora_targets = ["q_proj"]'
    )
    (tmp_path / "a.yaml").write_text("model: m\ntrain: t.jsonl\noutput: run\nlora_r: 8\nlora-targets: [q_proj]\n")
    one, other = (load_config(tmp_path / name, {}) for name in ("a.toml", "a.yaml"))
    assert one == other
    assert (one.model, one.lora_r, one.lora_targets) == (str(tmp_path / "m"), 8, ("q_proj",))
    over = load_config(tmp_path / "a.toml", {"model": "here", "lora_r": from_text("lora_r", "32")})
    assert (over.model, over.lora_r) == ("here", 32)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lora_rank": 8}, "unknown key 'lora_rank'"),
        ({"learning-rat": 1e-4}, "Did you mean 'learning_rate'?"),
        ({"lora_r": "many"}, "lora_r: expected `int`"),
        ({"lora_r": 0}, "lora_r: expected `int` >= 1"),
        ({"epochs": float("nan")}, "epochs:"),
        ({"learning_rate": float("inf")}, "learning_rate:"),
        ({"loss": "answers"}, "loss: invalid enum value"),
        ({"validation": ""}, "validation: an empty text"),
        ({"packing": "bfd"}, "packing needs max_length"),
        ({"validation": "v", "save_steps": 10, "eval_steps": 3}, "multiple of eval_steps"),
        ({"lora_targets": ["lm_head"]}, "lm_head"),
        ({"lora_targets": []}, "an empty list"),
    ],
)  # fmt: skip
def test_mistakes(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({**NEEDED, **given}, "run.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("run.toml: ")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"seeds": 1, "batch_size": 0})
    said = str(caught.value)
    assert all(word in said for word in ("'seeds'", "batch_size", "model is missing", "train is missing", "output is"))


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
