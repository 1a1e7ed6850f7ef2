"""Compiled code kept between runs, so that only the first pays for compilation."""

import os
import tempfile
from pathlib import Path

OFF = "off"


def keep_compiled(folder: str | None) -> Path | None:
    """Have JAX keep what it compiles in a folder.

    **Arguments:**

    - `folder`: The folder; the user's cache folder unless given; `"off"` keeps nothing.

    **Returns:** the folder, or `None` where nothing is kept: never an error, as the cache is a convenience.
    """
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if folder == OFF or (chosen and not folder):  # what the user has set for JAX as a whole stands
        return Path(chosen) if chosen else None
    path = _writable(Path(folder).expanduser() if folder else _default())
    if path is None:
        return None
    import jax

    from ..solve import keep_traced

    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    keep_traced(path / "traced")
    return path


def _default() -> Path:
    import platformdirs  # what pooch keeps data by; pooch itself brings all that a download needs

    return Path(platformdirs.user_cache_dir("scalefit")) / "compiled"


def _writable(path: Path) -> Path | None:
    """The folder, made where it is missing, if a file can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError:
        return None
