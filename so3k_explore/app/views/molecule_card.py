"""Card 1: choose a molecule by name, SMILES, sequence, file or paste."""

from collections.abc import Iterable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.molecule import MoleculeModel
from so3k_explore.app.views.fields import NumberField
from so3k_explore.app.views.part import Part, filled_when_opened, folded, in_a_row

# The label would lie over a text that Python has set while the page was being drawn.
LABEL_ABOVE = {
    "& .MuiInputLabel-root": {"transform": "translate(14px, -9px) scale(0.75)"},
    "& .MuiOutlinedInput-notchedOutline legend": {"maxWidth": "100%"},
    "& .MuiInputBase-input::placeholder": {"opacity": "0.42 !important"},
}
PASTE_NAMES = {"MOL": "pasted.sdf", "PDB": "pasted.pdb", "XYZ": "pasted.xyz"}


class MoleculeCard(Part):
    """What the next run starts from."""

    def __init__(self, model: MoleculeModel, library: Iterable[str] = ()) -> None:
        super().__init__()
        self.model = model
        self._library = list(library)
        self._text = self._text_field()
        self._file = pmui.FileInput(
            label="Open a file",
            variant="outlined",
            size="small",
            accept=".xyz,.extxyz,.pdb,.sdf,.mol,.cif,.vasp,.poscar,.traj,.json",
            sizing_mode="stretch_width",
        )
        self._file.param.watch(self._uploaded, "value")
        self._dialog, paste = self._paste_dialog()
        self._details = self._charge_row()
        self._messages = pn.Column(sizing_mode="stretch_width", margin=0)
        self._summary = pmui.Typography("", variant="caption", margin=(2, 10), sx={"lineHeight": 1.5})
        self._layout = pn.Column(
            self._text,
            pn.Row(self._file, paste, sizing_mode="stretch_width", margin=0),
            self._summary,
            self._messages,
            self._details,
            self._dialog,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.model.param.watch(lambda *_: self._draw(), ["molecule", "problems", "error", "text"])
        self.model.param.watch(lambda *_: self._offer_frames(), ["frames"])
        self._draw()

    def _text_field(self) -> pmui.AutocompleteInput:
        field = pmui.AutocompleteInput(
            label=self.model.param.text.label,
            value=self.model.text,
            options=self._library,
            restrict=False,
            case_sensitive=False,
            min_characters=0,
            search_strategy="includes",
            size="small",
            placeholder="aspirin · CCO · Ac-AAA-NHMe",
            description=self.model.param.text.doc,
            sx=LABEL_ABOVE,
            sizing_mode="stretch_width",
        )
        field.param.watch(lambda event: self._typed(event.new), "value")
        return field

    def _typed(self, text: str | None) -> None:
        if text and text != self.model.text:
            self.model.open_text(text)

    def _uploaded(self, event: Any) -> None:
        if event.new is not None:
            self.model.open_file(bytes(event.new), str(self._file.filename or "upload.xyz"))

    def _paste_dialog(self) -> tuple[pmui.Dialog, pmui.Button]:
        dialog = pmui.Dialog(title="Paste a structure", show_close_button=True, close_on_click=True, width_option="sm")
        button = pmui.Button(label="Paste", icon="content_paste", variant="outlined", size="small")
        button.on_click(lambda _: setattr(dialog, "open", True))
        return filled_when_opened(dialog, lambda: self._paste_form(dialog)), button

    def _paste_form(self, dialog: pmui.Dialog) -> pn.Column:
        text = pmui.TextAreaInput(
            label="Structure as text",
            placeholder="3\nwater\nO 0.00 0.00 0.12\nH 0.00 0.76 -0.47\nH 0.00 -0.76 -0.47",
            rows=12,
            max_length=2_000_000,
            sizing_mode="stretch_width",
        )
        form = pmui.RadioButtonGroup(label="Format", options=list(PASTE_NAMES), value="XYZ", size="small")
        use = pmui.Button(label="Use this structure", variant="contained")

        def take(_: Any) -> None:
            content = text.value_input or text.value
            if content.strip():
                self.model.open_file(content.encode(), PASTE_NAMES[form.value])
                dialog.open = False

        use.on_click(take)
        return pn.Column(text, form, use, sizing_mode="stretch_width", margin=0)

    def _charge_row(self) -> pn.Column:
        make = lambda name: NumberField(self.model, name, placeholder="as given")
        self._frame = pmui.Select(
            label="Structure in the file", size="small", sizing_mode="stretch_width", visible=False
        )
        self._frame.param.watch(lambda event: self.model.param.update(frame=event.new), "value")
        electrons = folded("Charge and multiplicity", lambda: in_a_row(make("charge"), make("multiplicity")))
        return pn.Column(self._frame, electrons, margin=0, sizing_mode="stretch_width")

    def _draw(self) -> None:
        self._summary.object = self.model.summary
        if self._text.value != self.model.text:
            self._text.param.update(value=self.model.text, value_input=self.model.text)
        problems = [(problem.severity, problem.message) for problem in self.model.problems]
        if self.model.error:
            problems = [("error", self.model.error)]
        self._messages.objects = [message(severity, text) for severity, text in problems]

    def _offer_frames(self) -> None:
        frames = self.model.frames
        self._frame.param.update(
            options={line: number for number, line in enumerate(frames)}, value=0 if frames else None
        )
        self._frame.visible = len(frames) > 1


def message(severity: str, text: str) -> pmui.Alert:
    """A sentence about a problem, beside its cause."""
    return pmui.Alert(
        object=text,
        severity=severity,
        variant="outlined",
        margin=(4, 10),
        sizing_mode="stretch_width",
        sx={"fontSize": "0.78rem", "padding": "2px 10px", "& .MuiAlert-message": {"overflowWrap": "anywhere"}},
    )
