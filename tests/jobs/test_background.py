import threading

import jax
import jax.numpy as jnp
import pytest

from so3k_explore.jobs.background import in_background


def test_the_result_comes_from_another_thread_and_problems_are_raised_where_it_is_asked_for() -> None:
    assert in_background(threading.get_ident).result(300) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 / 0).result(300)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("double", [True, False])
def test_the_precision_goes_with_the_work(double: bool) -> None:
    work = in_background(lambda: jnp.zeros(1).dtype, jax.enable_x64(double))
    assert work.result(300) == (jnp.float64 if double else jnp.float32)
