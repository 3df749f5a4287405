import subprocess
import sys

PROGRAM = """
import numpy as np
from ase.build import molecule
from so3k_explore.app.panes.notebook import nglview_widget
water = molecule("H2O")
assert nglview_widget(water).max_frame == 0
assert nglview_widget([water, water, water]).max_frame == 2
widget = nglview_widget(np.zeros((4, 3, 3)), np.array([8, 1, 1]))
assert widget.max_frame == 3
assert widget._view_module_version == "*", widget._view_module_version
try:
    nglview_widget(np.zeros((4, 3, 3)))
except ValueError as error:
    assert "with `numbers`" in str(error)
else:
    raise AssertionError("positions without numbers were accepted")
"""


def test_nglviews_own_widget_gets_the_frames_and_asks_for_the_front_end_that_is_installed() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stderr
