import numpy as np

from so3k_explore.app.theme import (
    DARK,
    FAMILIES,
    LIGHT,
    NOISE,
    diverging_colors,
    family_color,
    sequential_colors,
)


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    share = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_text_can_be_read_in_light_and_in_dark() -> None:
    for palette in (LIGHT, DARK):
        assert contrast(palette["text"], palette["background"]) > 7
        assert contrast(palette["quiet"], palette["background"]) > 4.5


def test_families_can_be_seen_in_light_and_in_dark() -> None:
    for color in (*FAMILIES, NOISE):
        assert contrast(color, LIGHT["background"]) > 2
        assert contrast(color, DARK["background"]) > 3


def test_families_repeat_and_noise_is_grey() -> None:
    assert family_color(-1) == NOISE
    assert family_color(0) == family_color(len(FAMILIES)) == FAMILIES[0]


def test_values_become_colours() -> None:
    assert sequential_colors(np.array([0.0, 1.0, np.nan])) == ["#440154", "#FDE724", NOISE]
    assert sequential_colors(np.array([0.5, 0.5])) == ["#440154", "#440154"]
    assert sequential_colors(np.array([np.nan])) == [NOISE]


def test_signed_values_are_white_at_zero() -> None:
    assert diverging_colors(np.array([-2.0, 0.0, 2.0])) == ["#b2182b", "#f7f7f7", "#0571b0"]
    assert diverging_colors(np.zeros(2)) == ["#f7f7f7", "#f7f7f7"]
