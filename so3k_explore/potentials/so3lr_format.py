"""The published format of SO3LR: where its arrays and settings live in ours."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from so3k_explore.potentials.errors import CheckpointError
from so3k_explore.potentials.so3krates import Architecture, architecture_from_json

_DENSE = ("kernel", "bias")
_REPULSION = "observables_0/zbl_repulsion"
_REPULSION_NAMES = ("a1", "a2", "a3", "a4", "c1", "c2", "c3", "c4", "p", "d")

ARCHITECTURE_KEYS = {
    "num_features": "features",
    "num_heads": "heads",
    "num_layers": "layers",
    "degrees": "degrees",
    "cutoff": "cutoff",
    "num_radial_basis_fn": "radial_functions",
    "radial_basis_fn": "radial_basis",
}
EXPECTED = {
    "activation_fn": "silu",
    "cutoff_fn": "phys",
    "dispersion_energy_bool": True,
    "dispersion_energy_scale": 1.2,
    "electrostatic_energy_bool": True,
    "electrostatic_energy_scale": 4.0,
    "energy_activation_fn": "silu",
    "layer_normalization_1": True,
    "layer_normalization_2": True,
    "message_normalization": "avg_num_neighbors",
    "qk_non_linearity": "identity",
    "residual_mlp_1": True,
    "residual_mlp_2": False,
    "use_charge_embed": True,
    "use_spin_embed": True,
    "zbl_repulsion_bool": True,
}


def architecture_from(settings: Mapping[str, Any]) -> Architecture:
    """Architecture from the content of `hyperparameters.json`.

    Raises:
        CheckpointError: a setting is missing, or asks for something that SO3LR here does not do.
    """
    try:
        model, neighbors = settings["model"], settings["data"]["avg_num_neighbors"]
        for name, value in EXPECTED.items():
            if model[name] != value:
                raise CheckpointError(f"`{name}` must be {value!r} for SO3LR, got {model[name]!r}.")
        sizes = {ours: model[theirs] for theirs, ours in ARCHITECTURE_KEYS.items()}
        return architecture_from_json({**sizes, "average_neighbors": neighbors})
    except KeyError as error:
        raise CheckpointError(f"The hyper-parameters are incomplete: {error} is missing.") from error
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"The hyper-parameters do not describe SO3LR: {error}") from error


def arrays_from(theirs: Mapping[str, np.ndarray], layers: int) -> dict[str, np.ndarray]:
    """Arrays by our names.

    Raises:
        CheckpointError: an array is missing, or there is one that SO3LR does not have.
    """
    arrays = {name.removeprefix("params/"): array for name, array in theirs.items()}
    table = key_table(layers)
    wanted = {*table, *(f"{_REPULSION}/{name}" for name in _REPULSION_NAMES)}
    if missing := sorted(wanted - set(arrays)):
        raise CheckpointError(f"{len(missing)} arrays of SO3LR are missing, the first is {missing[0]!r}.")
    if unknown := sorted(set(arrays) - wanted):
        raise CheckpointError(f"SO3LR with {layers} layers has no array {unknown[0]!r}; check the hyper-parameters.")
    return {ours: arrays[name] for name, ours in table.items()} | _repulsion(arrays)


def _repulsion(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Constants of the repulsion. Theirs go through a softplus, taken in single precision as in their program."""
    raw = {name: arrays[f"{_REPULSION}/{name}"].astype(np.float32) for name in _REPULSION_NAMES}
    value = {name: np.logaddexp(np.float32(0), array).reshape(()) for name, array in raw.items()}
    weights = [value[f"c{k}"] for k in range(1, 5)]
    total = weights[0] + weights[1] + weights[2] + weights[3]
    return {
        "repulsion/decays": np.stack([value[f"a{k}"] for k in range(1, 5)]),
        "repulsion/weights": np.stack([weight / total for weight in weights]),
        "repulsion/power": value["p"],
        "repulsion/scale": value["d"],
    }


def key_table(layers: int) -> dict[str, str]:
    """Where each array of a published checkpoint, except those of the repulsion, lives in our tree."""
    table = {"feature_embeddings_0/Embed_0/embedding": "transformer/embedding/elements/embedding"}
    for index, name in ((1, "charge"), (2, "spin")):
        theirs, ours = f"feature_embeddings_{index}/ChargeSpinEmbedSparse_0", f"transformer/embedding/{name}"
        for k, role in enumerate(("query", "key", "value")):
            table[f"{theirs}/Embed_{k}/embedding"] = f"{ours}/{role}/embedding"
        for k, part in enumerate(("hidden", "out")):
            table[f"{theirs}/Residual_0/layers_{k}/kernel"] = f"{ours}/residual/{part}/kernel"
    for index in range(layers):
        table |= _layer_table(f"layers_{index}", f"transformer/layer_{index}")
    heads = {
        "observables_0/energy_dense_regression": "energy/mlp/hidden",
        "observables_0/energy_dense_final": "energy/mlp/out",
        "observables_0/electrostatic_energy/partial_charges/charge_dense_regression_vec": "charges/mlp/hidden",
        "observables_0/electrostatic_energy/partial_charges/charge_dense_final_vec": "charges/mlp/out",
        "observables_2/hirshfeld_ratios_dense_regression": "hirshfeld/mlp/hidden",
        "observables_2/hirshfeld_ratios_dense_final": "hirshfeld/mlp/out",
    }
    table |= {f"{theirs}/{leaf}": f"{ours}/{leaf}" for theirs, ours in heads.items() for leaf in _DENSE}
    return table | {
        "observables_0/atomic_scales": "energy/scale",
        "observables_0/energy_offset": "energy/offset",
        "observables_0/electrostatic_energy/partial_charges/Embed_0/embedding": "charges/bias/embedding",
        "observables_2/Embed_0/embedding": "hirshfeld/bias/embedding",
        "observables_2/Embed_1/embedding": "hirshfeld/query/embedding",
    }


def _layer_table(theirs: str, ours: str) -> dict[str, str]:
    table = {}
    for number, branch in ((1, "invariant"), (2, "equivariant")):
        for letter, role in (("q", "query"), ("k", "key"), ("v", "value"))[: 4 - number]:
            table[f"{theirs}/attention_block/W{letter}{number}"] = f"{ours}/attention/{branch}_{role}/kernel"
        for kind in ("radial", "spherical"):
            for k, part in ((1, "hidden"), (2, "out")):
                for leaf in _DENSE:
                    filters = f"{theirs}/attention_block/{kind}_filter{number}_layer_{k}/{leaf}"
                    table[filters] = f"{ours}/attention/{branch}_filter/{kind}/{part}/{leaf}"
        for leaf in ("scale", "bias"):
            table[f"{theirs}/layer_normalization_{number}/{leaf}"] = f"{ours}/norm_{number}/{leaf}"
    for leaf in _DENSE:
        table[f"{theirs}/res_mlp_1_layer_1/{leaf}"] = f"{ours}/mlp/hidden/{leaf}"
        table[f"{theirs}/res_mlp_1_layer_2/{leaf}"] = f"{ours}/mlp/out/{leaf}"
        table[f"{theirs}/exchange_block/mlp_layer_2/{leaf}"] = f"{ours}/exchange/dense/{leaf}"
    return table
