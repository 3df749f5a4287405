"""Axes that grow in steps: limits are kept while the data fit, so a live curve does not jitter."""

import math

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
SLACK = 0.15  # room left at a side that had to grow, as a share of the span
ROUND = (1.0, 2.0, 5.0, 10.0)  # ends of a logarithmic axis, times a power of ten
SPARSE = 0.3  # limits are tightened when the data fill less than this share

Limits = tuple[float, float]


def nice_step(span: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that divides `span` into at most ten parts."""
    rough = max(span, 1e-12) / 10
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))


def grown(limits: Limits | None, low: float, high: float, *, from_zero: bool = False) -> Limits:
    """Limits for data from `low` to `high`: the old ones as long as they fit, else round ones with some room.

    Args:
        limits: What is shown now, None at the start.
        low: Smallest value.
        high: Largest value.
        from_zero: Keep the lower limit at zero, for quantities that count from zero.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return limits or (0.0, 1.0)
    low = min(low, 0.0) if from_zero else low
    if limits and limits[0] <= low and high <= limits[1] and high - low >= SPARSE * (limits[1] - limits[0]):
        return limits
    span = high - low or max(abs(high), 1.0) * 0.02  # a constant is drawn in the middle
    step = nice_step(span)
    bottom = low if from_zero and low >= 0.0 else low - (SLACK * span if limits and low < limits[0] else 0.02 * span)
    top = high + (SLACK * span if not limits or high > limits[1] else 0.02 * span)
    if high == low:
        bottom, top = (low if from_zero else low - span), high + span
    return math.floor(bottom / step) * step, math.ceil(top / step) * step


def grown_logarithmic(limits: Limits | None, low: float, high: float) -> Limits:
    """Limits of a logarithmic axis for data from `low` to `high`, both positive, at 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high) and low > 0):
        return limits or (0.1, 10.0)
    if limits and limits[0] <= low and high <= limits[1]:
        return limits
    bottom, top = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.floor(math.log10(high))
    below = max(step * bottom for step in ROUND if step * bottom <= low * (1 + 1e-9))
    above = min(step * top for step in ROUND if step * top >= high * (1 - 1e-9))
    return (below, above) if above > below else (below / 2, above * 2)
