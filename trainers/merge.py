"""Merging: an adapter worked into the weights of its base, and the outcome held against base and adapter apart.

The base is read in full precision, never in NF4, into which nothing can be added without rounding it anew: what QLoRA
trained goes into the unquantised base too. W + (alpha / r) B A (Hu et al. 2021, "LoRA", section 4.1) is summed up in
float32 and rounded once, to the type that is stored.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

import prepdata
from prepdata.errors import InputError, UsageError, brief
from prepdata.files import read_bounded, replacing
from prepdata.jsontext import json_text
from prepdata.model_folder import check_adapter, check_model, file_hash, json_object, template_of, weights_hash
from trainers import runs
from trainers.generate import Options, Prompt
from trainers.local import LocalModel
from trainers.record import SampleResult

RECORD, CARD = "merge.json", "README.md"
SCHEMA_VERSION = 1
MOST_BYTES = 1 << 24
"""Size of a record beyond which it is not read (bytes)."""
SAME = 0.95
"""Least share of answers that must be the very same. Rounding to 16 bits moves logits by about 1 in 300, which turns
the greedy choice where two tokens are nearly as likely; a merge that went wrong turns most answers."""
PROBED = 32
"""Prompts whose logits are compared: one row of the vocabulary each is kept in memory."""
_DTYPES = ("bfloat16", "float16", "float32")

Dtype = Literal["auto", "bfloat16", "float16", "float32"]


class Source(NamedTuple):
    """What is merged: folders of base and adapter; the run that made the adapter, None where nobody wrote it down."""

    base: Path
    adapter: Path
    run: runs.Run | None


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the answers of the merged model stand to those of base and adapter apart.

    Args:
        reference: "unmerged" (asked in float32 before the merge), or the name of the record it was held against.
        rows: answers compared; `same` of them are the very same text.
        share: same / rows; `wanted` is the least that was asked for.
        differing: ids of rows with another answer, the first few.
        logits: largest difference of a logit of the first token of an answer; None where it was not looked at.
        evaluation: sha256 of the record of the merged model.
    """

    reference: str
    rows: int
    same: int
    wanted: float
    differing: tuple[str, ...] = ()
    logits: float | None = None
    evaluation: str

    @property
    def share(self) -> float:
        """Share of answers that are the very same, 0 to 1."""
        return self.same / self.rows if self.rows else 0.0

    @property
    def passed(self) -> bool:
        """True where enough answers stayed as they were."""
        return self.share >= self.wanted


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The record of a merge: `merge.json` in the folder of the merged model.

    Args:
        base, adapter: names of the folders, and sha256 over their weights and configuration.
        run: when the run that made the adapter began; None for an adapter without a record.
        method: of the adapter as PEFT names it; `rank` of it; `quantization` of the base while it was trained.
        dtype: in which the weights are stored; `parameters` their number; `weights` sha256 as of base and adapter.
        agreement: what came out when the merged model was asked; None where it was not.
    """

    schema_version: int = SCHEMA_VERSION
    prepdata: str = prepdata.__version__
    created: str
    base: str
    base_weights: str
    adapter: str
    adapter_weights: str
    run: str | None = None
    method: str
    rank: int | None = None
    quantization: str | None = None
    dtype: str
    parameters: int
    weights: str
    libraries: dict[str, str]
    agreement: Agreement | None = None


def find_source(given: str, model: str | None) -> Source:
    """Return what there is to merge.

    Args:
        given: folder of a run, or of an adapter (in a run or elsewhere).
        model: folder of the base; None for the one of the run.

    Raises:
        UsageError: there is no base named, a folder cannot be used, or base or adapter changed since the run.
        InputError: the record of the run cannot be read.
    """
    adapter = check_adapter(given)
    place = next((folder for folder in (adapter, adapter.resolve().parent) if (folder / runs.RECORD).is_file()), None)
    run = runs.read(place) if place else None
    if run is None and model is None:
        raise UsageError(f"{given}: no record of a run there that names the base; name its folder by --model")
    try:
        base = check_model(model or (run.base.path if run else ""))
    except UsageError as error:
        hint = "" if model else f" (the base of {given}; if it lies elsewhere now, name it by --model)"
        raise UsageError(f"{error}{hint}") from None
    if json_object(base / "config.json").get("quantization_config"):
        raise UsageError(
            f"{base}: its weights are quantised, and adding to them would round them anew; "
            "name the folder with the weights in full precision by --model"
        )
    if run is not None:
        _unchanged(run, base, adapter)
    return Source(base, adapter, run)


def _unchanged(run: runs.Run, base: Path, adapter: Path) -> None:
    if run.outcome is None:
        raise UsageError(f"{adapter.parent}: this run is not finished; go on with it by prepdata train --resume")
    if weights_hash(base) != run.base.weights:
        raise UsageError(f"{base}: these are not the weights that the adapter was trained on: their hash differs")
    if file_hash(adapter / "adapter_model.safetensors") != run.outcome.adapter:
        raise UsageError(f"{adapter}: the adapter changed since the run ended: its hash differs")


def check_target(output: Path) -> None:
    """Raise where the folder of a merged model cannot be made.

    Raises:
        UsageError: it holds something, or its parent is no folder.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: there is something already; choose another --output")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"{output.absolute().parent} is no folder")


def not_asked(output: Path, source: Source, dtype: Dtype) -> Merge | None:
    """Return the record of the very merge that is wanted, where its folder is there and nobody has asked it yet: it
    was ended in between, or merged without a test. None where that is not so.

    Args:
        output: folder of the merged model.
        source, dtype: what is to be merged, and the type to be stored.

    Raises:
        UsageError: "auto" is none of the types that weights are merged in.
    """
    try:
        there = msgspec.json.decode(read_bounded(output / RECORD, MOST_BYTES), type=Merge)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    chosen = stored_dtype(source.base) if dtype == "auto" else dtype
    if there.agreement is not None or there.dtype != chosen or there.weights != weights_hash(output):
        return None
    made_of = (there.base_weights, there.adapter_weights)
    return there if made_of == (weights_hash(source.base), weights_hash(source.adapter)) else None


class Unmerged(LocalModel):
    """Base and adapter side by side, in float32: what the merged model is held against, and made of.

    Raises:
        UsageError: the folders do not fit, or a library is missing.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        template = options.chat_template or template_of(source.adapter)
        changed = msgspec.structs.replace(options, adapter=str(source.adapter), dtype="float32", chat_template=template)
        super().__init__(str(source.base), changed)

    def _adapted(self, net: Any) -> Any:
        from peft import PeftModel

        try:
            return PeftModel.from_pretrained(net, str(self.adapter), local_files_only=True)
        except Exception as error:  # the library fails in many ways on adapters that do not fit
            raise UsageError(f"{self.adapter}: the adapter does not fit {self.folder}: {brief(error)}") from error

    def write(self, output: Path, dtype: Dtype) -> Merge:
        """Merge, and write the folder of the merged model in one step; nothing can be asked here afterwards.

        Args:
            output: the folder; not there, or empty.
            dtype: in which weights are stored; "auto" for that of the checkpoint of the base.

        Raises:
            UsageError: the adapter cannot be merged, or its sums are no numbers in that type.
            OSError: something cannot be written.
        """
        chosen = stored_dtype(self.folder) if dtype == "auto" else dtype
        adapter = self.net.peft_config["default"]
        net = self._merged(chosen)
        with _made(output) as place:
            net.save_pretrained(place)
            self.tokenizer.save_pretrained(place)
            _copy_generation_config(self.folder, place)
            for file in place.glob("*.safetensors"):  # which are written for their owner only
                file.chmod((place / "config.json").stat().st_mode & 0o777)
            merge = self._record(place, adapter, chosen, sum(weight.numel() for weight in net.parameters()))
            write_record(place, merge, self.source.run)
        return merge

    def _merged(self, dtype: str) -> Any:
        import torch

        try:
            net = self.net.merge_and_unload(safe_merge=True)
        except Exception as error:  # adapters without weights to add, and sums that are no numbers
            raise UsageError(f"{self.adapter}: this adapter cannot be merged: {brief(error)}") from error
        net = net.to(getattr(torch, dtype))
        for name, weight in net.named_parameters():
            if not torch.isfinite(weight).all():
                raise UsageError(f"{name} does not fit into {dtype}; use --dtype bfloat16 or float32")
        return net

    def _record(self, place: Path, adapter: Any, dtype: str, parameters: int) -> Merge:
        run, kind = self.source.run, adapter.peft_type
        return Merge(
            created=runs.now(),
            base=self.folder.resolve().name,
            base_weights=weights_hash(self.folder),
            adapter=self.source.adapter.resolve().name,
            adapter_weights=weights_hash(self.source.adapter),
            run=run.created if run else None,
            method=str(getattr(kind, "value", kind)),
            rank=rank if isinstance(rank := getattr(adapter, "r", None), int) else None,
            quantization=str(run.config.get("quantization")) if run else None,
            dtype=dtype,
            parameters=parameters,
            weights=weights_hash(place),
            libraries={name: self.environment.libraries[name] for name in ("torch", "transformers", "peft")},
        )


def stored_dtype(folder: Path) -> str:
    """Return the type in which the checkpoint of a model is stored: what its configuration says, else that of the
    first of its weights.

    Raises:
        UsageError: it is none that weights are merged in.
    """
    told = json_object(folder / "config.json")
    found = str(told.get("dtype") or told.get("torch_dtype") or "")
    if not found:
        from safetensors import safe_open

        with safe_open(min(folder.glob("*.safetensors")), framework="pt") as weights:
            found = str(weights.get_tensor(next(iter(weights.keys()))).dtype)
    found = found.removeprefix("torch.")
    if found not in _DTYPES:
        raise UsageError(f"{folder}: stored as {found}; choose --dtype {', '.join(_DTYPES)}")
    return found


def _copy_generation_config(base: Path, place: Path) -> None:
    """Put the generation settings of the base, byte for byte, in the place of what transformers wrote."""
    name = "generation_config.json"
    (place / name).unlink(missing_ok=True)
    if (base / name).is_file():
        shutil.copyfile(base / name, place / name)


@contextlib.contextmanager
def _made(output: Path) -> Iterator[Path]:
    """Give a folder beside `output` that takes its place when the block ends well, and is removed otherwise."""
    place = output.absolute().with_name(f".prepdata-{os.urandom(8).hex()}")
    place.mkdir()
    try:
        yield place
        if output.exists():
            output.rmdir()
        place.rename(output)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def write_record(folder: Path, merge: Merge, run: runs.Run | None) -> None:
    """Write `merge.json` and the model card into the folder of a merged model, each whole or not at all."""
    from trainers.card import merged_card

    with replacing(folder / CARD) as file:
        file.write(merged_card(merge, run).encode("utf-8", "backslashreplace"))
    with replacing(folder / RECORD) as file:
        file.write(msgspec.json.format(json_text(merge).encode(), indent=2) + b"\n")


def first_logits(model: LocalModel, prompts: Sequence[Prompt]) -> Any:
    """Return the logits of the first token of each answer, a float32 tensor (prompts, vocabulary) in main memory.

    Prompts that the template refuses or the model cannot read are left out.
    """
    import torch

    from prepdata.render.errors import TemplateRefusal

    found = []
    for prompt in prompts:
        try:
            ids = model.ids(prompt)
        except TemplateRefusal:
            continue
        if model.context is None or len(ids) < model.context:
            with torch.inference_mode():
                read = torch.tensor([ids], device=model.device)  # (1, tokens)
                found.append(model.net(input_ids=read).logits[0, -1].float().cpu())  # (vocabulary,)
    return torch.stack(found) if found else torch.zeros(0, 0)


def largest_difference(one: Any, other: Any) -> float | None:
    """Return the largest difference of two tensors of logits; None where there is nothing to compare."""
    if one.shape != other.shape or not one.numel():
        return None
    return float((one - other).abs().max())


def agreement(
    reference: str,
    before: Sequence[SampleResult],
    after: Sequence[SampleResult],
    *,
    wanted: float,
    logits: float | None,
    evaluation: str,
) -> Agreement:
    """Return how the answers of two models to the same rows agree.

    Args:
        reference, wanted, logits, evaluation: as in `Agreement`.
        before, after: samples of the reference, and of the merged model.

    Raises:
        InputError: they have no row in common.
    """
    held = {(sample.set, sample.doc_id): sample for sample in before}
    pairs = [(held[key], sample) for sample in after if (key := (sample.set, sample.doc_id)) in held]
    if not pairs:
        raise InputError(f"{reference}: none of its rows were asked of the merged model")
    other = [new.doc_id for old, new in pairs if _answer(old) != _answer(new)]
    return Agreement(
        reference=reference,
        rows=len(pairs),
        same=len(pairs) - len(other),
        wanted=wanted,
        differing=tuple(other[:10]),
        logits=logits,
        evaluation=evaluation,
    )


def _answer(sample: SampleResult) -> tuple[str, str]:
    return sample.output, sample.finish_reason
