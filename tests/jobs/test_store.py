import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from so3k_explore.jobs.status import read_status
from so3k_explore.jobs.store import Control, Lines, Lock, RunFolder, append_line, is_locked, read_json, write_atomic


def test_a_file_is_replaced_in_one_piece(tmp_path: Path) -> None:
    path, ended = tmp_path / "status.json", threading.Event()
    write_atomic(path, json.dumps({"fill": "0" * 5000}).encode())

    def replace() -> None:
        for number in range(300):
            write_atomic(path, json.dumps({"fill": str(number % 10) * 5000}).encode())
        ended.set()

    writer = threading.Thread(target=replace)
    writer.start()
    while not ended.is_set():
        content = read_json(path)
        assert content is not None
        assert len(set(content["fill"])) == 1
    writer.join()
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\x00", b'{"a": 1'])
def test_a_damaged_file_reads_as_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "job.json").write_bytes(content)
    assert read_json(tmp_path / "job.json") is None
    assert RunFolder(tmp_path).job() is None
    assert RunFolder(tmp_path / "nowhere").status() == {}


def test_lines_are_followed_and_torn_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = Lines(path)
    assert lines.read() == []
    append_line(path, {"n": 1})
    assert lines.read() == [{"n": 1}]
    with path.open("ab") as stream:
        stream.write(b'\n{"n": 2, "mess')  # a writer died here
    assert lines.read() == []
    append_line(path, {"n": 3})
    assert lines.read() == [{"n": 3}]
    assert lines.read() == []


def test_the_latest_wish_counts_and_other_wishes_stay(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    control = Control(tmp_path / "control.jsonl")
    assert control.want == "run"
    folder.wish(want="pause", temperature=400.0)
    folder.wish(want="stop")
    assert control.poll() == {"want": "stop", "temperature": 400.0}
    folder.wish(want="nonsense")
    assert control.poll() == {"want": "nonsense"}
    assert control.want == "run"
    assert folder.control().values["temperature"] == 400.0


def test_no_wish_is_lost_when_many_are_made_at_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    people = [threading.Thread(target=lambda n=n: folder.wish(**{f"wish{n}": n})) for n in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert folder.control().values == {f"wish{n}": n for n in range(20)}


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    assert is_locked(path) is False
    program = (
        "import sys, time; from pathlib import Path; from so3k_explore.jobs.store import Lock\n"
        "lock = Lock(Path(sys.argv[1])); print(lock.acquire(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert is_locked(path)
        assert not Lock(path).acquire()
        process.kill()
    mine = Lock(path)
    assert mine.acquire(patience=1.0)
    assert is_locked(path)
    mine.release()
    assert is_locked(path) is False


def test_a_run_that_ends_while_its_status_is_read_has_the_numbers_of_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path / "run", {})
    write_atomic(folder.path / "status.json", json.dumps({"state": "running", "step": 405}).encode())

    def ends(_: RunFolder) -> bool:
        write_atomic(folder.path / "status.json", json.dumps({"state": "done", "step": 600}).encode())
        return False

    monkeypatch.setattr(RunFolder, "alive", ends)
    status = read_status(folder)
    assert (status.state, status.step) == ("done", 600)


def test_what_killed_workers_left_half_written_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    halves = {".checkpoint.npz.4711.tmp", ".live.bin.4711.123456", ".model.npz.4711", ".trajectory.h5.4711.tmp"}
    kept = {"job.json", "checkpoint.npz", "landscape.db", ".reserve", ".status.json.4711.1234", ".job.json.4711.1234"}
    for name in halves | kept:
        (tmp_path / name).touch()
    RunFolder(tmp_path).sweep()
    assert {path.name for path in tmp_path.iterdir()} == kept
