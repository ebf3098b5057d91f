"""synsim: plastic, unreliable synapses, stated once; simulated, predicted, fitted and costed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from synsim._version import __version__

if TYPE_CHECKING:
    from synsim.component import InputError, SynsimError, SynsimWarning
    from synsim.models.energy_actin import Actin
    from synsim.models.energy_calcium import CalciumEfflux
    from synsim.models.energy_membrane import VesicleMembrane
    from synsim.models.energy_postsynaptic import PostsynapticCurrents
    from synsim.models.energy_recycling import Recycling
    from synsim.models.energy_trafficking import Trafficking
    from synsim.models.pair_stdp import PairSTDP
    from synsim.models.quantal_release import BinomialRelease, MeanFieldRelease
    from synsim.models.quantal_variability import QuantalVariability
    from synsim.models.recording_noise import RecordingNoise
    from synsim.models.release_sites import ReleaseSites
    from synsim.models.tsodyks_markram import TsodyksMarkram
    from synsim.models.tsodyks_three_state import TsodyksThreeState
    from synsim.poisson import PoissonSources
    from synsim.synapse import Synapse

# Loaded when first asked for, so that `synsim --help` need not wait for numpy.
_HOMES = {
    "Actin": "synsim.models.energy_actin",
    "BinomialRelease": "synsim.models.quantal_release",
    "CalciumEfflux": "synsim.models.energy_calcium",
    "InputError": "synsim.component",
    "MeanFieldRelease": "synsim.models.quantal_release",
    "PairSTDP": "synsim.models.pair_stdp",
    "PoissonSources": "synsim.poisson",
    "PostsynapticCurrents": "synsim.models.energy_postsynaptic",
    "QuantalVariability": "synsim.models.quantal_variability",
    "RecordingNoise": "synsim.models.recording_noise",
    "Recycling": "synsim.models.energy_recycling",
    "ReleaseSites": "synsim.models.release_sites",
    "Synapse": "synsim.synapse",
    "SynsimError": "synsim.component",
    "SynsimWarning": "synsim.component",
    "Trafficking": "synsim.models.energy_trafficking",
    "TsodyksMarkram": "synsim.models.tsodyks_markram",
    "TsodyksThreeState": "synsim.models.tsodyks_three_state",
    "VesicleMembrane": "synsim.models.energy_membrane",
}

__all__ = [
    "Actin",
    "BinomialRelease",
    "CalciumEfflux",
    "InputError",
    "MeanFieldRelease",
    "PairSTDP",
    "PoissonSources",
    "PostsynapticCurrents",
    "QuantalVariability",
    "RecordingNoise",
    "Recycling",
    "ReleaseSites",
    "Synapse",
    "SynsimError",
    "SynsimWarning",
    "Trafficking",
    "TsodyksMarkram",
    "TsodyksThreeState",
    "VesicleMembrane",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'synsim' has no attribute {name!r}")
