import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.records import Attempt, Hop
from tests.exploration.molecules import cluster, ethanol


def hop(start, finish, call=1, barrier=None):
    return Hop(start, finish, call, walker=0, strategy="hopping", barrier=barrier, accepted=True)


@pytest.fixture
def landscape(tmp_path):
    with Landscape.open(tmp_path / "landscape.db") as made:
        made.bind(cluster(7))
        yield made


def test_syncing_brings_the_log_to_the_disk_and_keeps_locks(landscape, monkeypatch):
    """Another process must still wait for a transaction that has begun before."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    landscape.add(0.0, np.zeros((7, 3)))
    with landscape.transaction():
        landscape.add(0.1, np.ones((7, 3)))
        landscape.storage.sync()
        assert synced == [os.stat(f"{landscape.path}-wal").st_ino]
        write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0.1).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", write, landscape.path], capture_output=True, check=False)
        assert b"database is locked" in other.stderr
    assert len(landscape) == 2


def test_a_minimum_comes_back_as_it_was_stored(landscape):
    positions = np.random.default_rng(0).normal(size=(7, 3))
    assert landscape.add(-16.5, positions, call=12, walker=3, strategy="kicks", label="GM") == 1
    landscape.add(-15.9, positions + 1)
    found = landscape.minima()
    np.testing.assert_array_equal(found.positions[0], positions)
    assert (found.ids.tolist(), found.energies.tolist(), found.calls.tolist()) == ([1, 2], [-16.5, -15.9], [12, 0])
    assert (found.walkers[0], found.strategies[0], found.labels[0]) == (3, "kicks", "GM")
    np.testing.assert_array_equal(landscape.system(1).positions, positions)
    assert len(landscape) == 2


def test_only_what_is_new_is_read_again(landscape):
    for energy in range(5):
        landscape.add(float(energy), np.zeros((7, 3)))
    assert landscape.minima(since=3).ids.tolist() == [4, 5]
    assert len(landscape.minima(since=5)) == 0


def test_visits_and_transitions_are_counted_from_hops(landscape):
    for energy in range(3):
        landscape.add(float(energy), np.zeros((7, 3)))
    for one in (hop(1, 2, barrier=0.5), hop(2, 1, barrier=0.3), hop(1, 1), hop(None, 3), hop(2, 3)):
        landscape.add_hop(one)
    assert landscape.minima().visits.tolist() == [2, 1, 2]
    found = landscape.transitions()
    assert found.pairs.tolist() == [[1, 2], [2, 3]]
    np.testing.assert_array_equal(found.barriers, [0.3, np.nan])
    assert found.hops.tolist() == [2, 1]
    assert landscape.hops(since=3) == [hop(None, 3), hop(2, 3)]


def test_structures_set_aside_keep_their_reason(landscape):
    landscape.set_aside("bond changed", float("nan"), np.ones((7, 3)), call=4, walker=1, strategy="hopping")
    (kept,) = landscape.set_aside_structures()
    assert (kept.reason, kept.call, kept.walker) == ("bond changed", 4, 1)
    assert np.isnan(kept.energy)
    assert len(landscape) == 0


def test_the_growth_curve_counts_minima_against_calls(landscape):
    for call in (30, 10, 20):
        landscape.add(0.0, np.zeros((7, 3)), call=call)
    calls, count = landscape.growth()
    assert (calls.tolist(), count.tolist()) == ([10, 20, 30], [1, 2, 3])
    assert landscape.calls == 30


def test_a_saddle_comes_back_as_it_was_stored(landscape):
    from ase.db import connect

    for energy in (-3.0, -2.0):
        landscape.add(energy, np.zeros((7, 3)))
    positions = np.random.default_rng(0).normal(size=(7, 3))
    assert len(landscape.saddles()) == 0
    assert landscape.add_saddle(2, 1, -1.5, positions, frequency=-61.0, call=40, method="band") == 1
    assert landscape.add_saddle(2, 2, -1.0, positions + 1, frequency=-20.0) == 2
    found = landscape.saddles()
    np.testing.assert_array_equal(found.positions[0], positions)
    assert found.pairs.tolist() == [[1, 2], [2, 2]]
    assert (found.ids.tolist(), found.energies.tolist()) == ([1, 2], [-1.5, -1.0])
    assert (found.frequencies.tolist(), found.calls.tolist()) == ([-61.0, -20.0], [40, 0])
    assert found.methods == ("band", "")
    assert len(landscape) == 2
    assert landscape.calls == 40
    assert connect(landscape.path).get("saddle=1").frequency == -61.0


def test_a_saddle_between_unknown_minima_is_refused(landscape):
    landscape.add(0.0, np.zeros((7, 3)))
    with pytest.raises(KeyError, match="no minimum 3"):
        landscape.add_saddle(1, 3, 0.5, np.zeros((7, 3)), frequency=-30.0)
    assert len(landscape.saddles()) == 0


def test_attempts_to_find_saddles_are_remembered(landscape):
    tried = [
        Attempt(1, 2, 30, "band", None, "the band did not converge"),
        Attempt(1, None, 50, "following", 4, ""),
    ]
    for attempt in tried:
        landscape.add_attempt(attempt)
    assert landscape.attempts() == tried
    assert landscape.calls == 50


def test_a_landscape_from_before_saddles_were_stored_can_be_read_and_continued(tmp_path):
    with Landscape.open(tmp_path / "old.db") as landscape:
        landscape.bind(cluster(7))
        landscape.add(-1.0, np.zeros((7, 3)))
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.execute("DROP TABLE attempts")
    with Landscape.open(tmp_path / "old.db") as landscape:
        assert landscape.attempts() == []
        assert len(landscape.saddles()) == 0
        assert landscape.add_saddle(1, 1, -0.5, np.zeros((7, 3)), frequency=-30.0) == 1


def test_nothing_of_a_failed_transaction_stays(landscape):
    def fail_halfway():
        with landscape.transaction():
            landscape.add(0.0, np.zeros((7, 3)))
            landscape.add(0.0, np.zeros((6, 3)))

    with pytest.raises(LandscapeError):
        fail_halfway()
    assert len(landscape) == 0
    assert landscape.add(0.0, np.zeros((7, 3))) == 1


def test_others_see_a_transaction_whole_or_not_at_all(landscape):
    with Landscape.open(landscape.path) as reader:
        with landscape.transaction():
            landscape.add(0.0, np.zeros((7, 3)))
            landscape.add(1.0, np.zeros((7, 3)))
            assert len(reader) == 0
        assert len(reader) == 2


def test_another_thread_may_read(landscape):
    landscape.add(0.0, np.zeros((7, 3)))
    seen = []
    thread = threading.Thread(target=lambda: seen.append(len(landscape.minima())))
    thread.start()
    thread.join()
    assert seen == [1]


def test_rewinding_forgets_later_hops_and_failures_but_no_minimum_or_saddle(landscape):
    for call in (5, 15):
        landscape.add(0.0, np.zeros((7, 3)), call=call)
        landscape.add_hop(hop(1, 1, call=call))
        landscape.set_aside("not finite", 0.0, np.zeros((7, 3)), call=call, walker=0)
        landscape.add_saddle(1, 1, 0.5, np.zeros((7, 3)), frequency=-30.0, call=call)
    landscape.rewind(10)
    assert len(landscape) == len(landscape.saddles()) == 2
    assert [one.call for one in landscape.hops()] == [5]
    assert [one.call for one in landscape.set_aside_structures()] == [5]


def test_users_tools_open_it(landscape):
    from ase.db import connect

    landscape.add(-1.5, np.arange(21.0).reshape(7, 3), strategy="kicks")
    landscape.set_aside("evaporated", 0.0, np.zeros((7, 3)))
    row = connect(landscape.path).get("minimum=1")
    assert (row.energy, row.strategy, row.formula) == (-1.5, "kicks", "Ar7")
    assert connect(landscape.path).count("set_aside") == 1


def test_names_given_to_minima_are_kept(landscape):
    landscape.add(0.0, np.zeros((7, 3)), call=3)
    landscape.label(1, "icosahedron")
    assert landscape.minima().labels == ("icosahedron",)
    assert landscape.minima().calls.tolist() == [3]
    with pytest.raises(KeyError, match="no minimum 9"):
        landscape.label(9, "nothing")


def test_a_landscape_of_another_molecule_is_refused(landscape):
    landscape.bind(cluster(7, seed=2))  # another structure of the same molecule is welcome
    with pytest.raises(LandscapeError, match=r"landscape of 'lj7'.*'ethanol' in numbers, bonds"):
        landscape.bind(ethanol())


def test_structures_of_the_wrong_size_are_refused(landscape):
    with pytest.raises(LandscapeError, match=r"shape \(7, 3\), got \(6, 3\)"):
        landscape.add(0.0, np.zeros((6, 3)))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello " * 1000)
    with pytest.raises(LandscapeError, match="cannot be opened as a landscape"):
        Landscape.open(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match="no landscape at"):
        Landscape.open(tmp_path / "absent.db", create=False)


def test_a_landscape_without_a_path_leaves_nothing_behind():
    landscape = Landscape()
    landscape.bind(cluster(7))
    assert landscape.add(0.0, np.zeros((7, 3))) == 1
    folder = landscape.path.parent
    landscape.close()
    assert not folder.exists()


def test_thousands_of_minima_are_read_quickly(landscape):
    with landscape.transaction():
        for energy in range(2000):
            landscape.add(float(energy), np.zeros((7, 3)))
    start = time.perf_counter()
    assert len(landscape.minima()) == 2000
    assert time.perf_counter() - start < 1.0
    assert len(landscape.minima(since=1990)) == 10


def test_a_killed_writer_leaves_whole_transactions(tmp_path):
    path = tmp_path / "landscape.db"
    script = f"""
        import numpy as np
        from so3k_explore.exploration.landscape import Landscape
        from tests.exploration.molecules import cluster
        landscape = Landscape.open({str(path)!r})
        landscape.bind(cluster(7))
        print("writing", flush=True)
        while True:
            with landscape.transaction():
                for _ in range(5):
                    landscape.add(0.0, np.zeros((7, 3)))
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(0.3)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    with Landscape.open(path) as landscape:
        count = len(landscape)
        assert count > 0
        assert count % 5 == 0
        assert landscape.minima().ids.tolist() == list(range(1, count + 1))
        assert landscape.add(1.0, np.zeros((7, 3))) == count + 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
