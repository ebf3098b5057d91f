"""Pairings and trains given to many copies of a synapse: what protocols share."""
