"""From a program to one C++ source file. Imports Brian2.

Brian2 writes a project of a dozen files; they are merged into one translation unit, which
compiles in half the time of its makefile on two cores (the standard library's
headers are read once).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import ms
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from synsim.compose import Value
from synsim.engine import recurrent_network
from synsim.engine.membrane import PREFIX
from synsim.engine.network import Assembled, active, assemble
from synsim.engine.program import Program
from synsim.engine.recurrent import Recurrent

MERGED = "program.cpp"


def generate(program: Program | Recurrent, directory: Path) -> None:
    """Write the C++ project of a program; its one file to compile is ``program.cpp``."""
    device = CPPStandaloneDevice()
    preferences: dict[str, Any] = {
        "devices.cpp_standalone.openmp_threads": 0,
        "core.default_float_dtype": np.float64,
    }
    with active(device, **preferences):
        if isinstance(program, Recurrent):
            recurrent_network.write(program, device)
        else:
            made = assemble(program)
            made.network.run(0 * ms, namespace={})
            device.insert_code("main", _main(program, made, device))
        device.build(directory=str(directory), compile=False, run=False, with_output=False)
    for header in Path(__file__).parent.glob("*.h"):
        shutil.copy(header, directory)
    (directory / MERGED).write_text(merge(directory), encoding="utf-8")


def _main(program: Program, made: Assembled, device: CPPStandaloneDevice) -> str:
    """The C++ that reads the data, runs and writes; comes after Brian2's own set-up."""

    def name(variable: Any) -> str:
        return device.get_array_name(variable, access_data=False)

    lines = [
        "std::signal(SIGINT, SIG_DFL);",
        'synsim::Input input(brian::results_dir + "input.bin");',
        "brian::_random_generators[0].seed(input.number<uint32_t>());",
        "const int64_t steps = input.number<int64_t>();",
        f"{name(made.clock.variables['dt'])}[0] = input.number<double>();",
    ]
    for key, kind in program.inputs().items():
        if isinstance(kind, str):
            lines.append(f"input.vector({name(made.delay(kind))});")
        elif isinstance(kind, Value) and kind.shared:
            lines.append(f"input.array({name(made.variable(key))}, 1);")
        else:
            lines.append(f"input.{_whole(name(made.variable(key)), made.variable(key))};")
    for source in (made.pre, made.post):
        bins, sources, following = (
            name(source.variables[v]) for v in ("_timebins", "neuron_index", "_lastindex")
        )
        lines.append(f"input.spikes({bins}, {sources}, {following});")
    # Delays are data: the queues are made anew for those that were read.
    lines += [f"_before_run_{made.queue_code(p)}();" for p in program.pathways]
    sampler = "nullptr"
    if program.membrane is not None:
        potential = name(made.variable(f"{PREFIX}v"))
        lines.append(f"synsim::Sampler sampler(input, {potential}, {program.capacity});")
        sampler = "&sampler"
    lines.append("std::vector<std::pair<synsim::Step, synsim::Recorder *>> objects;")
    for pathway, states in program.event_states.items():
        readers = ", ".join(
            f"[](int k) -> double {{ return {name(made.variable(s.name))}[k]; }}" for s in states
        )
        lines.append(
            f"synsim::Recorder kept_{pathway}(brian::synsim_synapses_{pathway}, {{{readers}}});"
        )
    lines += _firing(made, device)
    network = made.network.name
    lines += [
        f"for (const auto &object : {network}.objects) {{",
        "synsim::Recorder *recorder = nullptr;",
    ]
    for pathway in program.event_states:
        lines.append(
            f"if (object.second == _run_{made.pathway_code(pathway)}) recorder = &kept_{pathway};"
        )
    lines += [
        "objects.push_back(std::make_pair(object.second, recorder));",
        "}",
        f"synsim::run(objects, brian::{made.clock.name}, steps, firing, {sampler});",
        'synsim::Output output(brian::results_dir + "output.bin");',
    ]
    lines += [f"output.{_whole(name(made.variable(v)), made.variable(v))};" for v in program.final]
    lines += [f"kept_{pathway}.write(output);" for pathway in program.event_states]
    lines += ["sampler.write(output);"] if program.membrane is not None else []
    # Brian2 would now write every array to a file of its own.
    lines += ["output.close();", "std::exit(0);"]
    return "\n".join(lines)


def _whole(name: str, variable: Any) -> str:
    """The call that reads or writes a whole array: Brian2 keeps those of synapses in vectors."""
    if isinstance(variable, DynamicArrayVariable):
        return f"vector({name})"
    return f"array({name}, {variable.size})"


def _firing(made: Assembled, device: CPPStandaloneDevice) -> list[str]:
    """A target fires only after an input, so only neurons that had one are looked at."""
    if made.target is None or made.drive is None:
        return ["synsim::Firing *firing = nullptr;"]
    due, space = (
        device.get_array_name(made.target.variables[v], access_data=False)
        for v in ("due", "_spikespace")
    )
    return [
        f"synsim::Firing fires(_run_{made.target.thresholder['spike'].codeobj.name}, {due}, "
        f"{space}, {made.target.N}, "
        f"{{&brian::{made.synapses.name}_pre, &brian::{made.drive.name}_pre}});",
        "synsim::Firing *firing = &fires;",
    ]


_INCLUDE = re.compile(r"\s*#\s*include\s*(\S+)")
_SOURCES = re.compile(r"^SRCS = (.*)$", flags=re.MULTILINE)
_NAMELESS = re.compile(r"^namespace\s*\{", flags=re.MULTILINE)


def merge(directory: Path) -> str:
    """All sources in one file; what was private to a file goes into a namespace of its own."""
    listed = _SOURCES.search((directory / "makefile").read_text(encoding="utf-8"))
    assert listed is not None
    # main.cpp last: it calls all the others
    sources = sorted(listed[1].split(), key=lambda source: (source == "main.cpp", source))
    includes: dict[str, None] = {}
    bodies = []
    for source in sources:
        lines = []
        for line in (directory / source).read_text(encoding="utf-8").splitlines():
            match = _INCLUDE.match(line)
            if match:
                includes[_from_root(match[1], Path(source).parent, directory)] = None
            else:
                lines.append(line)
        body = "\n".join(lines)
        if source.startswith("code_objects"):
            private = re.sub(r"\W", "_", source)
            body = _NAMELESS.sub(f"namespace {private} {{", body)
            body = body.replace(
                "using namespace brian;", f"using namespace brian; using namespace {private};"
            )
        bodies.append(f"// {source}\n{body}")
    for header in ("synsim_run.h", "synsim_network.h"):
        includes[f'"{header}"'] = None
    return "\n".join([*(f"#include {i}" for i in includes), *bodies, ""])


def _from_root(include: str, folder: Path, directory: Path) -> str:
    """An include as the merged file, which lies at the root, has to say it."""
    beside = folder / include.strip('"')
    return f'"{beside}"' if include[0] == '"' and (directory / beside).exists() else include
