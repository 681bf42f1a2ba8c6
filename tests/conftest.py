import os
from pathlib import Path

import hypothesis
import jax
import pytest

# Optimizing compilation takes longer than any example here runs.
hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.load_profile("default")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

# Six-number cases that several tools were run on, and what each of them printed.
CASES = {
    "A": (70, 8, 14, 108, 4100, 5900),
    "B": (4, 1, 2, 43, 900, 9100),
    "C": (10, 0, 5, 85, 300, 1700),
    "D": (30, 20, 22, 28, 520, 480),
    "E": (180, 20, 30, 270, 400000, 600000),
    "F": (5, 2, 8, 85, 20, 980),
    "G": (2, 8, 10, 30, 100, 100),
}


@pytest.fixture(autouse=True)
def strictly():
    """Double precision, and no silent promotion of types or ranks in programs of JAX."""
    with (
        jax.enable_x64(True),
        jax.numpy_rank_promotion("raise"),
        jax.numpy_dtype_promotion("strict"),
    ):
        yield


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """Keep what the command line compiles out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the folder of reference data is not beside the project")
    return SHARED


@pytest.fixture
def environment(tmp_path):
    """Environment of a fresh process whose caches are its own."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "JAX_PLATFORMS": "cpu", "COLUMNS": "160"}
