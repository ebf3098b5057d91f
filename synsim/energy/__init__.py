"""Reliability and energy in the simulation: laws, budgets and their figures."""
