"""Short-term plasticity and quantal release: predicted, simulated, and as protocols."""
