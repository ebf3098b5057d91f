"""The protocol of an ABF 1 file, in the shape in which Neo gives that of an ABF 2 file.

Neo (0.14) takes of an ABF 1 header what the samples need; it has neither holding levels nor pulse
trains, and at byte 2588 reads increments of duration as digital values. So the header is read here.
Headers before version 1.6 are 2048 bytes long and know one output, whose durations are short
integers, and no pulse trains; later ones are 6144 bytes long and know two.

Source: `ABFFileHeader` of Axon's ABFHEADR.H (version 1.83), from which the places in bytes are
counted, and its `ABFH_PromoteHeader`, which says what an older header means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synsim.component import InputError

_LONG = 6144  # bytes; an older header has the first 2048 of them
_OLD = 2048
_DISABLED, _FROM_FILE = 0, 2  # _nWaveformSource of older headers

_PLACES = {
    "fFileVersionNumber": (4, "<f4"),
    "nOperationMode": (8, "<i2"),
    "fADCSampleInterval": (122, "<f4"),
    "fADCSecondSampleInterval": (126, "<f4"),
    "lClockChange": (194, "<i4"),
    "sDACChannelName": (1306, ("S10", 4)),
    "sDACChannelUnits": (1346, ("S8", 4)),
    "fDACHoldingLevel": (1394, ("<f4", 4)),
    "nDigitalEnable": (1436, "<i2"),
    "_nWaveformSource": (1438, "<i2"),
    "nActiveDACChannel": (1440, "<i2"),
    "_nInterEpisodeLevel": (1442, "<i2"),
    "_nEpochType": (1444, ("<i2", 10)),
    "_fEpochInitLevel": (1464, ("<f4", 10)),
    "_fEpochLevelInc": (1504, ("<f4", 10)),
    "_nEpochInitDuration": (1544, ("<i2", 10)),
    "_nEpochDurationInc": (1564, ("<i2", 10)),
    "nDigitalHolding": (1584, "<i2"),
    "nDigitalValue": (1588, ("<i2", 10)),
    "nDigitalDACChannel": (1612, "<i2"),
    "_nListEnable": (1966, "<i2"),
    "lHeaderSize": (2034, "<i4"),
    "lEpochPulsePeriod": (2136, ("<i4", (2, 10))),
    "lEpochPulseWidth": (2216, ("<i4", (2, 10))),
    "nWaveformEnable": (2296, ("<i2", 2)),
    "nWaveformSource": (2300, ("<i2", 2)),
    "nInterEpisodeLevel": (2304, ("<i2", 2)),
    "nEpochType": (2308, ("<i2", (2, 10))),
    "fEpochInitLevel": (2348, ("<f4", (2, 10))),
    "fEpochLevelInc": (2428, ("<f4", (2, 10))),
    "lEpochInitDuration": (2508, ("<i4", (2, 10))),
    "lEpochDurationInc": (2588, ("<i4", (2, 10))),
    "nDigitalTrainValue": (2668, ("<i2", 10)),
    "nDigitalTrainActiveLogic": (2688, "<i2"),
    "nULEnable": (3360, ("<i2", 4)),
    "nAlternateDACOutputState": (5876, "<i2"),
    "nAlternateDigitalOutputState": (5918, "<i2"),
}
LAYOUT = np.dtype(
    {
        "names": list(_PLACES),
        "formats": [form for _, form in _PLACES.values()],
        "offsets": [place for place, _ in _PLACES.values()],
        "itemsize": _LONG,
    }
)
#: Name of a field per output in newer headers -> its name in older ones, which have one output.
_OLDER = {
    "nInterEpisodeLevel": "_nInterEpisodeLevel",
    "nEpochType": "_nEpochType",
    "fEpochInitLevel": "_fEpochInitLevel",
    "fEpochLevelInc": "_fEpochLevelInc",
    "lEpochInitDuration": "_nEpochInitDuration",
    "lEpochDurationInc": "_nEpochDurationInc",
}
_EPOCH = (
    "nEpochType", "fEpochInitLevel", "fEpochLevelInc", "lEpochInitDuration", "lEpochDurationInc",
    "lEpochPulsePeriod", "lEpochPulseWidth",
)  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """What `abf_protocol.commands` reads, from the header of a file.

    Raises
    ------
    InputError
        when sweeps are sampled at two intervals, which Neo takes for one.
    """
    with path.open("rb") as file:
        header = np.frombuffer(file.read(_LONG).ljust(_LONG, b"\0"), LAYOUT)[0]
    first, second = header["fADCSampleInterval"], header["fADCSecondSampleInterval"]
    if header["lClockChange"] > 0 and second > 0 and first != second:
        raise InputError(
            f"{path}: its sweeps change the sampling interval in the middle (split clock), from "
            f"{first:g} to {second:g} us a sample: such files are not read"
        )
    fields = {name: header[name] for name in LAYOUT.names or ()}
    if header["lHeaderSize"] < _LONG:
        fields = _promoted(fields)
    keys = ("nOperationMode", "nDigitalEnable", "nDigitalDACChannel", "nActiveDACChannel",
            "nDigitalHolding", "nDigitalTrainActiveLogic", "nAlternateDACOutputState",
            "nAlternateDigitalOutputState")  # fmt: skip
    return {
        "fFileVersionNumber": float(header["fFileVersionNumber"]),
        "protocol": {k: int(fields[k]) for k in keys} | {"nDigitizerSynchDigitalOuts": 8},
        "sections": {"UserListSection": {"llNumEntries": int(np.any(fields["nULEnable"]))}},
        "listDACInfo": [
            {
                "DACChNames": bytes(fields["sDACChannelName"][dac]),
                "DACChUnits": bytes(fields["sDACChannelUnits"][dac]),
                "fDACHoldingLevel": float(fields["fDACHoldingLevel"][dac]),
                "nWaveformEnable": int(fields["nWaveformEnable"][dac]),
                "nWaveformSource": int(fields["nWaveformSource"][dac]),
                "nInterEpisodeLevel": int(fields["nInterEpisodeLevel"][dac]),
            }
            for dac in range(2)
        ],
        "dictEpochInfoPerDAC": {
            dac: {
                i: {"nEpochNum": i} | {name: fields[name][dac][i].item() for name in _EPOCH}
                for i in range(10)
            }
            for dac in range(2)
        },
        "EpochInfo": [
            {
                "nEpochNum": i,
                "nDigitalValue": int(fields["nDigitalValue"][i]),
                "nDigitalTrainValue": int(fields["nDigitalTrainValue"][i]),
            }
            for i in range(10)
        ],
    }


def _promoted(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a header before 1.6 as those of a later one, the other output off."""
    blank = np.zeros(1, LAYOUT)[0]
    new = {k: v if _PLACES[k][0] < _OLD else blank[k].copy() for k, v in fields.items()}
    dac = int(fields["nActiveDACChannel"])
    dac = dac if dac in (0, 1) else 0
    for name, older in _OLDER.items():
        new[name][dac] = fields[older]
    source = int(fields["_nWaveformSource"])
    new["nWaveformEnable"][dac] = source != _DISABLED
    new["nWaveformSource"][:] = 1
    if source == _FROM_FILE:
        new["nWaveformSource"][dac] = _FROM_FILE
    new["nULEnable"][dac] = fields["_nListEnable"]
    return new
