"""The pairing window as a plain Brian2 script: what one writes without synsim.

101 lags, 60 pairings at 1 Hz, additive pair STDP, C++ standalone as Brian2 ships it. Prints the
largest deviation from the closed form, so that the two programs are known to do the same.
"""

import sys
import tempfile

import numpy as np
from brian2 import (
    SpikeGeneratorGroup,
    Synapses,
    defaultclock,
    ms,
    run,
    second,
    set_device,
)

set_device("cpp_standalone", directory=tempfile.mkdtemp())
defaultclock.dt = 0.1 * ms

lags = np.arange(-100, 101, 2)
n_pairs, period = 60, 1000.0
a_plus, a_minus, tau_plus, tau_minus = 0.006475, 0.002275, 16.8 * ms, 33.7 * ms

first = 100 + period * np.arange(n_pairs)
pre_times = np.tile(first, len(lags))
post_times = (first[None, :] + lags[:, None]).ravel()
index = np.repeat(np.arange(len(lags)), n_pairs)
pre = SpikeGeneratorGroup(len(lags), index, pre_times * ms)
post = SpikeGeneratorGroup(len(lags), index, post_times * ms)
synapses = Synapses(
    pre,
    post,
    """w : 1
    dapre/dt = -apre/tau_plus : 1 (event-driven)
    dapost/dt = -apost/tau_minus : 1 (event-driven)""",
    on_pre="""w = clip(w - apost, 0, 1)
    apre += a_plus""",
    on_post="""w = clip(w + apre, 0, 1)
    apost += a_minus""",
)
synapses.connect(j="i")
synapses.w = 0.5
run((n_pairs * period + 200) * ms)

change = np.array(synapses.w) / 0.5 - 1
exact = (
    np.where(
        lags > 0,
        n_pairs * a_plus * np.exp(-np.abs(lags) * ms / tau_plus),
        -n_pairs * a_minus * np.exp(-np.abs(lags) * ms / tau_minus),
    )
    / 0.5
)
error = np.max(np.abs(change - exact)[lags != 0])
print(f"largest deviation {error:.2e} over {float((n_pairs * period * ms) / second):.0f} s")
sys.exit(0 if error < 1e-9 else 1)
