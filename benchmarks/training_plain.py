"""TRL with PEFT as their documentation shows it, for `benchmarks.training`; prints seconds, tokens and peak memory.

    python -m benchmarks.training_plain SETTINGS.json

Reads the settings as `prepdata train` understands them, and sets up the same training: one process of its own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Train, and print one line of JSON."""
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    device, dtype = given["device"], given["dtype"]
    more: dict[str, Any] = {}
    if given["quantization"] == "nf4":
        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(
        given["model"], dtype=getattr(torch, dtype), device_map={"": device}, **more
    )

    class Clock(TrainerCallback):  # type: ignore[misc]
        began = ended = tokens = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in logs:
                self.ended, self.tokens = time.monotonic(), logs["num_tokens"]

    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=given["output"],
            max_length=None,
            assistant_only_loss=True,
            max_steps=given["steps"],
            per_device_train_batch_size=given["batch_size"],
            gradient_accumulation_steps=given["gradient_accumulation"],
            learning_rate=2e-4,
            lr_scheduler_type="cosine",
            gradient_checkpointing=given["gradient_checkpointing"],
            gradient_checkpointing_kwargs={"use_reentrant": False} if given["gradient_checkpointing"] else None,
            use_cpu=device == "cpu",
            bf16=dtype == "bfloat16",
            dataloader_pin_memory=device != "cpu",
            save_strategy="no",
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
            seed=0,
            data_seed=0,
        ),
        train_dataset=load_dataset("json", data_files=given["train"], split="train", cache_dir=given["output"]),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[clock],
    )
    trainer.train()
    if device == "cpu":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    else:
        peak = torch.cuda.max_memory_reserved()
    seconds = clock.ended - clock.began
    print(json.dumps({"seconds": seconds, "tokens_per_second": clock.tokens / seconds, "peak": peak}))


if __name__ == "__main__":
    main()
