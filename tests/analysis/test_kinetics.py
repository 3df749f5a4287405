"""Jumps of a Markov chain whose rates are known."""

import numpy as np
import pytest

from so3k_explore.analysis.kinetics import core_states, residence, transitions

MATRIX = np.array([[0.98, 0.015, 0.005], [0.03, 0.96, 0.01], [0.02, 0.02, 0.96]])


def chain(frames: int, walkers: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = np.zeros((frames, walkers), int)
    steps = np.cumsum(MATRIX, axis=1)
    for k in range(1, frames):
        labels[k] = (rng.uniform(size=(walkers, 1)) > steps[labels[k - 1]]).sum(axis=1)
    return labels


def test_residence_times_and_populations_are_those_of_the_chain() -> None:
    found = residence(chain(20000, 4), 2.0, 3)
    expected = 2.0 / (1 - np.diag(MATRIX))
    assert (np.abs(found.times - expected) < 4 * found.time_errors).all()
    stationary = np.linalg.matrix_power(MATRIX, 10000)[0]
    assert (np.abs(found.populations - stationary) < 4 * found.population_errors).all()
    assert (found.population_errors < 0.03).all()
    assert abs(int(found.visits.sum()) - int(found.exits.sum())) <= 4  # a stay begins for each that ends


@pytest.mark.parametrize("lag", [1, 5])
def test_transition_probabilities_and_time_scales_are_those_of_the_chain(lag: int) -> None:
    found = transitions(chain(40000, 4), 3, lag)
    expected = np.linalg.matrix_power(MATRIX, lag)
    assert (np.abs(found.matrix - expected) < 5 * found.errors).all()
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1.0)
    assert found.counts.sum() == (40000 - lag) * 4
    values = np.sort(np.linalg.eigvals(MATRIX).real)[::-1][1:]
    np.testing.assert_allclose(found.timescales(2.0), -2.0 / np.log(values), rtol=0.1)


def test_a_look_over_the_barrier_is_no_transition() -> None:
    labels = np.array([-1, 0, 0, -1, 0, -1, 1, -1, 0])[:, None]
    assert core_states(labels)[:, 0].tolist() == [-1, 0, 0, 0, 0, 0, 1, 1, 0]
    plain, cores = residence(labels, 1.0, 2), residence(core_states(labels), 1.0, 2)
    assert plain.exits.tolist() == [2, 1]
    assert cores.exits.tolist() == [1, 1]
    np.testing.assert_allclose(cores.times, [6.0, 2.0])
    assert transitions(core_states(labels), 2).counts.tolist() == [[4, 1], [1, 1]]


def test_what_was_never_left_or_seen_says_so() -> None:
    found = residence(np.zeros((10, 2), int), 1.0, 2)
    assert np.isinf(found.times[0])
    assert np.isnan(found.time_errors[0])
    assert np.isnan(found.times[1])
    assert found.populations.tolist() == [1.0, 0.0]
    after = transitions(np.zeros((10, 2), int), 2)
    assert np.isnan(after.matrix[1]).all()
    assert len(after.timescales(1.0)) == 0


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="from -1 to 1, got 0 to 2"):
        residence(np.array([[0], [2]]), 1.0, 2)
    with pytest.raises(ValueError, match="`lag` must be from 1 to 1 frames, got 2"):
        transitions(np.array([[0], [1]]), 2, lag=2)
    with pytest.raises(ValueError, match="some frames"):
        residence(np.zeros((0, 1), int), 1.0, 2)
