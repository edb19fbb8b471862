"""Answers from a model folder: the same in a batch as alone, nothing unpickled, no code of a model run."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prepdata.errors import UsageError
from trainers.generate import Options, Prompt, open_backend

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from random_lm import write_random_model  # noqa: E402

TEXTS = ("Hi", "A much longer question, with more words in it?", "Où ?", "x" * 90, "", "1 2 3", "Say it.", "q" * 40)


def prompts(*texts: str) -> list[Prompt]:
    return [Prompt(f"row-{n}", ({"role": "user", "content": text},)) for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("lm") / "tiny")


def local(folder: Path, **changes: Any) -> Any:
    return open_backend(str(folder), Options(**{"max_new_tokens": 24, "batch_size": 8, "threads": 1, **changes}))


def test_a_batch_is_answered_as_each_prompt_alone(folder: Path) -> None:
    backend = local(folder)
    together = backend.generate(prompts(*TEXTS))
    alone = [backend.generate([prompt])[0] for prompt in prompts(*TEXTS)]
    assert [(o.text, o.tokens, o.finish_reason) for o in together] == [
        (o.text, o.tokens, o.finish_reason) for o in alone
    ]
    assert len({o.text for o in together}) > 4  # the answers hang on the prompts
    assert {o.finish_reason for o in together} <= {"stopped", "cut"}
    assert all(o.tokens == 24 for o in together if o.finish_reason == "cut")


def test_greedy_is_what_the_model_says_is_likeliest(folder: Path) -> None:
    backend = local(folder)
    (prompt,) = prompts("Hi")
    ids = backend.ids(prompt)
    before = len(ids)
    for _ in range(24):
        ids.append(int(backend.net(torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] in backend.stop_ids:
            break
    assert backend.generate([prompt])[0].text == backend.tokenizer.decode(ids[before:], skip_special_tokens=True)


def test_an_answer_ends_at_a_stop_token(folder: Path, tmp_path: Path) -> None:
    backend = local(folder)
    (cut,) = backend.generate(prompts("Hi"))
    assert cut.finish_reason == "cut"
    before = backend.ids(prompts("Hi")[0])
    ids = backend.net.generate(torch.tensor([before]), max_new_tokens=24, do_sample=False)[0, len(before) :].tolist()
    backend.stop_ids = (ids[3],)
    (stopped,) = backend.generate(prompts("Hi"))
    end = ids.index(ids[3])
    assert (stopped.finish_reason, stopped.tokens) == ("stopped", end)


def test_settings_that_come_with_a_model_do_not_change_answers(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "sampling")
    (other / "generation_config.json").write_text(
        json.dumps({"do_sample": True, "temperature": 5.0, "repetition_penalty": 9.0, "eos_token_id": [257, 33]})
    )
    backend = local(other)
    assert set(backend.decoding.stop_ids) >= {33, 257}
    backend.stop_ids = local(folder).stop_ids
    assert [o.text for o in backend.generate(prompts(*TEXTS))] == [
        o.text for o in local(folder).generate(prompts(*TEXTS))
    ]


def test_sampling_hangs_on_seed_and_row_alone(folder: Path) -> None:
    backend = local(folder, temperature=1.0, seed=3)
    first = [o.text for o in backend.generate(prompts("Hi", "Hi", "Yo"))]
    assert backend.generate(prompts("Hi", "Hi"))[1].text == first[1]
    assert first[0] != first[1]
    assert local(folder, temperature=1.0, seed=4).generate(prompts("Hi"))[0].text != first[0]


def test_prompts_near_the_end_of_what_the_model_reads(folder: Path) -> None:
    backend = local(folder)
    around = len(backend.ids(prompts("")[0]))
    room = 256 - around
    outputs = backend.generate(prompts("a" * (room - 5), "a" * room, "Hi"))
    assert [o.finish_reason for o in outputs] == ["cut", "error", "cut"]
    assert outputs[0].tokens == 5
    assert "the prompt has 256 tokens" in outputs[1].error
    assert outputs[2].text == backend.generate(prompts("Hi"))[0].text


def test_rendering_is_held_against_transformers(folder: Path, tmp_path: Path) -> None:
    backend = local(folder)
    rendering = backend.rendering(prompts(*TEXTS))
    assert (rendering.renderer, rendering.checked) == ("prepdata", len(TEXTS))
    assert rendering.prompt_ids == local(folder).rendering(prompts(*TEXTS)).prompt_ids
    assert rendering.prompt_ids != backend.rendering(prompts(*TEXTS[1:])).prompt_ids
    marked = write_random_model(tmp_path / "unmarked", "unmarked")
    other = local(marked).rendering(prompts(*TEXTS))
    assert other.template != rendering.template
    assert other.prompt_ids == rendering.prompt_ids
    with_bos = local(write_random_model(tmp_path / "bos", "with-bos", bos="<s>")).rendering(prompts(*TEXTS))
    assert with_bos.prompt_ids != rendering.prompt_ids


def test_tools_that_the_template_leaves_out_are_noticed(folder: Path, tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "weather", "description": "w", "parameters": {"type": "object"}}}
    asked = [Prompt("t", ({"role": "user", "content": "Hi"},), (tool,)), *prompts("Hi")]
    assert local(folder).rendering(asked).tools_ignored == 1
    assert local(write_random_model(tmp_path / "tools", "tools")).rendering(asked).tools_ignored == 0


def test_a_template_that_asks_for_the_time_gives_the_same_prompt_every_day(tmp_path: Path) -> None:
    template = "{{ strftime_now('%Y-%m-%d %H:%M') }}{% for m in messages %}{{ m.content }}{% endfor %}<|im_start|>"
    backend = local(write_random_model(tmp_path / "dated", template))
    assert backend.tokenizer.decode(backend.ids(prompts("Hi")[0])).startswith("2026-01-01 12:00Hi")


def test_a_row_that_the_template_refuses_is_an_error_of_that_row(tmp_path: Path) -> None:
    backend = local(write_random_model(tmp_path / "strict", "strict"))
    refused = Prompt("s", ({"role": "system", "content": "s"}, {"role": "user", "content": "Hi"}))
    outputs = backend.generate([refused, *prompts("Hi")])
    assert outputs[0].finish_reason == "error" and "System role not supported" in outputs[0].error
    assert outputs[1].finish_reason == "cut"
    assert backend.loss([refused], ["x"]) is None


def test_loss_is_the_mean_over_the_tokens_of_the_references(folder: Path) -> None:
    backend = local(folder)
    asked, answers = prompts("Hi", "Yo"), ["abc", "d"]
    logs = []
    for prompt, answer in zip(asked, answers):
        ids = backend.ids(prompt)
        for byte in answer.encode():
            logs.append(-float(torch.log_softmax(backend.net(torch.tensor([ids])).logits[0, -1].detach(), -1)[byte]))
            ids = [*ids, byte]
    found = backend.loss(asked, answers)
    assert found.tokens == 4
    assert math.isclose(found.value, sum(logs) / 4, rel_tol=1e-4)
    assert backend.loss(asked[:1], [""]) is None


def test_loss_of_texts_is_read_in_windows(folder: Path) -> None:
    backend = local(folder)
    text = "ab" * 150  # 300 tokens, the model reads 256
    logs = []
    for window in (text[:256], text[256:]):
        ids = list(window.encode())
        given = torch.log_softmax(backend.net(torch.tensor([ids])).logits[0].detach().float(), -1)
        logs += [-float(given[place, ids[place + 1]]) for place in range(len(ids) - 1)]
    found = backend.text_loss([text, "a", ""])
    assert found.tokens == 298 == len(logs)
    assert math.isclose(found.value, sum(logs) / 298, rel_tol=1e-4)
    assert backend.text_loss(["a"]) is None


def test_an_adapter_changes_answers_and_is_recorded(folder: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    peft.get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).save_pretrained(tmp_path / "adapter")
    base, tuned = local(folder), local(folder, adapter=str(tmp_path / "adapter"))
    assert base.model.adapter is None and tuned.model.adapter is not None
    assert tuned.model.weights == base.model.weights
    assert [o.text for o in tuned.generate(prompts(*TEXTS))] != [o.text for o in base.generate(prompts(*TEXTS))]
    assert tuned.rendering(prompts("Hi")) == base.rendering(prompts("Hi"))
    assert local(folder, adapter=str(tmp_path)).model == tuned.model  # the folder of a run
    (tmp_path / "adapter" / "adapter_model.safetensors").rename(tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(UsageError, match="is pickled"):
        local(folder, adapter=str(tmp_path / "adapter"))


def test_pickled_weights_are_refused_and_never_opened(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "pickled")
    (other / "model.safetensors").unlink()
    (other / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    with pytest.raises(UsageError, match=r"pytorch_model\.bin is pickled, and loading it can run code"):
        local(other)
    shutil.copy(folder / "model.safetensors", other)
    (other / "training_args.bin").write_bytes((other / "pytorch_model.bin").read_bytes())
    assert local(other).model.weights == local(folder).model.weights  # read from the safetensors beside them
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_a_model_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    other = shutil.copytree(folder, tmp_path / "coded")
    held = json.loads((other / name).read_text())
    (other / name).write_text(json.dumps({**held, "auto_map": {"AutoConfig": "own.Config"}}))
    (other / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UsageError, match="auto_map"):
        local(other)
    assert not (tmp_path / "ran").exists()


def test_folders_that_are_none_or_damaged(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing is downloaded"):
        local(Path("some/model"))
    with pytest.raises(UsageError, match="no model there"):
        local(tmp_path)
    other = shutil.copytree(folder, tmp_path / "damaged")
    (other / "model.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(UsageError, match="cut or damaged"):
        local(other)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "../x.safetensors"}}
    (other / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match="weight_map"):
        local(other)
    (other / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    with pytest.raises(UsageError, match=r"model-1\.safetensors is missing"):
        local(other)
    bare = shutil.copytree(folder, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="--chat-template"):
        local(bare)
    given = shutil.copy(folder / "chat_template.jinja", tmp_path)
    assert local(bare, chat_template=str(given)).ids(prompts("Hi")[0]) == local(folder).ids(prompts("Hi")[0])


@pytest.mark.parametrize("first", ["prepdata.quiet.hush()", "trainers.generate.open_backend('{folder}')"])
def test_the_hub_is_switched_off_before_it_is_loaded(folder: Path, first: str) -> None:
    """A library that a library loads (kernels for bitsandbytes) would fetch files from it otherwise."""
    code = f"import prepdata.quiet, trainers.local, trainers.generate\n{first.format(folder=folder)}\n"
    code += "from huggingface_hub import constants\nprint(constants.HF_HUB_OFFLINE)"
    given = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**given, "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"]
