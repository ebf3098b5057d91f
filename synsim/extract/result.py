"""The result of `extract`: amplitudes for the fits, averages, what was chosen, the figure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import Citation, InputError
from synsim.extract.episodes import Episode
from synsim.extract.measure import Windows
from synsim.extract.options import as_text
from synsim.extract.peaks import Measured
from synsim.extract.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

NEO = Citation("Garcia et al. 2014, Front Neuroinform 8:10")
NWB = Citation("Rübel et al. 2022, eLife 11:e78362")

CONVENTIONS = {
    "sign": "amplitudes keep the sign of the recording: inward currents are negative",
    "amplitude": "mean of the samples around the peak, minus the baseline; see chosen",
    "t_ms": "since the first stimulus of the sweep",
    "failure": "1 where the amplitude is below threshold x SD of the noise, in the direction of "
    "the responses",
    "failure_rate_doubled": "twice the share of amplitudes beyond 0 the other way: failures "
    "scatter evenly around 0",
    "sem": "SD over sweeps / sqrt(n)",
}


@dataclass(frozen=True, eq=False)
class Extracted:
    """Measured responses.

    Attributes
    ----------
    recording : the file
    episodes : sweeps that were measured, with the times of their stimuli
    patterns : pattern of stimulation of each of them
    measured : Measured, sweep after sweep
    unit : of the amplitudes, mV or pA
    chosen : what was taken for what, and how that was decided
    warnings : list of str, what to mind
    """

    recording: Recording
    episodes: tuple[Episode, ...]
    patterns: tuple[str, ...]
    windows: Windows
    unit: str
    measured: Measured
    chosen: dict[str, dict[str, Any]]
    left_out: tuple[int, ...]
    cell: str | None
    protocol: str | None
    settings: dict[str, Any]
    warnings: list[str]

    @property
    def sizes(self) -> list[int]:
        """Stimuli of each sweep."""
        return [e.times.size for e in self.episodes]

    def per_sweep(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values of all responses, cut into sweeps."""
        return np.split(values, np.cumsum(self.sizes)[:-1])

    def _labels(self) -> dict[str, list[str]]:
        """Columns that are the same for a whole sweep, one entry per sweep."""
        labels: dict[str, list[str]] = {}
        if self.cell is not None:
            labels["cell"] = [self.cell] * len(self.episodes)
        several = len(set(self.patterns)) > 1
        if self.protocol is not None:
            tail = [f" ({p})" if several else "" for p in self.patterns]
            labels["protocol"] = [self.protocol + t for t in tail]
        elif several:
            labels["protocol"] = list(self.patterns)
        return labels

    def columns(self) -> dict[str, list[Any]]:
        """One entry per response, sweep after sweep: what `fit quantal` reads."""
        table: dict[str, list[Any]] = {
            name: [v for v, size in zip(values, self.sizes, strict=True) for _ in range(size)]
            for name, values in self._labels().items()
        }
        each = self.episodes
        table["sweep"] = [e.number for e in each for _ in e.times]
        table["pulse"] = [i + 1 for e in each for i in range(e.times.size)]
        table["t_ms"] = [_ms(t - e.times[0]) for e in each for t in e.times]
        table[f"amplitude_{self.unit}"] = self.measured.amplitude.tolist()
        if self.measured.failure is not None:
            table["failure"] = self.measured.failure.astype(int).tolist()
        table["latency_ms"] = [_ms(lag) for lag in self.measured.lag]
        return table

    def averages(self) -> dict[str, list[Any]]:
        """One entry per pulse of each pattern: what `fit stp` reads.

        Columns cell and protocol as in the responses; pulse, t_ms (mean over sweeps), amplitude,
        sem and sd (where every pulse has two sweeps or more), n, failure_rate.
        """
        names = {k: v for k, v in self._labels().items()}
        amplitude = self.per_sweep(self.measured.amplitude)
        failure = None if self.measured.failure is None else self.per_sweep(self.measured.failure)
        kinds = list(dict.fromkeys(self.patterns))
        members = {k: [i for i, p in enumerate(self.patterns) if p == k] for k in kinds}
        table: dict[str, list[Any]] = {name: [] for name in (*names, "pulse", "t_ms")}
        value, sem, sd = (f"amplitude{tail}_{self.unit}" for tail in ("", "_sem", "_sd"))
        repeated = min(len(m) for m in members.values()) > 1
        table |= {value: [], **({sem: [], sd: []} if repeated else {}), "n": []}
        table |= {} if failure is None else {"failure_rate": []}
        for sweeps in members.values():
            own = np.array([amplitude[i] for i in sweeps])
            times = np.array([self.episodes[i].times - self.episodes[i].times[0] for i in sweeps])
            pulses = range(own.shape[1])
            for name, labels in names.items():
                table[name] += [labels[sweeps[0]] for _ in pulses]
            table["pulse"] += [i + 1 for i in pulses]
            table["t_ms"] += [_ms(t) for t in times.mean(axis=0)]
            table[value] += own.mean(axis=0).tolist()
            if repeated:
                spread = own.std(axis=0, ddof=1)
                table[sem] += (spread / np.sqrt(len(sweeps))).tolist()
                table[sd] += spread.tolist()
            table["n"] += [len(sweeps) for _ in pulses]
            if failure is not None:
                table["failure_rate"] += np.mean([failure[i] for i in sweeps], axis=0).tolist()
        return table

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per response.

        Columns: cell and protocol where there are such, sweep, pulse, t_ms, the amplitude with
        its unit, failure (0 or 1, where the noise is known), latency_ms.
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    @property
    def results(self) -> dict[str, Any]:
        """Numbers of ``summary.json``."""
        m = self.measured
        sizes = sorted(set(self.sizes))
        unit = self.unit
        fitted = m.decay
        dt_ms = self.episodes[0].trace.dt * 1e3
        return {
            "recording": {
                "file": self.recording.source,
                "sha256": self.recording.sha256,
                "kind": self.recording.kind,
                "notes": list(self.recording.notes),
                "sampling_kHz": 1 / dt_ms,
            },
            "chosen": self.chosen,
            "n_sweeps": len(self.episodes),
            "n_pulses": sizes[0] if len(sizes) == 1 else sizes,
            "n_responses": int(m.amplitude.size),
            "left_out": list(self.left_out),
            "patterns": {p: self.patterns.count(p) for p in dict.fromkeys(self.patterns)},
            f"mean_{unit}": float(m.amplitude.mean()),
            f"noise_sd_{unit}": m.noise,
            f"noise_mean_{unit}": m.noise_mean,
            "noise_places": m.noise_places,
            "failure_rate": None if m.failure is None else float(m.failure.mean()),
            "failure_rate_doubled": m.failure_rate_doubled,
            "tau_decay_ms": None if m.tau is None else m.tau * 1e3,
            "tau_decay_se_ms": None if fitted is None else fitted.se * dt_ms,
            "decay_r2": None if fitted is None else fitted.r2,
            "averages": self.averages(),
        }

    def summary(self) -> str:
        """What was measured and how that was chosen, line by line."""
        m = self.measured
        sizes = sorted(set(self.sizes))
        pulses = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        lines = [
            f"{m.amplitude.size} responses: {len(self.episodes)} sweep(s) of {pulses} pulse(s), "
            f"mean {m.amplitude.mean():.4g} {self.unit}"
        ]
        if m.failure is not None and m.noise is not None:
            lines[0] += (
                f", {100 * m.failure.mean():.3g} % failures (noise {m.noise:.3g} {self.unit})"
            )
        width = max(map(len, self.chosen))
        for name, choice in self.chosen.items():
            value = "not known" if choice["value"] is None else choice["value"]
            lines.append(f"  {name:<{width}}  {value} ({choice['how']})")
        return "\n".join(lines)

    @style.styled
    def plot(self, ax: Axes | None = None, *, pattern: str | None = None) -> Axes:
        """Amplitudes by pulse, with their means; `pattern` is one of `patterns`, or all alike.

        Raises
        ------
        InputError
            when sweeps were stimulated in several ways and `pattern` does not choose one.
        """
        from synsim.extract.plot import draw_amplitudes

        known = list(dict.fromkeys(self.patterns))
        pattern = known[0] if pattern is None and len(known) == 1 else pattern
        if pattern not in known:
            raise InputError(
                f"plot: found pattern={pattern!r}, expected one of {', '.join(known)}; figure() "
                "draws all of them"
            )
        return draw_amplitudes(self, pattern, style.axes(ax))

    def figure(self) -> Figure:
        """Sweeps with the measured points, and amplitudes by pulse."""
        from synsim.extract.plot import figure

        return figure(self)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        from synsim.results import to_csv

        files: dict[str, Any] = {
            "data.csv": to_csv(self.columns()),
            "averages.csv": to_csv(self.averages()),
        }
        if plot:
            from synsim import style

            drawn = self.figure()
            files["figure.png"] = style.writer(drawn, "png")
            files["figure.svg"] = style.writer(drawn, "svg")
        return files

    def save(self, out: str | os.PathLike[str], *, force: bool = False, plot: bool = True) -> Path:
        """Write ``data.csv``, ``averages.csv``, ``summary.json`` and the figure, all or none.

        Raises
        ------
        InputError
            when `out` is in the way and is no earlier result to be replaced with `force`.
        """
        from synsim.results import refuse_existing, summary_document, to_json, write_directory

        refuse_existing(Path(out), force=force)
        packages = {"CSV": ("numpy",), "NWB": ("numpy", "pynwb")}
        document = summary_document(
            command="extract",
            settings={k: as_text(v) for k, v in self.settings.items()},
            conventions=CONVENTIONS,
            results=self.results,
            seed=None,
            backend=None,
            threads=None,
            citations=self.citations,
            warnings=self.warnings,
            packages=packages.get(self.recording.kind, ("numpy", "neo")),
        )
        files: Mapping[str, Any] = {"summary.json": to_json(document), **self.contents(plot=plot)}
        return write_directory(Path(out), files, force=force)

    @property
    def citations(self) -> list[str]:
        """Sources of what read the file."""
        found = {"CSV": [], "NWB": [NWB]}.get(self.recording.kind, [NEO])
        return [str(citation) for citation in found]


def _ms(seconds: float) -> float:
    """Milliseconds without the digits that rounding leaves."""
    return round(float(seconds) * 1e3, 6)
