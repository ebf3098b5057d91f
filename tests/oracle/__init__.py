"""Other simulators as oracles for the tests; each is optional and its tests skip without it."""
