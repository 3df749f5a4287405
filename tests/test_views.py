"""The pictures of the page by themselves."""

from functools import cache

import jax.numpy as jnp
import pytest
from bokeh.document import Document

from so3k_explore import views
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.so3krates import So3krates
from tests.potentials import MIDDLE


@cache
def random_network() -> So3krates:
    return So3krates.create(4, MIDDLE, dtype=jnp.float64)


def test_attention_of_a_molecule_is_a_panel_object_with_a_verdict() -> None:
    figure = views.attention(load_molecule("CO"), random_network())
    assert figure.__panel__().get_root(Document()) is not None
    assert figure._verdict.object.startswith("Faithfulness ")
    with pytest.raises(TypeError, match="LennardJones has no attention"):
        views.attention(load_molecule("CO"), LennardJones())
