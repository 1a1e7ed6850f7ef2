import subprocess
import sys

from scalefit._core import RESULTS, InputError, NotConverged


def test_success_alone_has_no_message():
    assert [code.name for code in RESULTS if not code.message] == ["successful"]


def test_a_failed_solve_says_what_to_do():
    for code in RESULTS:
        if code is not RESULTS.successful:
            assert ": " in code.message
            assert code.message.endswith(".")


def test_codes_are_integers_that_arrays_can_hold():
    assert [int(code) for code in RESULTS] == list(range(len(RESULTS)))
    assert RESULTS(1) is RESULTS.max_steps_reached


def test_bad_input_is_a_value_error_and_a_failed_solve_is_not():
    assert issubclass(InputError, ValueError)
    assert issubclass(NotConverged, RuntimeError)


def test_importing_the_layer_loads_nothing_heavy():
    code = "import sys, scalefit._core; print(sorted({'jax', 'numpy', 'equinox', 'jaxtyping'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
