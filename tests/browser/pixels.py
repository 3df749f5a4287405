"""Looking at what is drawn: WebGL's own buffer cannot be read back, so tests compare screenshots of elements."""

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tests.browser.conftest import TIMEOUT

DIFFERENT = 30  # summed difference of red, green and blue above which two pixels differ


def pixels(element: Any) -> np.ndarray:
    """Screenshot of a Playwright locator or page as integers (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(int)


def ink(image: np.ndarray) -> float:
    """Share of the pixels that differ from the most common colour, the background."""
    codes = image @ np.array([1 << 16, 1 << 8, 1])
    code = int(np.bincount(codes[::4, ::4].ravel()).argmax())  # a sample is enough to find the background
    background = np.array([code >> 16, code >> 8 & 255, code & 255])
    return float((np.abs(image - background).sum(-1) > DIFFERENT).mean())


def change(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels that differ between two screenshots of the same size."""
    return float((np.abs(before - after).sum(-1) > DIFFERENT).mean())


def wait_until(condition: Callable[[], bool], page: Any, what: str) -> bool:
    """Asks again and again, for what only a screenshot can tell; attributes are waited for by Playwright itself.

    Returns True, so that a test can assert it.

    Raises:
        AssertionError: the condition did not come true.
    """
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if condition():
            return True
        page.wait_for_timeout(100)
    raise AssertionError(f"waited {TIMEOUT:.0f} s in vain until {what}")


def place(page: Any, script: str, argument: Any = None) -> list[float]:
    """Numbers of a script of the page, pixels first, as soon as the axes that it asks have their ranges."""
    found: list[float] = []

    def settled() -> bool:
        found[:] = page.evaluate(script, argument) or ()
        return bool(found) and bool(np.isfinite(found).all())

    wait_until(settled, page, "the place is known")
    return found
