import os

import hypothesis
import jax
import pytest
from cases import PROJECT

# Optimizing compilation takes longer than any example here runs.
hypothesis.settings.register_profile("default", deadline=None, derandomize=True)
hypothesis.settings.load_profile("default")

SHARED = PROJECT.parent / "shared"


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
def compiled_code(tmp_path_factory):
    """One folder of compiled code for all tests and the processes they start; the user's is left alone."""
    home = tmp_path_factory.mktemp("cache")
    folder = home / "jaxmle" / "compiled"  # where the command line keeps it
    folder.mkdir(parents=True)
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.05,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        # Workers of pytest-xdist have it; tables would be laid out for it.
        patch.delenv("COLUMNS", raising=False)
        for name, value in settings.items():
            patch.setenv(name.upper(), str(value))
            jax.config.update(name, value)
        yield


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the folder of real verdicts is not beside the project")
    return SHARED


@pytest.fixture
def environment():
    """Environment of a fresh process."""
    return {**os.environ, "JAX_PLATFORMS": "cpu", "COLUMNS": "160"}


@pytest.fixture
def empty_cache(environment, tmp_path):
    """Environment of a fresh process that finds no compiled code; its folder for it is not there yet."""
    shared = ("JAX_COMPILATION_CACHE", "JAX_PERSISTENT_CACHE")
    own = {name: value for name, value in environment.items() if not name.startswith(shared)}
    return {**own, "XDG_CACHE_HOME": str(tmp_path / "cache")}
