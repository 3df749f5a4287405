"""Model cards: what a user should know before trusting a model, as Markdown."""

import math

from so3k_explore.potentials.published import PUBLISHED
from so3k_explore.potentials.registry import LENNARD_JONES, ModelInfo

UNITS = "Energies in eV, lengths in Å, forces in eV/Å, charges in e."


def model_card(info: ModelInfo) -> str:
    """The card of a model."""
    lines = [f"# {info.name}", "", f"{_sentence(info.description)}", ""]
    lines += [f"* **Elements:** {_elements(info.elements)}", f"* **Parameters:** {info.parameters:,}".replace(",", " ")]
    lines += [f"* **Long-range terms:** {_long_range(info.long_range_cutoff)}", f"* **Units:** {UNITS}"]
    lines += [f"* **On this machine:** {info.path if info.path else 'yes' if info.installed else 'no'}"]
    if info.licence:
        lines.append(f"* **Licence:** {info.licence}")
    facts = PUBLISHED.get(info.kind)
    if facts is not None and info.published:
        lines += ["", "## Origin", "", facts.reference, "", facts.training]
        lines += ["", "## Precision", "", facts.float32_error]
    elif info.path is not None and info.path.with_suffix(".md").is_file():
        lines += ["", info.path.with_suffix(".md").read_text().rstrip()]
    elif info.kind != LENNARD_JONES:
        lines += ["", "## Origin", "", _origin(info)]
    if info.kind != LENNARD_JONES:
        lines += ["", "## Limits", "", _limits(info)]
    return "\n".join(lines) + "\n"


def _origin(info: ModelInfo) -> str:
    """What the file says about the fit that made it."""
    from so3k_explore.potentials.checkpoints import load_checkpoint

    known = {} if info.path is None else load_checkpoint(info.path).metadata
    if "frames" not in known:
        return "Not the published parameters; nothing is known about how they were made."
    parts = ", ".join(f"{count} {part}" for part, count in known["frames"].items() if count)
    text = f"Fitted to {known.get('level') or 'data of an unnamed method'}. Structures: {parts}."
    best = known.get("best", {})
    if "force_error" in best:
        text += f" Validation error of step {best['step']}: {1000 * best['force_error']:.3g} meV/Å"
        text += f", {1000 * best['energy_error']:.3g} meV an atom."
    return text


def _limits(info: ModelInfo) -> str:
    known = "" if info.elements is None else f" Elements other than {_elements(info.elements)} give nonsense."
    far = (
        " The long-range cutoff changes energies by up to several eV: compare only what was computed with the same one."
        if info.long_range_cutoff > 0
        else ""
    )
    return (
        "Only differences between energies of the same atoms with the same total charge mean something; "
        f"absolute energies and atomisation energies do not.{known}{far}"
    )


def _elements(numbers: tuple[int, ...] | None) -> str:
    if numbers is None:
        return "any"
    from ase.data import chemical_symbols

    return ", ".join(chemical_symbols[number] for number in numbers)


def _long_range(cutoff: float) -> str:
    if cutoff == 0:
        return "none"
    return "all pairs, unless a cutoff is given" if math.isinf(cutoff) else f"up to {cutoff} Å"


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."
