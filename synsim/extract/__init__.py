"""Amplitudes of synaptic responses from recordings."""

from synsim.extract.result import Extracted
from synsim.extract.run import extract

__all__ = ["Extracted", "extract"]
