import numpy as np

from so3k_explore.app.models import track
from so3k_explore.app.models.track import Track

FRAMES = np.random.default_rng(0).normal(size=(50, 2, 5, 3)).astype("f4")
QUADS = np.array([[0, 1, 2, 3]])


def follow(tracked: Track, frames: int) -> track.Measured:
    times, steps = 0.5 * np.arange(frames), np.arange(frames)
    found = tracked.extend(times, steps, lambda part: FRAMES[:frames][part])
    assert found is not None
    return found


def test_a_trajectory_read_in_pieces_is_the_trajectory_read_at_once() -> None:
    pieces, whole = Track(FRAMES[0, 0], QUADS), Track(FRAMES[0, 0], QUADS)
    for frames in (1, 7, 7, 30, 50):
        growing = follow(pieces, frames)
    at_once = follow(whole, 50)
    np.testing.assert_array_equal(growing.times, at_once.times)
    np.testing.assert_allclose(growing.positions, at_once.positions)
    np.testing.assert_allclose(growing.torsions, at_once.torsions)


def test_too_many_frames_are_thinned_evenly(monkeypatch: object) -> None:
    tracked = Track(FRAMES[0, 0], QUADS)
    limit = track.MAX_FRAMES
    try:
        track.MAX_FRAMES = 12
        for frames in (5, 20, 33, 50):
            found = follow(tracked, frames)
    finally:
        track.MAX_FRAMES = limit
    assert len(found.times) <= 12
    assert len(set(np.diff(found.steps).tolist())) == 1


def test_a_run_that_went_back_to_its_checkpoint_is_read_anew() -> None:
    tracked = Track(FRAMES[0, 0], QUADS)
    follow(tracked, 40)
    assert len(follow(tracked, 10).times) == 10
