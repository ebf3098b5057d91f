"""What has a page on the site, and how text that names it becomes a link."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from types import ModuleType

from synsim import catalogue

# What a script may import, beside models and protocols; all of synsim.predict is found by itself.
API = (
    "synsim",
    "synsim.synapse",
    "synsim.poisson",
    "synsim.protocol",
    "synsim.fit",
    "synsim.extract",
    "synsim.sweep",
    "synsim.networks",
    "synsim.networks.costs",
    "synsim.networks.spec",
    "synsim.networks.chunks",
    "synsim.studies",
    "synsim.writing.reach",
    "synsim.writing.reader",
    "synsim.recordings",
    "synsim.tables",
    "synsim.settings",
    "synsim.synapse_settings",
    "synsim.style",
    "synsim.component",
    "synsim.catalogue",
    "synsim.engine",
    "synsim.compose",
)
OPTIONAL_API = ("synsim.interactive",)


def models() -> dict[str, ModuleType]:
    """Name of the file -> module, of every model file."""
    found = importlib.import_module("synsim.models")
    names = sorted(info.name for info in pkgutil.iter_modules(found.__path__))
    return {name: importlib.import_module(f"synsim.models.{name}") for name in names}


def api_modules() -> list[str]:
    predict = importlib.import_module("synsim.predict")
    names = sorted(info.name for info in pkgutil.iter_modules(predict.__path__))
    there = [n for n in OPTIONAL_API if importlib.util.find_spec(n)]
    return [*API, *there, *(f"synsim.predict.{name}" for name in names)]


def link(name: str) -> str:
    """RST for what stands between backquotes: a page where it names one, else code."""
    stem = re.sub(r"^(?:synsim\.)?models[./]", "", name).removesuffix(".py")
    if stem in models():
        return f":doc:`{name} </models/{stem}>`"
    if "-" in name and name in catalogue.protocols():  # others are words of the language too
        return f":doc:`{name} </protocols/{name}>`"
    if name in api_modules():
        return f":doc:`{name} </api/{name}>`"
    return f"``{name}``"


def heading(text: str, line: str) -> list[str]:
    return [text, line * (len(text) + 2), ""]
