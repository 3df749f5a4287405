r"""How long a series remembers, and what that leaves of its averages.

.. math:: C(t) = \langle x^*(0)\, x(t) \rangle, \qquad
          g = 1 + 2 \sum_{t>0} \Big(1 - \frac{t}{N}\Big) \frac{C(t)}{C(0)}, \qquad
          \sigma^2_{\bar x} = \frac{g}{N}\, \sigma^2_x

with fluctuations :math:`x - \bar x` in :math:`g`, the statistical inefficiency: the number of frames that count as one
independent sample (Chodera et al., J. Chem. Theory Comput. 3, 26 (2007)). The sum ends where :math:`C` first becomes
negative. Block averages: Flyvbjerg & Petersen, J. Chem. Phys. 91, 461 (1989). Angles are followed as
:math:`e^{i\theta}`, so that nothing jumps at 180°.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

FEWEST_BLOCKS = 4  # an error of fewer averages says nothing


def autocorrelation(
    series: Shaped[np.ndarray, "frames *rest"], lags: int | None = None
) -> Float[np.ndarray, "lags *rest"]:
    """Mean of the product of values `0, 1, … lags - 1` frames apart (real part), each over all pairs there are.

    The mean is not taken off. By the fast Fourier transform, with zeros behind so that the end does not meet the start.
    """
    frames = len(series)
    lags = frames if lags is None else lags
    if not 1 <= lags <= frames:
        raise ValueError(f"`lags` must be from 1 to the {frames} frames, got {lags}.")
    transformed = np.fft.fft(series, 2 * frames, axis=0)
    products = np.fft.ifft(np.abs(transformed) ** 2, axis=0)[:lags].real
    pairs = frames - np.arange(lags)
    return products / pairs.reshape(-1, *[1] * (series.ndim - 1))


def statistical_inefficiency(series: Shaped[np.ndarray, "frames walkers"]) -> float:
    """Frames that count as one independent sample, at least 1; a series that never changes has none but itself."""
    series = np.asarray(series)
    frames = len(series)
    shifted = series - series.mean()
    correlation = autocorrelation(shifted).mean(axis=1) if frames else np.zeros(1)
    if frames < 2 or correlation[0] <= 1e-12 * max(float(np.mean(np.abs(series) ** 2)), 1e-300):
        return 1.0
    relative = correlation[1:] / correlation[0]
    negative = np.flatnonzero(relative <= 0)
    end = int(negative[0]) if len(negative) else len(relative)
    weights = 1 - np.arange(1, end + 1) / frames
    return max(1.0, float(1 + 2 * np.sum(weights * relative[:end])))


def on_circle(angles: Float[np.ndarray, "*shape"], period: float = 360.0) -> Shaped[np.ndarray, "*shape"]:
    """Values of a periodic quantity as complex numbers of length one."""
    return np.exp(2j * np.pi * np.asarray(angles, float) / period)


@dataclass(frozen=True, eq=False)
class BlockAverages:
    """Error of a mean against the length of blocks: it grows until blocks are independent, then it stays."""

    lengths: np.ndarray  # (sizes,), frames in a block
    errors: np.ndarray  # (sizes,), standard error of the mean from blocks of this length
    uncertainty: np.ndarray  # (sizes,), standard error of that error
    mean: float

    @property
    def error(self) -> float:
        """The largest error: that of the plateau, or a lower bound where there is no plateau yet."""
        return float(self.errors.max()) if len(self.errors) else float("nan")


def block_averages(series: Float[np.ndarray, "frames walkers"]) -> BlockAverages:
    """Mean of a series and its error from blocks of 1, 2, 4 … frames; walkers are independent of each other."""
    series = np.asarray(series, float)
    lengths, errors, uncertainty = [], [], []
    length = 1
    while (len(series) // length) * series.shape[1] >= FEWEST_BLOCKS and length <= len(series):
        blocks = len(series) // length
        means = series[: blocks * length].reshape(blocks, length, -1).mean(axis=1).ravel()
        error = means.std(ddof=1) / np.sqrt(len(means))
        lengths.append(length)
        errors.append(error)
        uncertainty.append(error / np.sqrt(2 * (len(means) - 1)))
        length *= 2
    mean = float(series.mean()) if series.size else float("nan")
    return BlockAverages(np.array(lengths, int), np.array(errors, float), np.array(uncertainty, float), mean)
