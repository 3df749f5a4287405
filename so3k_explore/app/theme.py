"""Colours, type and the frame around every picture: one place decides how the page looks, in light and in dark.

Categories take the colours of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind readers can tell
apart; energies and densities are in viridis, signed quantities in a diverging map. All fonts and icons are local.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.models import BasicTicker, BasicTickFormatter
from bokeh.palettes import Viridis256
from jaxtyping import Shaped

PRIMARY = "#0072B2"
FAMILIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F")
NOISE = "#9AA0A6"  # members of no family
SEQUENTIAL = "viridis"
DIVERGING = "RdBu"  # centred at zero: blue is positive, as charges are drawn
WARNING = "#D55E00"

CARD_MARGIN = 4  # px
RAIL_WIDTH = 320  # px
CHART_HEIGHT = 200  # px, the least at which a chart can be read
DIGITS = 7  # of a number along an axis, before it is written as a power of ten
TICKS = 4  # labels along an axis, about; a card is as narrow as 220 px

LIGHT = {
    "background": "#ffffff",
    "text": "#1c2329",
    "quiet": "#5f6b76",
    "grid": "rgba(0, 0, 0, 0.08)",
    "focus": "#1c2329",
}
DARK = {
    "background": "#121212",
    "text": "#f1f4f6",
    "quiet": "#a9b4be",
    "grid": "rgba(255, 255, 255, 0.10)",
    "focus": "#ffffff",
}

FONTS = "Roboto, system-ui, -apple-system, 'Segoe UI', sans-serif"

THEME_CONFIG: dict[str, Any] = {
    "light": {
        "palette": {"primary": {"main": PRIMARY}, "warning": {"main": "#B35C00"}},
        "typography": {"fontFamily": FONTS},
    },
    "dark": {
        "palette": {"primary": {"main": "#56B4E9"}, "background": {"default": "#121212", "paper": "#121212"}},
        "typography": {"fontFamily": FONTS},
    },
}
"""For `theme_config` of panel-material-ui's `Page`."""

ICONS = {
    "play": "play_arrow",
    "pause": "pause",
    "stop": "stop",
    "first": "skip_previous",
    "last": "skip_next",
    "repeat": "repeat",
    "enlarge": "open_in_full",
    "picture": "photo_camera",
    "center": "center_focus_strong",
    "fullscreen": "fullscreen",
}
"""Names in Material's icon font, which panel-material-ui brings along."""


def palette(*, dark: bool) -> dict[str, str]:
    """Colours of text, grid and background."""
    return DARK if dark else LIGHT


def family_color(family: int) -> str:
    """Colour of family 0, 1, 2 …; grey for a negative number, which means that no family was found."""
    return NOISE if family < 0 else FAMILIES[family % len(FAMILIES)]


def sequential_colors(values: Shaped[np.ndarray, "values"], limits: tuple[float, float] | None = None) -> list[str]:
    """Viridis for each value, grey for those that are not finite; `limits` default to the smallest and largest."""
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    if not finite.any():
        return [NOISE] * len(values)
    low, high = limits or (float(values[finite].min()), float(values[finite].max()))
    share = (np.where(finite, values, low) - low) / (high - low if high > low else 1.0)
    steps = np.clip(share * 255, 0, 255).astype(int)
    return [Viridis256[step] if known else NOISE for step, known in zip(steps, finite, strict=True)]


def diverging_colors(values: Shaped[np.ndarray, "values"], limit: float | None = None) -> list[str]:
    """Red (negative) through white to blue (positive); `limit` is the magnitude of full colour."""
    values = np.nan_to_num(np.asarray(values, float))
    limit = limit or float(np.abs(values).max(initial=0.0)) or 1.0
    share = np.clip(values / limit, -1.0, 1.0)[:, None]
    ends = np.where(share < 0, np.array([[178, 24, 43]]), np.array([[5, 113, 176]]))
    rgb = np.rint(247 + np.abs(share) * (ends - 247)).astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in rgb]


def chart_hook(plot: Any, element: Any) -> None:
    """HoloViews hook that every chart shares: quiet toolbar, no frame, light type, no page-high tooltips."""
    figure = plot.state
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    figure.toolbar_inner = True  # else it takes room even while it is hidden
    figure.outline_line_color = None
    figure.min_border_right = 14
    figure.min_border_top = 6
    for axis in figure.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_standoff = 6
        axis.minor_tick_line_color = None
        axis.major_tick_in = 0
        axis.major_tick_out = 4
        if isinstance(axis.ticker, BasicTicker):
            axis.ticker.desired_num_ticks = TICKS
        if isinstance(axis.formatter, BasicTickFormatter):
            axis.formatter.power_limit_high = DIGITS
    for grid in figure.grid:
        grid.grid_line_alpha = 0.5


FILL_SCREEN = """
const view = Bokeh.index.find_one_by_id(card.id)
if (document.fullscreenElement) document.exitFullscreen()
else view.el.requestFullscreen()
"""


def card(title: Any, content: Any, *, actions: Sequence[Any] = (), enlarge: bool = True, **layout: Any) -> pmui.Paper:
    """A framed picture with a title that says what is plotted, and a button that fills the screen with it.

    Args:
        title: Text, or a parameter whose value is the text.
        content: Anything Panel can show.
        actions: Further small widgets for the right end of the title line.
        enlarge: Whether to offer the whole screen.
        **layout: Passed to the frame, such as `min_height`.
    """
    heading = pmui.Typography(title, variant="subtitle2", margin=(8, 10, 0, 12), sizing_mode="stretch_width")
    line = pmui.Row(heading, *actions, sizing_mode="stretch_width", margin=0)
    frame = pmui.Paper(
        line,
        content,
        elevation=0,
        variant="outlined",
        margin=CARD_MARGIN,
        **{"sizing_mode": "stretch_both", **layout},
    )
    if enlarge:
        button = pmui.IconButton(
            icon=ICONS["enlarge"],
            size="small",
            icon_size="0.9em",
            description="Enlarge; Escape returns",
            margin=(2, 4, 0, 0),
        )
        button.js_on_click(args={"card": frame}, code=FILL_SCREEN)
        line.append(button)
    return frame


def shown_when_filled(owner: Any, content: Any) -> pn.Column:
    """The content while `owner.filled`; else the sentence `owner.empty` in the middle of the room for it.

    The content is wrapped, because Panel cannot hide a plot itself once it is drawn.
    """
    text = pmui.Typography(
        owner.param.empty,
        variant="body2",
        color="text.secondary",
        sx={"textAlign": "center"},
        sizing_mode="stretch_width",
    )
    room: dict[str, Any] = {"sizing_mode": "stretch_both", "margin": 0}
    waiting = pn.Column(pn.VSpacer(), text, pn.VSpacer(), visible=owner.param.filled.rx.not_(), **room)
    drawn = pn.Column(content, visible=owner.param.filled, **room)
    return pn.Column(drawn, waiting, min_height=CHART_HEIGHT, **room)
