"""The simulated SFTTrainer against the real one: the same rows kept, the same ids, the same labels, the same errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("tokenizers")
torch = pytest.importorskip("torch")
datasets = pytest.importorskip("datasets")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl")

from trl_cases import (  # noqa: E402
    MARKED,
    PLAIN,
    STRICT,
    UNSTOPPED,
    chat_rows,
    odd_rows,
    prompt_rows,
    sample,
    text_pairs,
    texts,
)  # fmt: skip

from prepdata.formats import recognise  # noqa: E402
from prepdata.record import Record  # noqa: E402
from prepdata.render.renderer import Renderer  # noqa: E402
from prepdata.training.base import Prepared, TrainerSettings  # noqa: E402
from prepdata.training.columns import Columns, Loader  # noqa: E402
from prepdata.training.packing import STRATEGIES, pack  # noqa: E402
from prepdata.training.trl import Trl, known_templates, labels  # noqa: E402

Rows = list[dict[str, Any]]
OFF, ON = {}, {"assistant_only_loss": True}


class Both(NamedTuple):
    """A case of both trainers: our settings, and the same for SFTConfig."""

    ours: TrainerSettings
    real: dict[str, Any]


def both(**given: Any) -> Both:
    """Return our settings and theirs."""
    real: dict[str, Any] = {}
    if "max_length" in given:
        real["max_length"] = given["max_length"] or None
    if "overflow" in given:
        real["truncation_mode"] = given["overflow"].replace("-", "_")
    if given.get("packing"):
        real |= {"packing": True, "packing_strategy": given["packing"]}
    losses = {"assistant": ON, "completion": {"completion_only_loss": True}, "all": {"completion_only_loss": False}}
    return Both(TrainerSettings(**given), real | losses.get(given.get("loss"), OFF))


@pytest.fixture(scope="module")
def model() -> Any:
    patch = pytest.MonkeyPatch()
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TRL_DISABLE_TELEMETRY"):
        patch.setenv(name, "1")
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    config = transformers.LlamaConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        vocab_size=1000,
    )
    yield transformers.LlamaForCausalLM(config)
    patch.undo()


class Bench:
    """Runs both trainers on rows."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.runs = 0
        self.tokenizers: dict[str, Any] = {}

    def load(self, rows: Rows, loader: Loader) -> Any:
        """Return the rows as `datasets` loads them."""
        if loader == "list":
            return datasets.Dataset.from_list(rows)
        self.runs += 1
        file = self.folder / f"{self.runs}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(self.folder / "cache"))

    def real(self, rows: Rows, renderer: Renderer, config: dict[str, Any], loader: Loader) -> Any:
        """Return the prepared data set of a real SFTTrainer, with the numbers of the rows."""
        place = str(renderer.folder.path)
        if place not in self.tokenizers:
            self.tokenizers[place] = transformers.AutoTokenizer.from_pretrained(place)
        loaded = self.load(rows, loader).add_column("number", list(range(len(rows))))
        args = trl.SFTConfig(str(self.folder / "out"), use_cpu=True, bf16=False, report_to=[], **config)
        made = trl.SFTTrainer(self.model, args, train_dataset=loaded, processing_class=self.tokenizers[place])
        return made.train_dataset

    def ours(self, rows: Rows, renderer: Renderer, settings: TrainerSettings, loader: Loader) -> list[Prepared]:
        """Return what the simulation makes of the rows, with what it knows of all of them."""
        columns = Columns.of(rows[:7])
        columns.merge(Columns.of(rows[7:]))
        return Trl(renderer, settings, columns=columns, loader=loader).prepare([record_of(row) for row in rows])

    def same(self, rows: Rows, renderer: Renderer, case: Both, loader: Loader = "json") -> list[Prepared]:
        """Assert that both make the same of rows, and return what."""
        found = self.ours(rows, renderer, case.ours, loader)
        assert not any(row.stopped or row.refusal for row in found), [row.stopped or row.refusal for row in found]
        real = self.real(rows, renderer, case.real, loader)
        kept = [number for number, row in enumerate(found) if row.kept]
        if case.ours.packing:
            packed = pack([len(row.ids) for row in found], case.ours.max_length or 1024, case.ours.packing)
            all_labels = [[t if on else -100 for t, on in zip(row.ids, row.trained)] for row in found]
            for name, lists in (("input_ids", [list(row.ids) for row in found]), ("labels", all_labels)):
                ours = [
                    [token for p in pieces for token in lists[p.row][p.start : p.end]] for pieces in packed.sequences
                ]
                assert ours == [list(one) for one in real[name]]
            return found
        assert kept == list(real["number"])
        for number, ids, real_labels in zip(kept, real["input_ids"], real["labels"]):
            row = found[number]
            assert (number, list(row.ids[row.start : row.end]), labels(row)) == (number, list(ids), list(real_labels))
        return found

    def both_end(self, rows: Rows, renderer: Renderer, case: Both, loader: Loader = "json") -> list[Prepared]:
        """Assert that the real trainer raises and that the simulation says so, and return what it says."""
        found = self.ours(rows, renderer, case.ours, loader)
        assert any(row.stopped or row.refusal for row in found)
        with pytest.raises(Exception):  # noqa: B017  (TRL lets through whatever is raised below it)
            self.real(rows, renderer, case.real, loader)
        return found


def record_of(raw: dict[str, Any]) -> Record:
    form = recognise(raw)
    return form.view(raw) if form else Record("unknown", raw, ())


@pytest.fixture(scope="module")
def bench(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(model, tmp_path_factory.mktemp("real"))


SETTINGS = {
    "as-is": both(),
    "no-limit": both(max_length=0),
    "short": both(max_length=48),
    "short-end": both(max_length=48, overflow="keep-end"),
    "assistant": both(loss="assistant", max_length=60),
    "assistant-end": both(loss="assistant", max_length=60, overflow="keep-end"),
    "assistant-no-limit": both(loss="assistant", max_length=0),
    "completion": both(loss="completion", max_length=60),
    "all": both(loss="all"),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_generated_conversations(bench: Bench, renderer_of: Any, kind: str, name: str) -> None:
    rows = chat_rows(10 if kind == "bytes" else 11, 200)
    found = bench.same(rows, renderer_of(kind, MARKED), SETTINGS[name], "json" if kind == "bytes" else "list")
    if name == "assistant":
        assert any(row.dropped for row in found)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_generated_prompts_and_completions(bench: Bench, renderer_of: Any, kind: str, name: str) -> None:
    rows = prompt_rows(20, 200, strict=kind == "pieces")
    template = MARKED if kind == "bytes" else STRICT
    found = bench.same(rows, renderer_of(kind, template), SETTINGS[name], "list")
    if name == "short":
        assert any(row.dropped for row in found)


@pytest.mark.parametrize("name", [name for name in SETTINGS if "assistant" not in name])
@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_generated_texts(bench: Bench, renderer_of: Any, kind: str, name: str) -> None:
    renderer = renderer_of(kind, PLAIN)
    pairs = bench.same(text_pairs(30, 200), renderer, SETTINGS[name])
    assert any(row.lost_prompt for row in pairs)
    bench.same([{"text": text} for text in texts(31, 200)], renderer, SETTINGS[name])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_packed(bench: Bench, renderer_of: Any, strategy: Any) -> None:
    case = both(packing=strategy, max_length=64)
    bench.same(chat_rows(40, 150), renderer_of("bytes", PLAIN), case)
    bench.same(prompt_rows(41, 150), renderer_of("pieces", MARKED), case)
    bench.same(chat_rows(42, 50), renderer_of("bytes", MARKED), both(packing=strategy, max_length=64, loss="assistant"))


@pytest.mark.parametrize("template", [PLAIN, MARKED, UNSTOPPED], ids=["plain", "marked", "unstopped"])
@pytest.mark.parametrize("name", ["support/train.jsonl", "support/test.jsonl", "tools/train.jsonl"])
def test_samples(bench: Bench, renderer_of: Any, name: str, template: str) -> None:
    renderer = renderer_of("bytes", template)
    bench.same(sample(name), renderer, both(), "list" if "tools" in name else "json")
    if template != PLAIN:
        bench.same(sample(name), renderer, both(loss="assistant", max_length=400))


def test_preference_rows_are_refused(bench: Bench, renderer_of: Any) -> None:
    found = bench.both_end(sample("preference/train.jsonl")[:3], renderer_of("bytes", PLAIN), both())
    assert all(row.refusal is not None and "DPOTrainer" in row.refusal.said for row in found)


def test_renamed_conversations(bench: Bench, renderer_of: Any) -> None:
    names = {"user": "human", "assistant": "gpt"}
    rows = [
        {"conversations": [{"from": names.get(t["role"], t["role"]), "value": t["content"]} for t in row["messages"]]}
        for row in chat_rows(50, 60, tools=False)
    ]
    rows[0]["system"] = "be brief"
    found = bench.same(rows, renderer_of("bytes", PLAIN), both())
    assert "<|im_start|>human\n" in found[0].text and "be brief" not in found[0].text
    assert {change.path for change in found[0].changes} == {"/system", "/conversations"}


def _calls(*given: Any) -> Rows:
    return [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": arguments}}]}]}
        for arguments in given
    ]  # fmt: skip


@pytest.mark.parametrize("loader", ["json", "list"])
def test_arguments_of_different_keys(bench: Bench, renderer_of: Any, loader: Loader) -> None:
    rows = _calls({"b": 1, "a": 0.3}, {"c": "x", "a": 2.5}, {})
    found = bench.same(rows, renderer_of("bytes", MARKED), both(loss="assistant"), loader)
    said = [row.text.partition("<call>")[2].partition("</call>")[0] for row in found]
    if loader == "list":
        assert said[1] == 'f {"b": null, "a": 2.5, "c": "x"}' and said[2] == 'f {"b": null, "a": null, "c": null}'
        assert [change.path[-2:] for change in found[1].changes] == ["/b"]
    else:
        assert said[0] == 'f {"b": 1, "a": 0.30000000000000004}' and found[0].changes


@pytest.mark.parametrize("rows", [_calls({"b": 1}, {"b": "x"}), _calls({"b": 1}, "{}")])
def test_arguments_of_different_kinds(bench: Bench, renderer_of: Any, rows: Rows) -> None:
    bench.same(rows, renderer_of("bytes", PLAIN), both(), "json")
    found = bench.both_end(rows, renderer_of("bytes", PLAIN), both(), "list")
    assert all("arguments" in row.stopped for row in found)


def test_tools_of_different_shapes(bench: Bench, renderer_of: Any) -> None:
    rows = chat_rows(60, 6, tools=False)
    for number, row in enumerate(rows):
        properties = {f"p{number}": {"type": "string", **({"enum": ["a"]} if number % 2 else {})}}
        row["tools"] = [{"type": "function", "function": {"name": "f", "parameters": {"properties": properties}}}]
    renderer = renderer_of("bytes", {"default": PLAIN, "tool_use": "TOOLS " + PLAIN})
    found = bench.same(rows, renderer, both(), "list")
    assert found[0].text.startswith("TOOLS") and '"p1": null' in found[0].text
    assert '"p1"' not in bench.same(rows, renderer, both(), "json")[0].text
    texts_of = [{**row, "tools": json.dumps(row["tools"])} for row in rows]
    assert '"p1"' not in bench.same(texts_of, renderer, both(), "list")[0].text


def test_tools_that_the_first_row_lacks(bench: Bench, renderer_of: Any) -> None:
    rows = chat_rows(61, 2, tools=False)
    rows[1]["tools"] = [{"type": "function", "function": {"name": "f"}}]
    found = bench.same(rows, renderer_of("bytes", PLAIN), both(), "list")
    assert "# Tools" not in found[1].text and [change.path for change in found[1].changes] == ["/tools"]
    assert "# Tools" in bench.same(rows, renderer_of("bytes", PLAIN), both(), "json")[1].text


def test_variables_for_the_template(bench: Bench, renderer_of: Any) -> None:
    rows = prompt_rows(62, 4)
    given = ({"thinking": False}, {"thinking": True}, {"thinking": False}, {"thinking": False})
    rows = [{**row, "chat_template_kwargs": kwargs} for row, kwargs in zip(rows, given)]
    found = bench.same(rows, renderer_of("bytes", PLAIN), both())
    assert [row.lost_prompt > 0 for row in found] == [True, False, True, True]
    other = [
        {
            **chat_rows(63, 1)[0],
            "chat_template_kwargs": {"chat_template": "{{ messages[0].content }}!", "tools": [{"a": 1}]},
        }
    ]
    bench.same(other, renderer_of("bytes", PLAIN), both())
    bench.same(
        [{**other[0], "chat_template_kwargs": {"add_generation_prompt": True}}], renderer_of("bytes", PLAIN), both()
    )


USER, BOT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CHAT = {"messages": [USER, BOT]}
ENDS: dict[str, tuple[Rows, dict[str, Any]]] = {
    "no turns": ([CHAT, {"messages": []}], {}),
    "no role": ([{"messages": [{"content": "q"}]}], {}),
    "no assistant": ([CHAT, {"messages": [USER]}], {"loss": "assistant"}),
    "texts with assistant-only loss": ([{"text": "a"}], {"loss": "assistant"}),
    "text and turns": ([{"prompt": "a", "completion": [BOT]}], {}),
    "no completion": ([{"prompt": "a"}], {}),
    "empty prompt": ([{"prompt": [], "completion": [BOT]}], {}),
    "tools are no JSON": ([{**CHAT, "tools": "look"}], {}),
    "tools are no objects": ([{**CHAT, "tools": ["look"]}], {}),
    "tools are one object": ([{**CHAT, "tools": {"name": "look"}}], {}),
    "documents are no objects": ([{**CHAT, "chat_template_kwargs": {"documents": ["a"]}}], {}),
    "a turn that is no object": ([CHAT, {"messages": [USER, "a"]}], {}),
    "going on": ([{**CHAT, "chat_template_kwargs": {"continue_final_message": True}}], {"loss": "assistant"}),
    "variables missing in a row": ([{**CHAT, "chat_template_kwargs": {"thinking": True}}, CHAT], {}),
    "a variable that clashes": ([{**CHAT, "chat_template_kwargs": {"messages": "x"}}], {}),
    "another that clashes": ([{"prompt": [USER], "completion": [BOT], "chat_template_kwargs": {"add_generation_prompt": True}}], {}),
    "texts among chat": ([{**CHAT, "text": None}, {"messages": None, "text": "b"}], {"loss": "assistant"}),
    "chat among prompts": ([{"prompt": [USER], "completion": [BOT]}, CHAT], {}),
    "chat among texts": ([{"text": "a"}, CHAT], {}),
    "conversations with role": ([{"conversations": [USER, BOT]}], {}),
    "dates": ([{"prompt": "2024-01-01", "completion": "2024-01-02"}], {}),
    "alpaca": ([{"instruction": "a", "output": "b"}], {}),
    "gemini": ([{"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}]}], {}),
    "images": ([{**CHAT, "images": ["a.png"]}], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_the_run_ends(bench: Bench, renderer_of: Any, name: str) -> None:
    rows, given = ENDS[name]
    renderer, case = renderer_of("bytes", MARKED), both(**given)
    found = bench.both_end(rows, renderer, case)
    rest = [row for row, made in zip(rows, found) if made.kept]
    if rest:
        bench.same(rest, renderer, case)


def test_the_template_refuses(bench: Bench, renderer_of: Any) -> None:
    rows = [CHAT, {"messages": [BOT, USER]}]
    found = bench.both_end(rows, renderer_of("pieces", STRICT), both())
    assert [bool(row.refusal) for row in found] == [False, True]
    assert found[1].refusal is not None and found[1].refusal.meant and "take turns" in found[1].stopped


def test_texts_among_chat_get_no_end(bench: Bench, renderer_of: Any) -> None:
    found = bench.same([{**CHAT, "text": None}, {"messages": None, "text": "b"}], renderer_of("bytes", PLAIN), both())
    assert found[1].text == "b"


def test_a_row_of_text_and_completion(bench: Bench, renderer_of: Any) -> None:
    rows = [
        {"prompt": "a ", "completion": "b", "text": "a b"},
        {"prompt": "a ", "completion": "b", "text": "b<|im_end|>"},
    ]
    found = bench.same(rows, renderer_of("bytes", PLAIN), both())
    assert [row.text for row in found] == ["a b", "a b<|im_end|>"]


def test_what_is_told_by_chance_is_refused(bench: Bench, renderer_of: Any) -> None:
    rows = [{"prompt": [USER], "completion": []}], [{**CHAT, "completion": None}]
    for one in rows:
        (found,) = bench.ours(one, renderer_of("bytes", PLAIN), TrainerSettings(), "json")
        assert found.refusal is not None and "by chance" in found.refusal.said


def test_odd_conversations(bench: Bench, renderer_of: Any) -> None:
    rows = odd_rows(80, 150)
    bench.same(rows, renderer_of("bytes", MARKED), both(max_length=50))
    bench.same(rows, renderer_of("pieces", PLAIN), both())


def test_odd_tools(bench: Bench, renderer_of: Any) -> None:
    for tools in ("{}", "[]", "null", '[{"a": 1}]', []):
        bench.same(
            [{**CHAT, "tools": tools}], renderer_of("bytes", {"default": PLAIN, "tool_use": "T" + PLAIN}), both()
        )


def test_no_end_of_sequence_token(bench: Bench, renderer_of: Any, tmp_path: Path) -> None:
    from trl_cases import write_folder

    from prepdata.render.renderer import open_renderer

    folder = write_folder(tmp_path / "t", "bytes", PLAIN)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    bench.both_end([{"text": "a"}], open_renderer(str(folder)), both())


@pytest.mark.parametrize("name", ["qwen2_5", "qwen3", "llama3", "phi3", "gemma"])
def test_templates_that_are_swapped(bench: Bench, renderer_of: Any, name: str) -> None:
    folder = Path(trl.__file__).parent / "chat_templates"
    renderer = renderer_of("pieces", (folder / f"{name}.jinja").read_text("utf-8"))
    rows = [
        {"messages": [turn for turn in row["messages"] if turn["role"] != "system"]}
        for row in chat_rows(70, 25, tools=False, strict=True)
    ]
    bench.same(rows, renderer, both(loss="assistant"))
    assert Trl(renderer, TrainerSettings(loss="assistant")).swapped
    bench.same(rows, renderer, both())


def test_known_templates_are_those_of_trl(renderer_of: Any) -> None:
    from trl.chat_template_utils import get_training_chat_template

    class Holder:
        def __init__(self, chat_template: str) -> None:
            self.chat_template = chat_template

        def apply_chat_template(self, *_: Any, **__: Any) -> str:
            return ""

    known = known_templates()
    assert known and all(get_training_chat_template(Holder(one)) == other for one, other in known.items())
    for file in (Path(trl.__file__).parent / "chat_templates").glob("*.jinja"):
        text = file.read_text("utf-8")
        if text not in known and not re.search(r"generation *-?%}", text) and not file.stem.endswith("_training"):
            with pytest.raises(ValueError):
                get_training_chat_template(Holder(text))


def test_a_template_without_markers(bench: Bench, renderer_of: Any) -> None:
    found = bench.both_end([CHAT], renderer_of("bytes", PLAIN), both(loss="assistant"))
    assert "generation" in found[0].stopped and len(found[0].ids) > 0 and 1 not in found[0].trained


@pytest.mark.parametrize("template", [MARKED, UNSTOPPED, PLAIN, STRICT], ids=["marked", "unstopped", "plain", "strict"])
@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_stop_token(renderer_of: Any, kind: str, template: str) -> None:
    from trl.chat_template_utils import is_chat_template_stop_token_trained

    renderer = renderer_of(kind, template)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(renderer.folder.path))
    assert Trl(renderer).stop_token_trained is is_chat_template_stop_token_trained(tokenizer)
