"""Pieces of networks that know no chemistry.

* `radial`: functions of a distance that a network reads.
* `cutoffs`: functions that end an interaction smoothly.
* `spherical`: real spherical harmonics and what is made of them.
* `mlp`: dense layers in a row.
* `embedding`: elements, total charge and spin as features.
* `attention`: Euclidean attention of So3krates [1, 2].

References:
    [1] Frank, Unke, Müller, NeurIPS 35, 29400 (2022).
    [2] Frank, Unke, Müller, Chmiela, Nat. Commun. 15, 6539 (2024).
"""
