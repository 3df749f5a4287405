"""A chart as a file: the picture as SVG or PNG, drawn by matplotlib from what Bokeh shows, and its data as CSV.

Bokeh can write vector graphics only in a browser, and not of WebGL; matplotlib needs neither. Limits are those that the
user sees, so a zoomed chart gives a zoomed picture. Colours are those of the light page, for paper.
"""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

SIZE = (5.5, 3.8)  # inch
DPI = 200
TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}
"""Formats → their internet media types."""
POINT = 72 / 96  # of a pixel
DASHES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 2)), "dotdash": "-."}


def picture(figure: Any, format: str, title: str = "") -> bytes:
    """A Bokeh figure as the content of an SVG or PNG file."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}):
        paper = Figure(figsize=SIZE, layout="constrained")
        axes = paper.subplots()
        for renderer in figure.renderers:
            draw = _GLYPHS.get(type(renderer.glyph).__name__)
            if draw is not None and renderer.visible:
                draw(axes, renderer.glyph, _columns(renderer))
        _frame(axes, figure, title)
        content = io.BytesIO()
        paper.savefig(content, format=format, dpi=DPI)
    return content.getvalue()


def table(elements: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The data of a chart as CSV: a row for each point, with the name of the element that it belongs to."""
    rows = [row for name, columns in elements.items() for row in _rows(name, columns)]
    names = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names or ["element"], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _rows(name: str, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "image" in columns:
        return _cells(name, columns)
    if "xs" in columns:
        flat = {
            "line": [k for k, x in enumerate(columns["xs"]) for _ in x],
            "x": [value for x in columns["xs"] for value in x],
            "y": [value for y in columns["ys"] for value in y],
        }
        return _rows(name, flat)
    count = min((len(column) for column in columns.values()), default=0)
    plain = {key: np.asarray(column, dtype=object)[:count].tolist() for key, column in columns.items()}
    return [{"element": name, **{key: plain[key][k] for key in plain}} for k in range(count)]


def _cells(name: str, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Filled cells of images, by their middles."""
    rows = []
    for k, image in enumerate(columns["image"]):
        high, wide = np.shape(image)
        for i, j in np.argwhere(np.isfinite(np.asarray(image, float))).tolist():
            x = columns["x"][k] + (j + 0.5) * columns["dw"][k] / wide
            y = columns["y"][k] + (i + 0.5) * columns["dh"][k] / high
            rows.append({"element": name, "x": x, "y": y, "value": float(image[i][j])})
    return rows


def _columns(renderer: Any) -> Callable[[str, Any], Any]:
    """Reads a property of a glyph: a column of the data, or one value for all."""
    data = renderer.data_source.data

    def read(name: str, default: Any = None) -> Any:
        given = getattr(renderer.glyph, name, default)
        field = getattr(given, "field", given)
        if isinstance(field, str) and field in data:
            return data[field]
        return getattr(given, "value", given)

    return read


def _many(value: Any) -> bool:
    return not isinstance(value, str) and hasattr(value, "__len__")


def _line_style(glyph: Any) -> Any:
    dash = glyph.line_dash
    dash = getattr(dash, "value", dash)
    if isinstance(dash, str):
        return DASHES.get(dash, "-")
    return (0, tuple(dash)) if dash else "-"


def _width(read: Callable[..., Any]) -> float:
    width = read("line_width", 1.0)
    return POINT * float(width if isinstance(width, int | float) else 1.0)


def _scatter(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    x, y, size = read("x"), read("y"), read("size", 6.0)
    if not len(x):
        return
    area = (POINT * np.asarray(size, float)) ** 2
    hollow = read("fill_alpha", 1.0) == 0
    fill = read("fill_color")
    color = list(fill) if _many(fill) else fill
    line = read("line_color")
    edge = "none" if not hollow else (list(line) if _many(line) else line)
    look = {"facecolors": "none", "edgecolors": edge} if hollow else {"c": color, "edgecolors": "none"}
    axes.scatter(x, y, s=area, linewidths=1.4 if hollow else 0, zorder=3, alpha=None if hollow else 0.85, **look)


def _line(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    color = read("line_color")
    axes.plot(read("x"), read("y"), color=color, linewidth=_width(read), linestyle=_line_style(glyph))


def _multi_line(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    colors = read("line_color")
    for k, (x, y) in enumerate(zip(read("xs"), read("ys"), strict=True)):
        color = colors[k] if _many(colors) else colors
        axes.plot(x, y, color=color, linewidth=_width(read), linestyle=_line_style(glyph))


def _segment(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    colors = read("line_color")
    axes.plot(  # one polyline with gaps for all
        np.array([read("x0"), read("x1"), np.full(len(read("x0")), np.nan)]).T.ravel(),
        np.array([read("y0"), read("y1"), np.full(len(read("y0")), np.nan)]).T.ravel(),
        color=colors[0] if _many(colors) and len(colors) else colors,
        linewidth=_width(read),
    )


def _patch(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    if len(read("x")):
        axes.fill(read("x"), read("y"), color=read("fill_color"), alpha=read("fill_alpha", 1.0), linewidth=0)


def _image(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    from matplotlib.colors import ListedColormap

    mapper = glyph.color_mapper
    for image, x, y, dw, dh in zip(*(read(name) for name in ("image", "x", "y", "dw", "dh")), strict=True):
        look = {"origin": "lower", "aspect": "auto", "interpolation": "none", "vmin": mapper.low, "vmax": mapper.high}
        colors = ListedColormap(list(mapper.palette))
        axes.imshow(np.asarray(image, float), extent=(x, x + dw, y, y + dh), cmap=colors, **look)


def _bars(axes: Any, glyph: Any, read: Callable[..., Any]) -> None:
    """Quads and upright bars."""
    if type(glyph).__name__ == "Quad":
        left, right, bottom, top = (np.asarray(read(name), float) for name in ("left", "right", "bottom", "top"))
    else:
        middle, width = np.asarray(read("x"), float), np.asarray(read("width"), float)
        left, right = middle - width / 2, middle + width / 2
        bottom, top = np.asarray(read("bottom"), float), np.asarray(read("top"), float)
    fill = read("fill_color")
    axes.bar(left, top - bottom, right - left, bottom, align="edge", color=list(fill) if _many(fill) else fill)


_GLYPHS: dict[str, Callable[[Any, Any, Callable[..., Any]], None]] = {
    "Scatter": _scatter,
    "Circle": _scatter,
    "Line": _line,
    "MultiLine": _multi_line,
    "Segment": _segment,
    "Patch": _patch,
    "Image": _image,
    "Quad": _bars,
    "VBar": _bars,
}


def _frame(axes: Any, figure: Any, title: str) -> None:
    """Limits, labels, scales and the legend, as they are seen."""
    axes.set(title=title, xlabel=figure.xaxis[0].axis_label or "", ylabel=figure.yaxis[0].axis_label or "")
    for name, scale, change in (("x", figure.x_scale, axes.set_xscale), ("y", figure.y_scale, axes.set_yscale)):
        if type(scale).__name__ == "LogScale":
            change("log")
        span = getattr(figure, f"{name}_range")
        if isinstance(getattr(span, "start", None), int | float) and isinstance(span.end, int | float):
            getattr(axes, f"set_{name}lim")(span.start, span.end)
    if not figure.xaxis[0].visible:
        axes.set(xticks=[], xlabel="")
    if not figure.yaxis[0].visible:
        axes.set(yticks=[], ylabel="")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    items = [item for legend in figure.legend for item in legend.items if item.visible and legend.visible]
    named = [(item.label.value, item.renderers[0].glyph) for item in items if item.renderers]
    shown = [(text, glyph) for text, glyph in named if text and hasattr(glyph, "line_color")]
    if len(shown) > 1:
        from matplotlib.lines import Line2D

        lines = [Line2D([], [], color=getattr(glyph.line_color, "value", glyph.line_color)) for _, glyph in shown]
        axes.legend(lines, [text for text, _ in shown], frameon=False, fontsize=8)
