"""Simulated synapses held against independent truth, on every code generation target."""
