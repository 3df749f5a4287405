"""What can be said about structures once they exist: arrays in, arrays or small frozen results out.

=============  ==============================================================================
`alignment`    superposition, RMSD, and RMSD when equal atoms may trade places [1]
`symmetry`     automorphisms of the molecular graph: which atoms may trade places
`torsions`     rotatable bonds, their angles and turns; `backbone`: residues, phi and psi
`spectra`      power and infrared spectra of trajectories; `correlation`: memory and errors
`free_energy`  along one or two `coordinates` of a trajectory; `kinetics`: residence, transitions
`canonical`    one order of the atoms for each structure, whatever equal atoms have traded places
`descriptors`  torsions, distances, size, hydrogen bonds; `features`: layers of a network; `rmsd_matrix`
`dipoles`      dipole moments of many structures, from the charges of a potential
`clustering`   structures sorted into clusters; `agreement` of two such sortings; `medoids`
`projection`   maps: PCA, kernel PCA, t-SNE, MDS, UMAP
`attention`    which atoms a So3krates model attends to, layer by layer, of one structure or many;
               `attention_coefficients`: its matrices, `attention_blocks`: between residues,
               `attention_rollout`: through all layers [2, 3]; `attention_statistics`: differences of sets,
               `attention_families`: map and clusters; `attention_faithfulness`: does it say what matters?
=============  ==============================================================================

[1] Kabsch, Acta Cryst. A 32, 922 (1976).
[2] Abnar & Zuidema, ACL (2020).
[3] Kobayashi, Kuribayashi, Yokoi, Inui, EMNLP (2020).
"""
