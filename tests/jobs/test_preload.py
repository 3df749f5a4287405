"""What a worker does before its first run."""

import os
import subprocess
import sys

import pytest

ASK = """
import os
from so3k_explore.jobs import preload
preload.NICENESS = os.nice(0) + 3
preload.make_way()
preload.make_way()
print(os.nice(0))
"""


@pytest.mark.skipif(not hasattr(os, "nice"), reason="This system has no priorities of processes.")
def test_computing_makes_way_for_the_page_and_not_twice():
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert int(said.stdout) == os.nice(0) + 3
