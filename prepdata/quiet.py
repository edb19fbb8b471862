"""Libraries kept quiet: nothing phones home or is downloaded, and no bars or notices come over our own words."""

from __future__ import annotations

import logging
import os
import warnings

HUB = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
OFFLINE = {
    **HUB,
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Set before any of these libraries is imported: no statistics, no look-ups, no bars over our own progress."""


def stay_offline() -> None:
    """Keep the libraries, those that they load themselves among them, from the Hub; before they are imported."""
    os.environ.update(HUB)


def keep_quiet() -> None:
    """Turn off telemetry, look-ups and progress bars of the libraries, for this process and those it starts."""
    os.environ.update(OFFLINE)
    _no_notices()


def hush() -> None:
    """Keep transformers from drawing progress bars and writing notices: commands say themselves what they do."""
    stay_offline()
    _no_notices()
    import transformers

    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _no_notices() -> None:
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # of names that version 6 changes
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # of kernels that it would like to download
