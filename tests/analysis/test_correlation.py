import numpy as np
import pytest

from so3k_explore.analysis.correlation import autocorrelation, block_averages, on_circle, statistical_inefficiency


def remembering(memory: float, frames: int, walkers: int, seed: int = 0) -> np.ndarray:
    """Noise whose correlation falls by the factor `memory` a frame; variance 1."""
    rng = np.random.default_rng(seed)
    series = rng.normal(size=(frames, walkers))
    for k in range(1, frames):
        series[k] = memory * series[k - 1] + np.sqrt(1 - memory**2) * series[k]
    return series


def test_the_autocorrelation_is_the_mean_of_products() -> None:
    series = np.random.default_rng(1).normal(size=(50, 2))
    found = autocorrelation(series, 10)
    for lag in (0, 1, 9):
        np.testing.assert_allclose(found[lag], np.mean(series[: 50 - lag] * series[lag:], axis=0))
    with pytest.raises(ValueError, match="from 1 to the 50 frames, got 51"):
        autocorrelation(series, 51)


@pytest.mark.parametrize("memory", [0.0, 0.8, 0.95])
def test_the_inefficiency_of_noise_with_memory_is_known(memory: float) -> None:
    """(1 + a) / (1 - a) for a correlation a**t."""
    found = statistical_inefficiency(remembering(memory, 20000, 4))
    np.testing.assert_allclose(found, (1 + memory) / (1 - memory), rtol=0.15)


def test_what_never_changes_has_nothing_to_correlate() -> None:
    assert statistical_inefficiency(np.full((100, 2), 3.7)) == 1.0
    assert statistical_inefficiency(np.zeros((1, 2))) == 1.0


def test_angles_do_not_jump_where_the_circle_closes() -> None:
    """A wobble about 180° is as short-lived as the same about 0°."""
    wobble = 20 * remembering(0.8, 5000, 2)
    around = lambda centre: statistical_inefficiency(on_circle((centre + wobble + 180) % 360 - 180))
    np.testing.assert_allclose(around(180.0), around(0.0), rtol=1e-6)


def test_the_error_from_blocks_reaches_a_plateau_at_the_true_error() -> None:
    memory, frames, walkers = 0.9, 16384, 4
    found = block_averages(remembering(memory, frames, walkers))
    truth = np.sqrt((1 + memory) / (1 - memory) / (frames * walkers))
    plateau = found.errors[(found.lengths >= 64) & (found.lengths <= 1024)]
    np.testing.assert_allclose(plateau, truth, rtol=0.35)
    assert found.errors[0] < truth / 3  # single frames look far too precise
    assert found.error >= found.errors[-1]
    assert (np.diff(found.uncertainty / found.errors) > 0).all()
