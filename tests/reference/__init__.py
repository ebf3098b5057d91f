"""Independent references for the tests: each model once more, from the paper, in plain numpy.

Nothing here imports synsim or Brian2, and nothing here is fast. What is written down is the
definition: loops over spikes, explicit lists of spike pairs, full enumeration of hidden states.
Units: seconds, hertz, volts, amperes, siemens, farads, ohms throughout.
"""
