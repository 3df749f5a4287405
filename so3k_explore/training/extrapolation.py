"""Making the extrapolation score of a model (`analysis.extrapolation`): clouds of descriptors and their calibration."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.extrapolation import Extrapolation
from so3k_explore.io.datasets import Dataset
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.batches import Batch, Batches

BINS = 12
RIDGE = 1e-3  # of the mean variance, added to every direction
ATOMS = 20_000  # that a cloud is made from at most


def fit_extrapolation(
    potential: So3krates | So3lr, training: Dataset, held_out: Dataset, force_errors: Float[np.ndarray, "atoms 3"]
) -> Extrapolation:
    """Clouds from the training set, calibrated with the force errors (eV/Å) on structures held out."""
    rng = np.random.default_rng(0)
    known = descriptors(potential, training)
    numbers = np.unique(training.numbers)
    means, whitenings = [], []
    for number in numbers:
        cloud = known[training.numbers == number]
        cloud = cloud[rng.permutation(len(cloud))[:ATOMS]]
        covariance = np.cov(cloud, rowvar=False)
        covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        means.append(cloud.mean(axis=0))
        whitenings.append(whitening / np.sqrt((((cloud - means[-1]) @ whitening) ** 2).sum(axis=1).mean()))
    clouds = Extrapolation(numbers, np.array(means), np.array(whitenings), np.zeros(1), np.zeros(1))
    scores = clouds.score(held_out.numbers, descriptors(potential, held_out))
    places, errors = _calibration(scores, np.linalg.norm(force_errors, axis=1))
    return Extrapolation(clouds.numbers, clouds.means, clouds.whitenings, places, errors)


def descriptors(potential: So3krates | So3lr, dataset: Dataset) -> Float[np.ndarray, "atoms features"]:
    """Invariant features of the last layer, for every atom of a data set in its order."""
    batches = Batches(dataset, potential.cutoff, 16, long_range=potential.long_range_cutoff > 0)
    parts = []
    for frames in batches.in_order():
        atoms = int(dataset.sizes[frames].sum())
        parts.append(np.asarray(_last_features(potential, batches.collate(frames)), float)[:atoms])
    return np.concatenate(parts)


@jax.jit
def _last_features(potential: Any, batch: Batch) -> Any:
    layers = potential.capture(batch.graph(batch.positions)).layers
    last = f"layer_{potential.architecture.layers - 1}"
    return jnp.asarray(layers[last]["features"][0])


def _calibration(scores: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(scores)
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    places = np.array([scores[part].mean() for part in parts])
    means = np.array([errors[part].mean() for part in parts])
    weights = np.array([len(part) for part in parts])
    return places, IsotonicRegression().fit(places, means, weights).predict(places)
