"""Programs kept between processes."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

import scalefit as sf
from scalefit._core import mend

CODE = """
import json, sys
import jax, jax.monitoring
import scalefit as sf
heard = []
jax.monitoring.register_event_listener(lambda event, **_: heard.append(event))
folder = sf.cache(sys.argv[1])
jax.jit(lambda x: 3.0 * x + 1.0)(2.0)
hits = sum(event == "/jax/compilation_cache/cache_hits" for event in heard)
print(json.dumps([str(folder), hits]))
"""


def asked(folder, **environment):
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")} | environment
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(folder)], capture_output=True, text=True, check=True, env=surroundings
    )
    return json.loads(done.stdout)


def test_the_next_process_reads_what_one_has_compiled(tmp_path):
    assert asked(tmp_path / "kept") == [str(tmp_path / "kept"), 0]
    assert asked(tmp_path / "kept")[1] >= 1


def test_a_folder_of_jax_itself_stands_where_none_is_given(tmp_path):
    assert asked("off", JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))[0] == str(tmp_path / "own")


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert asked(tmp_path / "file" / "below") == ["None", 0]


@pytest.fixture
def programs():
    """Whether a new program is kept in a folder; JAX's own settings are put back."""
    names = (
        "jax_compilation_cache_dir",
        *(f"jax_persistent_cache_min_{n}" for n in ("compile_time_secs", "entry_size_bytes")),
    )
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # however quickly it is compiled
    compilation_cache.reset_cache()
    count = iter(range(9))

    def kept(folder: Path) -> bool:
        there, factor = set(folder.glob("*-cache")), 0.5 + next(count)
        jax.jit(lambda x: factor * x)(2.0)
        return bool(set(folder.glob("*-cache")) - there)

    yield kept
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_another_folder_takes_the_place_of_the_first_and_off_ends_it(tmp_path, programs, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    one, other = tmp_path / "one", tmp_path / "other"
    assert sf.cache(one) == one
    assert programs(one)
    assert sf.cache(other) == other
    assert programs(other)
    assert sf.cache() == other
    (tmp_path / "file").write_text("in the way")
    assert sf.cache(tmp_path / "file" / "below") == other
    assert sf.cache("off") is None
    assert not programs(other)


def test_a_folder_set_in_jax_stands(tmp_path, programs):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert sf.cache() == sf.cache("off") == tmp_path
    assert programs(tmp_path)


def test_damaged_programs_are_taken_away(tmp_path):
    whole = zlib.compress(bytes(range(256)) * 9)
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 255
    (tmp_path / "whole-cache").write_bytes(whole)
    (tmp_path / "broken-cache").write_bytes(bytes(broken))
    (tmp_path / "another").write_bytes(bytes(broken))
    mend(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"whole-cache", "another"}
