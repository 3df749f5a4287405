"""Fields of forms, made from parameters: numbers that may be left empty, switches, choices."""

from typing import Any

import panel_material_ui as pmui
import param

from so3k_explore.app.views.part import Part

EMPTY_SHOWN = {  # the label stays above, so that the placeholder says what an empty field means
    "& .MuiInputLabel-root": {"transform": "translate(14px, -9px) scale(0.75)", "maxWidth": "130%"},
    "& legend": {"maxWidth": "100%"},
    "& label.MuiInputLabel-root + .MuiInputBase-root .MuiInputBase-input.MuiInputBase-input::placeholder": {
        "opacity": "0.55 !important"
    },
}
NARROW, WIDE = 134, 284  # px; two narrow fields fill the rail


class NumberField(Part):
    """A number, or nothing where the parameter allows it; a wrong entry is refused with the reason."""

    def __init__(self, owner: param.Parameterized, name: str, *, placeholder: str = "", **layout: Any) -> None:
        super().__init__()
        self._owner, self._name = owner, name
        self._parameter = owner.param[name]
        self._layout = pmui.TextInput(
            label=self._parameter.label,
            description=self._parameter.doc,
            value=self._text(),
            placeholder=placeholder,
            size="small",
            sx=EMPTY_SHOWN if placeholder else {},
            **{"width": NARROW, "margin": (6, 4, 6, 8), **layout},
        )
        self._layout.param.watch(lambda event: self._typed(event.new), "value")
        owner.param.watch(lambda *_: self._show(), name)

    def _text(self) -> str:
        value = getattr(self._owner, self._name)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def _show(self) -> None:
        self._layout.param.update(value=self._text(), error_state=False, helper_text="")

    def _typed(self, text: str) -> None:
        if text == self._text():
            return
        try:
            setattr(self._owner, self._name, self._number(text.strip().replace(",", ".")))
        except ValueError:
            self._layout.param.update(error_state=True, helper_text=self._expected())
        else:
            self._show()

    def _number(self, text: str) -> Any:
        if not text and self._parameter.allow_None:
            return None
        whole = isinstance(self._parameter, param.Integer)
        number = float(text)
        if whole and number != int(number):
            raise ValueError(text)
        return int(number) if whole else number

    def _expected(self) -> str:
        kind = "a whole number" if isinstance(self._parameter, param.Integer) else "a number"
        low, high = self._parameter.bounds or (None, None)
        inclusive = self._parameter.inclusive_bounds[0]
        parts = [kind]
        if low is not None:
            parts.append(f"{'from' if inclusive else 'above'} {low:g}")
        if high is not None:
            parts.append(f"to {high:g}")
        return " ".join(parts) + (", or empty" if self._parameter.allow_None else "")


def field(owner: param.Parameterized, name: str, *, placeholder: str = "") -> Any:
    """The field of one parameter."""
    parameter = owner.param[name]
    if isinstance(parameter, param.Number) and not isinstance(parameter, param.Boolean):
        return NumberField(owner, name, placeholder=placeholder)
    layout: dict[str, Any] = {"width": WIDE, "margin": (6, 8)}
    if isinstance(parameter, param.Boolean):
        return pmui.Checkbox.from_param(parameter, size="small", **{**layout, "margin": (0, 4)})
    if isinstance(parameter, param.ListSelector):
        return pmui.CheckBoxGroup.from_param(parameter, **layout)
    if isinstance(parameter, param.Selector):
        return pmui.Select.from_param(parameter, size="small", **layout)
    return pmui.TextInput.from_param(parameter, size="small", **layout)
