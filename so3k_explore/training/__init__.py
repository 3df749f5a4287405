"""From molecules to a potential of one's own, step by step (Unke et al., Chem. Rev. 121, 10142 (2021)).

1. `sample`, `sample_all`: structures from conformers, relaxations, hot trajectories and displacements, with labels of
   a `reference` method; `label` for a structure one has, `label_structures` for many, whose labels a `Journal` keeps.
2. `contents`, `draw_contents`: what is in the data, and what stands out. `prepare`: check the data, divide them by
   trajectories and molecules, and make a fresh network or take a trained one.
3. `fit`: a generator of states, resumable to the bit; `save_model` writes the best one.
4. `predictions`, `scores`, `report`: errors by molecule, element and size of the force; `stability`, `energy_drift` and
   `conformer_scores`: what dynamics and minima make of them; `fit_extrapolation`: where not to trust it.
5. `learn_actively`: explore with the model, label what it knows least, learn again.

The data themselves are `io.datasets.Dataset`. The bundled model is made by `recipe.PEPTIDE_GFN2`.
"""

from so3k_explore.io.labels import label as label
from so3k_explore.io.reference import reference_calculator as reference_calculator
from so3k_explore.training.conformers import conformer_scores as conformer_scores
from so3k_explore.training.conformers import frequency_errors as frequency_errors
from so3k_explore.training.contents import contents as contents
from so3k_explore.training.evaluate import learning_curve as learning_curve
from so3k_explore.training.evaluate import predictions as predictions
from so3k_explore.training.evaluate import report as report
from so3k_explore.training.evaluate import scores as scores
from so3k_explore.training.evaluate import scores_by as scores_by
from so3k_explore.training.extrapolation import fit_extrapolation as fit_extrapolation
from so3k_explore.training.fit import Fit as Fit
from so3k_explore.training.fit import FitState as FitState
from so3k_explore.training.fit import fit as fit
from so3k_explore.training.fit import initial_fit as initial_fit
from so3k_explore.training.labelling import Journal as Journal
from so3k_explore.training.labelling import label_structures as label_structures
from so3k_explore.training.labelling import unlabelled as unlabelled
from so3k_explore.training.loop import learn_actively as learn_actively
from so3k_explore.training.loss import Loss as Loss
from so3k_explore.training.pictures import draw_contents as draw_contents
from so3k_explore.training.prepare import Prepared as Prepared
from so3k_explore.training.prepare import prepare as prepare
from so3k_explore.training.prepare import save_model as save_model
from so3k_explore.training.rounds import ActiveLearning as ActiveLearning
from so3k_explore.training.rounds import Round as Round
from so3k_explore.training.sampling import Plan as Plan
from so3k_explore.training.sampling import Sample as Sample
from so3k_explore.training.sampling import sample as sample
from so3k_explore.training.stability import energy_drift as energy_drift
from so3k_explore.training.stability import stability as stability
