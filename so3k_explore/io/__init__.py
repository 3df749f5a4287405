"""What comes in and goes out.

* `structures`: molecules from names, sequences, SMILES, files, uploads; the other modules that make them are
  `library`, `sequence`, `smiles`, `clusters`, `files`, `mdl`, `xyz`, `formats`, `electrons`, `molecule`.
* `checks`: what would make a calculation with a molecule wrong or slow.
* `trajectories`, `trajectory_writer`, `checkpoints`, `export`: runs, on disk.
* `calculator`: our potentials in ASE.
"""
