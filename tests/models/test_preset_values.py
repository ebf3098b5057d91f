"""The values of presets, against a table typed a second time from the published ones."""

from __future__ import annotations

import pytest

from synsim import catalogue

TM = ("U", "tau_rec", "tau_facil")
PAIR = ("a_plus", "a_minus", "tau_plus", "tau_minus")
VALUES = {
    "tm-facilitating": (TM, ("0.03", "130 ms", "530 ms")),
    "tm-depressing": (TM, ("0.5", "800 ms", "0 ms")),
    "maass-ee": (TM, ("0.5", "1100 ms", "50 ms")),
    "maass-ei": (TM, ("0.05", "125 ms", "1200 ms")),
    "maass-ie": (TM, ("0.25", "700 ms", "20 ms")),
    "maass-ii": (TM, ("0.32", "144 ms", "60 ms")),
    "gupta-i1": (TM, ("0.16", "45 ms", "376 ms")),
    "gupta-i2": (TM, ("0.25", "706 ms", "21 ms")),
    "gupta-i3": (TM, ("0.32", "144 ms", "62 ms")),
    "tsodyks-2000-to-e": (TM, ("0.5", "800 ms", "0 ms")),
    "tsodyks-2000-to-i": (TM, ("0.04", "100 ms", "1000 ms")),
    "tsodyks-1998-facilitating": ((*TM, "tau_inact"), ("0.03", "130 ms", "530 ms", "1.5 ms")),
    "tsodyks-1998-depressing": ((*TM, "tau_inact"), ("0.5", "800 ms", "0 ms", "3 ms")),
    "song-2000": (PAIR, ("0.005", "0.00525", "20 ms", "20 ms")),
    # 0.777 and 0.273 are changes by 60 pairings of a synapse at w = 0.5: 0.5/60 of them each
    "bi-poo-2001": (PAIR, ("0.006475", "0.002275", "16.8 ms", "33.7 ms")),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    fields, texts = VALUES[name]
    found = catalogue.presets()[name].preset(name).as_text()
    assert tuple(found[field] for field in fields) == texts


def test_no_preset_of_a_synapse_goes_without() -> None:
    roles = {"short-term plasticity", "plasticity"}
    named = {name for name, home in catalogue.presets().items() if home.role in roles}
    assert named == set(VALUES)
