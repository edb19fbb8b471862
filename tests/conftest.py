"""Settings of all tests: Hypothesis without deadlines (machines are slow at times), and no cache of the user's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("prepdata", deadline=None)
settings.load_profile("prepdata")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the cache of the person who runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPDATA_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
