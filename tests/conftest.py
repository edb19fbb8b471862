"""Settings of all tests: Hypothesis without deadlines (machines are slow at times: no test asserts a time), no cache
of the user's, no model hub, no signals that those who started the tests (`nohup`, a script's `&`) have turned off."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers or trl is imported anywhere: tests reach no network
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
settings.register_profile("prepdata", deadline=None)
settings.load_profile("prepdata")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of the person who runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPDATA_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _signals_reach_started_processes() -> None:
    """Ignored signals are inherited by the processes that tests start; signals with a handler are not."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
