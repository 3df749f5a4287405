"""Positions, cells, neighbours and the graph that potentials see."""
