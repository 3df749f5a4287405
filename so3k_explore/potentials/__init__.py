"""Potentials: functions from a graph to per-atom energies in eV."""
