import os
import time
from pathlib import Path

from so3k_explore.jobs import Runs


def test_the_folder_remembers_when_somebody_looked(tmp_path: Path) -> None:
    runs = Runs(tmp_path, engine="inline")
    assert abs(runs.look() - time.time()) < 5  # nobody was away from a new folder
    os.utime(tmp_path / ".looked", (1000.0, 1000.0))
    assert runs.look() == 1000.0
    assert abs(runs.look() - time.time()) < 5
    assert runs.list() == []
