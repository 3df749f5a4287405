"""What a worker does before its first run."""

import os
import platform
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

FAULTS = """
import resource
import numpy as np
from so3k_explore.jobs.preload import reuse_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(8 * 2**20)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
reuse_memory()
faults()
print(before, faults())
"""


@pytest.mark.skipif(not hasattr(os, "nice"), reason="This system has no priorities of processes.")
def test_computing_makes_way_for_the_page_and_not_twice():
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert int(said.stdout) == os.nice(0) + 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Only glibc is told to keep freed memory.")
def test_large_buffers_are_not_mapped_anew_by_every_call():
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    before, after = map(int, said.stdout.split())
    assert before > 20
    assert after < before / 4
