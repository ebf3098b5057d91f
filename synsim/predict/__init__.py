"""Closed forms of composed synapses and whole protocols: what a simulation should find."""
