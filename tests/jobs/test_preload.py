"""What a worker does before its first run."""

import os
import subprocess
import sys

import pytest

from so3k_explore.jobs.preload import NICENESS


@pytest.mark.skipif(not hasattr(os, "nice"), reason="This system has no priorities of processes.")
def test_computing_makes_way_for_the_page_and_not_twice():
    ask = "import os; from so3k_explore.jobs.preload import make_way; make_way(); make_way(); print(os.nice(0))"
    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert int(said.stdout) == max(NICENESS, os.nice(0))
