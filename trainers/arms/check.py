"""What can be known before anything is asked: the files, folders and models that a configuration names."""

from __future__ import annotations

from prepdata.model_folder import check_adapter, check_model
from trainers.arms.config import ARMS, RETRIEVING, TUNED, ArmsConfig
from trainers.arms.ways import Ways, lacking
from trainers.evaluate import Asked
from trainers.generate import is_url
from trainers.lineage import check_held_out


def check(config: ArmsConfig, ways: Ways, asked: Asked) -> None:
    """Raise where an arm that is to be measured names what is not there or cannot be used.

    Whether an endpoint or a store answers is not asked here: they may be there again for the next call.

    Raises:
        PrepdataError: names what, and what to do.
        OSError: a file cannot be opened.
    """
    arms = [name for name in ARMS if not lacking(name, config)]
    _check_models(config, tuned=any(name in TUNED for name in arms))
    for name in arms:
        ways.put_before(name)
        trained = ways.trained(name)
        if trained is not None:
            check_held_out(asked.data, trained.training)
    if any(name in RETRIEVING for name in arms):
        ways.check_retriever()


def _check_models(config: ArmsConfig, *, tuned: bool) -> None:
    """Raise where a folder of a model or an adapter cannot be used."""
    if not is_url(config.model):
        check_model(config.model)
    if tuned and config.adapter is not None:
        check_adapter(config.adapter)
    if tuned and config.tuned is not None and not is_url(config.tuned):
        check_model(config.tuned)
