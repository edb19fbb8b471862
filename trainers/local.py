"""Answers from a model in a folder, by transformers on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prepdata.errors import UsageError, brief
from prepdata.files import read_bounded
from prepdata.model_folder import check_adapter, check_model, file_hash, json_object, weights_hash
from prepdata.quiet import stay_offline
from prepdata.render.errors import TemplateRefusal
from trainers.generate import Finish, Options, Output, Prompt, decoding_of
from trainers.record import Decoding, Environment, Loss, ModelInfo, Rendering, hash_all

if TYPE_CHECKING:
    from prepdata.render import Renderer

PINNED = datetime(2026, 1, 1, 12)
"""The time that templates are told which ask for it: a prompt must be the same on the day of the baseline and later."""
WINDOW = 1024
"""Tokens of general text that are read at once."""
_NEEDS = "Asking a model in a folder needs torch and transformers: install torch, then pip install 'prepdata[train]'."


class LocalModel:
    """A causal language model with its chat template.

    Answers are greedy unless a temperature is given; of the generation settings that come with a model only the tokens
    that end an answer are used. Batches are padded on the left, so that an answer does not depend on its neighbours.

    Args:
        path: the folder; weights as safetensors.
        options: how to ask.

    Raises:
        UsageError: the folder cannot be used, or a library is missing.
    """

    def __init__(self, path: str, options: Options) -> None:
        self.options = options
        self.folder = check_model(path)
        self.adapter = check_adapter(options.adapter) if options.adapter else None
        stay_offline()
        try:
            import torch
            from transformers import AutoTokenizer
        except ImportError as error:
            raise UsageError(f"{_NEEDS} ({error})") from None
        if options.threads:
            torch.set_num_threads(options.threads)
        self.device = _device(options.device)
        self.tokenizer: Any
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # the library fails in many ways on odd folders
            raise UsageError(f"{path}: the tokenizer cannot be loaded: {brief(error)}") from error
        if options.chat_template:
            self.tokenizer.chat_template = _text(options.chat_template)
        if not self.tokenizer.chat_template:
            raise UsageError(
                f"{path}: no chat template there. Give the one that you will train with by --chat-template FILE."
            )
        self.net = self._loaded()
        self.stop_ids = self._stop_ids()
        self.differing = self.agreed = 0
        self.warm = False

    def _loaded(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM, GenerationConfig

        dtype = "auto" if self.options.dtype == "auto" else getattr(torch, self.options.dtype)
        try:
            net = AutoModelForCausalLM.from_pretrained(
                self.folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except Exception as error:
            raise UsageError(f"{self.folder}: the model cannot be loaded: {brief(error)}") from error
        self.given_stops = net.generation_config.eos_token_id
        net.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        if self.adapter is not None:
            net = self._adapted(net)
        placed: Any = net
        try:
            return placed.to(self.device).eval()
        except torch.OutOfMemoryError as error:
            raise UsageError(f"{self.folder}: not enough memory of {self.device} for the model") from error

    def _adapted(self, net: Any) -> Any:
        """Return the model with the adapter worked into its weights, as it would be served."""
        try:
            from peft import PeftModel
        except ImportError as error:
            raise UsageError(f"An adapter needs peft: pip install 'prepdata[train]'. ({error})") from None
        try:
            return PeftModel.from_pretrained(net, str(self.adapter), local_files_only=True).merge_and_unload()
        except Exception as error:
            raise UsageError(f"{self.adapter}: the adapter does not fit {self.folder}: {brief(error)}") from error

    def _stop_ids(self) -> tuple[int, ...]:
        """Return the tokens that end an answer, as servers have them: those of the generation settings and the end of
        text of the tokenizer; only where there are none, tokens that end a turn by their name."""
        given = self.given_stops
        found = set(given) if isinstance(given, (list, tuple)) else {given}
        found.add(self.tokenizer.eos_token_id)
        stops = tuple(sorted(number for number in found if isinstance(number, int)))
        if not stops and self.renderer is not None:
            stops = tuple(sorted(self.renderer.end_tokens))
        if not stops:
            raise UsageError(f"{self.folder}: no token ends an answer: neither the tokenizer nor the model names one")
        return stops

    @cached_property
    def renderer(self) -> Renderer | None:
        """The renderer of prepdata, None where it cannot read the tokenizer."""
        from prepdata.render import open_renderer

        try:
            return open_renderer(str(self.folder), self.options.chat_template)
        except UsageError:
            return None

    @cached_property
    def _pinned(self) -> Renderer | None:
        """A renderer at a fixed time, where the template asks for the time; else None."""
        from prepdata.render import Renderer

        held = self.renderer
        if held is None or not any("strftime_now" in text for text in held.folder.templates.values()):
            return None
        return Renderer(held.folder, PINNED, held.encoder)

    @property
    def context(self) -> int | None:
        """Tokens that the model can read and write, None if its configuration does not say."""
        config = self.net.config.get_text_config()
        found = getattr(config, "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None

    def ids(self, prompt: Prompt) -> list[int]:
        """Return the token ids of a prompt, up to where the answer begins.

        prepdata renders; where transformers comes to other ids, those of transformers count, as they do in training.

        Raises:
            TemplateRefusal: the template does not render it.
        """
        messages, tools = list(prompt.messages), list(prompt.tools) or None
        try:
            theirs = self.tokenizer.apply_chat_template(
                messages, tools=tools, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except Exception as error:
            raise TemplateRefusal(brief(error)) from error
        try:
            mine = _rendered(self.renderer, messages, tools)
        except TemplateRefusal:
            mine = None
        if mine != list(theirs):
            self.differing += 1
            return list(theirs)
        self.agreed += 1
        return list(theirs) if self._pinned is None else _rendered(self._pinned, messages, tools) or list(theirs)

    def rendering(self, prompts: Sequence[Prompt]) -> Rendering:
        """Return how these prompts are rendered."""
        texts = []
        ignored = 0
        for prompt in (prompt for prompt in prompts if prompt.tools):
            with contextlib.suppress(TemplateRefusal):
                ignored += self.ids(prompt) == self.ids(prompt._replace(tools=()))
        self.differing = self.agreed = 0
        for prompt in prompts:
            try:
                texts.append(" ".join(map(str, self.ids(prompt))))
            except TemplateRefusal as error:
                texts.append(f"refused: {error}")
        named = {name: getattr(self.tokenizer, f"{name}_id") for name in ("bos_token", "eos_token", "pad_token")}
        template = str(self.tokenizer.chat_template)
        return Rendering(
            renderer="transformers" if self.differing else "prepdata",
            tokenizer=file_hash(self.folder / "tokenizer.json"),
            template=hashlib.sha256(template.encode("utf-8", "replace")).hexdigest(),
            special_tokens={name: number for name, number in named.items() if number is not None},
            prompt_ids=hash_all(texts),
            checked=self.agreed,
            tools_ignored=ignored,
        )

    def generate(self, prompts: Sequence[Prompt]) -> list[Output]:
        """Return the answer to each prompt, in order. Prompts with less room than an answer may take are asked alone,
        and so is each where answers are sampled, so that what is drawn hangs on the row only."""
        found: list[Output | None] = [None] * len(prompts)
        together: list[tuple[int, list[int]]] = []
        most = self.options.max_new_tokens
        for number, prompt in enumerate(prompts):
            try:
                ids = self.ids(prompt)
            except TemplateRefusal as error:
                found[number] = Output("", 0, "error", 0.0, error=f"the chat template does not render it: {error}")
                continue
            room = most if self.context is None else min(most, self.context - len(ids))
            if room < 1:
                said = f"the prompt has {len(ids):,} tokens, and the model reads {self.context:,}"
                found[number] = Output("", 0, "error", 0.0, error=said)
            elif room < most or self.options.temperature > 0:
                (found[number],) = self._answers([ids], room, prompt.key)
            else:
                together.append((number, ids))
        if together:
            self._warm_up(together[0][1])
            for (number, _), output in zip(together, self._answers([ids for _, ids in together], most, "")):
                found[number] = output
        return [output for output in found if output is not None]

    def _warm_up(self, ids: list[int]) -> None:
        """Write a token or two before the first time is taken: what is set up once is part of no answer's time."""
        if not self.warm:
            self.warm = True
            self._answers([ids], 2, "")

    def _answers(self, batch: list[list[int]], most: int, key: str) -> list[Output]:
        """Return the answers to prompts of token ids, each of at most `most` tokens."""
        import torch

        width = max(map(len, batch))
        pad = self.tokenizer.pad_token_id
        pad = self.stop_ids[0] if pad is None else pad
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in batch], device=self.device)  # (batch, width)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch], device=self.device)
        sampled: dict[str, Any] = {"do_sample": False}
        if self.options.temperature > 0:
            sampled = {
                "do_sample": True,
                "temperature": self.options.temperature,
                "top_p": self.options.top_p,
                "top_k": 0,
            }
            torch.manual_seed(int(hash_all([str(self.options.seed), key])[:15], 16))
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            with torch.inference_mode():
                made = self.net.generate(
                    input_ids=ids, attention_mask=mask, max_new_tokens=most, pad_token_id=pad,
                    eos_token_id=list(self.stop_ids), **sampled,
                )[:, width:].tolist()  # (batch, new)  # fmt: skip
        except torch.OutOfMemoryError as error:
            raise UsageError(
                f"not enough memory of {self.device} for a batch of {len(batch)}: try a smaller --batch-size"
            ) from error
        seconds, spent = time.perf_counter() - wall, time.process_time() - cpu
        return [
            self._output(row)._replace(seconds=seconds, cpu_seconds=spent, batch=len(made), prompt_tokens=len(asked))
            for row, asked in zip(made, batch)
        ]

    def _output(self, ids: list[int]) -> Output:
        end = next((place for place, number in enumerate(ids) if number in self.stop_ids), len(ids))
        text = self.tokenizer.decode(ids[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        reason: Finish = "stopped" if end < len(ids) else "cut"
        return Output(str(text), end, reason, 0.0)

    def loss(self, prompts: Sequence[Prompt], references: Sequence[str]) -> Loss | None:
        """Return the mean loss (nats) over the tokens of the references, each read after its prompt; None for none.
        What does not fit into the model is left out, and so not counted in `tokens`."""
        total, count = 0.0, 0
        for prompt, reference in zip(prompts, references):
            answer = self.tokenizer(reference, add_special_tokens=False)["input_ids"]
            try:
                before = self.ids(prompt)
            except TemplateRefusal:
                continue
            if answer and (self.context is None or len(before) + len(answer) <= self.context):
                total += self._summed_loss(before + answer, len(before))
                count += len(answer)
        return Loss(value=total / count, tokens=count) if count else None

    def text_loss(self, texts: Sequence[str]) -> Loss | None:
        """Return the mean loss (nats) over the tokens of texts, read in windows of `WINDOW` tokens or what the model
        reads, if that is less; the first token of a window is not counted."""
        total, count = 0.0, 0
        width = min(WINDOW, self.context or WINDOW)
        for text in texts:
            ids = self.tokenizer(text)["input_ids"]
            for start in range(0, len(ids), width):
                window = ids[start : start + width]
                if len(window) > 1:
                    total += self._summed_loss(window, 1)
                    count += len(window) - 1
        return Loss(value=total / count, tokens=count) if count else None

    def _summed_loss(self, ids: list[int], first: int) -> float:
        """Return the summed loss of the tokens from number `first` on."""
        import torch

        read = torch.tensor([ids], device=self.device)  # (1, tokens)
        with torch.inference_mode():
            logits = self.net(input_ids=read).logits[0, first - 1 : -1].float()  # (tokens - first, vocabulary)
            return float(torch.nn.functional.cross_entropy(logits, read[0, first:], reduction="sum"))

    @cached_property
    def model(self) -> ModelInfo:
        """What is asked; the weights are hashed when this is first read."""
        config = json_object(self.folder / "config.json")
        quantization = config.get("quantization_config")
        return ModelInfo(
            name=self.folder.resolve().name,
            backend="transformers",
            revision=config.get("_commit_hash") if isinstance(config.get("_commit_hash"), str) else None,
            weights=weights_hash(self.folder),
            dtype=str(self.net.dtype).removeprefix("torch."),
            quantization=quantization if isinstance(quantization, dict) else {},
            adapter=weights_hash(self.adapter) if self.adapter is not None else None,
            parameters=sum(parameter.numel() for parameter in self.net.parameters()),
        )

    @property
    def decoding(self) -> Decoding:
        """How answers are written."""
        return decoding_of(self.options, "transformers", stop_ids=self.stop_ids, padding_side="left")

    @property
    def environment(self) -> Environment:
        """Where it runs."""
        import torch

        cuda = str(self.device).startswith("cuda")
        return Environment(
            python=platform.python_version(),
            system=f"{platform.system()} {platform.machine()}",
            libraries=versions(("torch", "transformers", "tokenizers", "peft", "accelerate", "bitsandbytes")),
            devices=(torch.cuda.get_device_name(self.device),) if cuda else (platform.processor() or "cpu",),
            driver=f"cuda {torch.version.cuda}" if cuda else None,
            threads=torch.get_num_threads(),
            deterministic=torch.are_deterministic_algorithms_enabled(),
        )


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return the versions of those libraries that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _rendered(renderer: Renderer | None, messages: list[Any], tools: list[Any] | None) -> list[int] | None:
    if renderer is None:
        return None
    return list(renderer.encode(renderer.render(messages, tools, add_generation_prompt=True)).ids)


def _text(path: str) -> str:
    try:
        return read_bounded(path, 1 << 24).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the chat template cannot be read: {error}") from None


def _device(given: str) -> str:
    import torch

    if given == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if given.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(f"device {given}: this torch finds no GPU; use --device cpu")
    return given
