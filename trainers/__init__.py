"""LoRA and QLoRA training on TRL and PEFT, compared with a recorded baseline of the base model.

Ships as a top-level package of its own; `prepdata` never imports it except from the commands that launch it.
"""
