"""Recording noise: what the amplifier adds to a measured response.

    recorded = response + s0 xi,    variance + s0^2

with xi standard normal, fresh at every response.

Symbols
    s0  unit of the response  standard deviation of the noise

Source: the baseline term of the variance in Clements & Silver 2000, Trends Neurosci 23:105.
Deviates from it: never. The noise is in what is recorded, not in what the neuron receives.
"""

from __future__ import annotations

from synsim.component import Mechanism, parameter
from synsim.component.code import NORMAL, Fragment
from synsim.models.quantal_variability import CLEMENTS_SILVER


class RecordingNoise(Mechanism):
    """Additive normal noise of the recording."""

    name = "recording-noise"
    role = "recording noise"
    citations = (CLEMENTS_SILVER,)

    s0: float = parameter(
        ("mV", "pA", "nS", "1"), "standard deviation of the recording", low=0, array=True
    )

    @staticmethod
    def record() -> Fragment:
        """Statements that turn ``response`` into ``recorded``."""
        return Fragment(on_pre="recorded = response + s0*fresh_normal(j)", functions=(NORMAL,))
