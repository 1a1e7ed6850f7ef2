"""Compiled programs kept between processes, so that only the first pays for compilation."""

import contextlib
import os
import tempfile
from pathlib import Path

from ._check import check_type

_OWN = "JAX_COMPILATION_CACHE_DIR"
_SETTING = "jax_compilation_cache_dir"
_given: set[str] = set()
"""Folders that were set here, and not by one who knows JAX."""


def cache(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Have JAX keep the programs that it compiles in a folder, for this process and those after it.

    The command line does so by itself. A setting of JAX's own stands: where it has a folder, that is the one.

    **Arguments:**

    - `folder`: The folder; the one that JAX has, or else the user's cache folder, unless given; `"off"` ends what an
        earlier call began.

    **Returns:** the folder where programs are kept from now on, or `None` where none are: never an error, as the cache
        is a convenience.
    """
    if folder is not None:
        check_type("folder", folder, (str, os.PathLike), "a folder, or 'off'")
    import jax

    before = getattr(jax.config, _SETTING)
    if folder == "off":
        return _keep(before, os.environ.get(_OWN) if before in _given else before)
    path = None if before and not folder else _writable(Path(folder).expanduser() if folder else _default())
    if path is None:
        return _keep(before, before)
    _given.add(str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return _keep(before, str(path))


def _keep(before: str | None, after: str | None) -> Path | None:
    """Keep programs in one folder after another, or none."""
    import jax

    if after != before:
        from jax.experimental.compilation_cache.compilation_cache import reset_cache

        jax.config.update(_SETTING, after)
        reset_cache()  # JAX goes on with the folder that it has begun with
    return Path(after) if after else None


DAMAGED = "Error reading persistent compilation cache entry"
"""What JAX warns of, beginning so, where a kept program cannot be read; it makes it anew and does not replace it."""


def mend(folder: Path | None = None) -> None:
    """Take away kept programs that cannot be unpacked, so that they are kept again.

    **Arguments:**

    - `folder`: Where they are; where JAX keeps them unless given.
    """
    import zlib

    import jax

    where = folder or getattr(jax.config, _SETTING)
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
