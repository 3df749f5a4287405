import json
import os
from pathlib import Path

from so3k_explore.jobs import Runs
from so3k_explore.jobs.uploads import UPLOADS, drop_unused_uploads, keep_upload


def job(folder: Path, dataset: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"settings": {"dataset": str(dataset)}}))


def test_a_name_of_dots_only_stays_in_its_folder(tmp_path: Path) -> None:
    path = keep_upload(tmp_path, b"x", "..\\..\\...npz")
    assert path.parent.parent == tmp_path / UPLOADS


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    assert keep_upload(tmp_path, b"x", "data.npz") == keep_upload(tmp_path, b"x", "data.npz")


def test_uploads_stay_while_a_run_needs_them_even_a_deleted_one(tmp_path: Path) -> None:
    used, restorable, unused = (keep_upload(tmp_path, name.encode(), f"{name}.npz") for name in "abc")
    job(tmp_path / "run", used)
    job(tmp_path / ".trash" / "other", restorable)
    (tmp_path / "run" / "notes.json").write_text("{")
    drop_unused_uploads(tmp_path, older_than_days=0)
    assert [path.is_file() for path in (used, restorable, unused)] == [True, True, False]


def test_a_fresh_upload_waits_for_its_run_and_old_ones_go_when_runs_are_opened(tmp_path: Path) -> None:
    fresh, old = keep_upload(tmp_path, b"new", "new.npz"), keep_upload(tmp_path, b"old", "old.npz")
    os.utime(old.parent, (1000.0, 1000.0))
    Runs(tmp_path, engine="inline")
    assert fresh.is_file()
    assert not old.exists()
