"""The pictures of the page by themselves, for notebooks: each function returns a Panel object.

Call ``panel.extension("tabulator")`` once before the first of them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.potentials.protocol import Potential


def map(
    landscape: "Landscape", by: str = "torsions", method: str = "hdbscan", projection: str = "pca", model: str = ""
) -> Any:
    """Map of the minima of a landscape by family, their energies, and a molecule that shows what is chosen.

    Args:
        landscape: with at least three minima.
        by: what tells minima apart: "torsions", "features", "distances" or "rmsd".
        method: of sorting them (see `analysis.clustering`), "tree", or the name of a labelling of the landscape.
        projection: "pca", "kpca", "tsne", "mds" or "umap".
        model: name of the model whose features are taken, for "features".

    Raises:
        ValueError: no map can be made; the message says why.
        LandscapeError: there is no minimum.
    """
    from so3k_explore.app.views.standalone import map_view

    return map_view(landscape, by, method, projection, model)


def attention(molecule: "Molecule", potential: "Potential | str", *, judge: bool = True) -> Any:
    """What a network attends to in one structure: a matrix and the molecule, linked both ways, with a verdict.

    Args:
        molecule: the structure.
        potential: a So3krates model, or its name.
        judge: whether to compare attention with masked pairs and the Hessian, which takes some seconds.

    Raises:
        TypeError: the potential has no attention.
    """
    from so3k_explore.analysis.attention import attention as attend
    from so3k_explore.analysis.attention_faithfulness import faithfulness
    from so3k_explore.app.views.attention_figure import AttentionFigure
    from so3k_explore.potentials.registry import load_potential

    model = load_potential(potential) if isinstance(potential, str) else potential
    seen = attend(model, molecule.system)
    table = faithfulness(model, molecule.system, molecule.bonds).table if judge else ()
    return AttentionFigure(molecule, seen, table)


def tree(
    landscape: "Landscape", color_by: str = "One colour", chosen: "Sequence[int]" = (), *, bounds: bool = True
) -> Any:
    """The disconnectivity tree of a landscape, and a molecule that shows the leaves chosen.

    Args:
        landscape: with at least one minimum.
        color_by: "One colour", "Basin", "Strategy", "Visits", or the name of a labelling of the landscape.
        chosen: numbers of minima to begin with.
        bounds: whether hops of the search bound barriers where no saddle is known.

    Raises:
        LandscapeError: there is no minimum.
    """
    from so3k_explore.app.views.tree_figure import TreeFigure

    return TreeFigure(landscape, color_by, chosen, bounds=bounds)
