"""Compiled programs kept between processes, so that only the first pays for compilation."""

import contextlib
import os
import tempfile
from pathlib import Path

from ._check import check_type


def cache(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Have JAX keep the programs that it compiles in a folder, for this process and those after it.

    The command line does so by itself. A setting of JAX's own stands: where it has a folder, that is the one.

    **Arguments:**

    - `folder`: The folder; the user's cache folder unless given; `"off"` keeps nothing new.

    **Returns:** the folder, or `None` where nothing is kept: never an error, as the cache is a convenience.
    """
    if folder is not None:
        check_type("folder", folder, (str, os.PathLike), "a folder, or 'off'")
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if folder == "off" or (chosen and not folder):
        return Path(chosen) if chosen else None
    path = _writable(Path(folder).expanduser() if folder else _default())
    if path is None:
        return None
    import jax

    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return path


DAMAGED = "Error reading persistent compilation cache entry"
"""What JAX warns of, beginning so, where a kept program cannot be read; it makes it anew and does not replace it."""


def mend(folder: Path | None = None) -> None:
    """Take away kept programs that cannot be unpacked, so that they are kept again.

    **Arguments:**

    - `folder`: Where they are; where JAX keeps them unless given.
    """
    import zlib

    import jax

    where = folder or getattr(jax.config, "jax_compilation_cache_dir", None)
    for path in Path(where).glob("*-cache") if where else ():
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            try:
                if data[:4] != b"\x28\xb5\x2f\xfd":  # of another packer, which may not be here
                    zlib.decompress(data)
            except zlib.error:
                path.unlink()


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
