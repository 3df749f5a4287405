r"""How far an atom is from all that a model has learned from, and what error that leads one to expect.

Each element has a cloud of descriptors (invariant features of the last layer) of the training atoms, stored with the
model. The score of an atom is its Mahalanobis distance to the cloud of its element,

.. math:: s_i = c_Z \sqrt{(x_i - \mu_Z)^\top C_Z^{-1} (x_i - \mu_Z)},

scaled to a mean square of one over the training set. Scores are calibrated against true force errors of molecules
held out (`training.extrapolation`): bins of the score, each with its mean error, made monotonic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.attention import capture
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

_NAMES = ("numbers", "means", "whitenings", "scores", "errors")


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """Clouds of descriptors by element, and the calibration of the score."""

    numbers: Int[np.ndarray, "elements"]
    means: Float[np.ndarray, "elements features"]
    whitenings: Float[np.ndarray, "elements features features"]  # W with W Wᵀ = scaled inverse covariance
    scores: Float[np.ndarray, "bins"]  # where the calibration is known
    errors: Float[np.ndarray, "bins"]  # mean size of the error of the force on an atom there, eV/Å

    def score(
        self, numbers: Int[np.ndarray, "atoms"], features: Float[np.ndarray, "atoms features"]
    ) -> Float[np.ndarray, "atoms"]:
        """Score of each atom; infinity for elements that were never seen."""
        made = np.full(len(numbers), np.inf)
        for number, mean, whitening in zip(self.numbers, self.means, self.whitenings, strict=True):
            rows = numbers == number
            made[rows] = np.linalg.norm((features[rows] - mean) @ whitening, axis=1)
        return made

    def expected_error(self, scores: Float[np.ndarray, "atoms"]) -> Float[np.ndarray, "atoms"]:
        """Mean error of the force on an atom with this score, eV/Å; beyond the last bin that of the last bin."""
        return np.interp(scores, self.scores, self.errors)

    def of(self, potential: Potential, system: System) -> Float[np.ndarray, "atoms"]:
        """Score of each atom of a system.

        Raises:
            TypeError: the potential is no So3krates model.
        """
        features = np.asarray(capture(potential, system).features[-1], float)
        return self.score(np.asarray(system.numbers), features)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays in single precision, to be stored with a model."""
        single = lambda values: values.astype(np.float32 if values.dtype.kind == "f" else np.int32)
        return {name: single(getattr(self, name)) for name in _NAMES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Extrapolation":
        """What `arrays` gave."""
        return cls(**{name: np.asarray(arrays[name], int if name == "numbers" else float) for name in _NAMES})


def load_extrapolation(name_or_path: str | Path) -> Extrapolation | None:
    """The score that is stored with a model; None where there is none.

    Raises:
        ModelNotFoundError: no such model.
        CheckpointError: it cannot be read.
    """
    from so3k_explore.potentials.checkpoints import load_checkpoint
    from so3k_explore.potentials.registry import model_info

    path = model_info(name_or_path).path
    extras = {} if path is None else load_checkpoint(path).extras
    prefix = "extrapolation/"
    arrays = {name.removeprefix(prefix): values for name, values in extras.items() if name.startswith(prefix)}
    return Extrapolation.from_arrays(arrays) if arrays else None
