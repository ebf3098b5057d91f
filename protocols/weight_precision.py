"""Can a synapse hold a number? Graded weights set by counting pairings against binary ones.

C. Simon, "The importance of precise synapse weights", asks whether a weight can be precise: 256
levels, each pairing worth one of them, would take a full second to set; plasticity scatters; the
start is unknown; every use disturbs the value. A binary weight, set by one burst of five and read
by another, would do without all that. Here numbers are written by pair STDP in spikes, many
synapses, each onto a leaky integrate-and-fire neuron of its own, in one compiled run; they are left
to background activity, and read. Plasticity takes the spikes that the neurons really fire, made to
by a strong second input, or by the synapse where it is strong enough:

    graded                the weight is driven to 0, then as many pairings as the level says
    graded-unknown-start  counted from where it happens to be
    graded-in-budget      like graded, with as many levels as the budget of time has pairings for
    binary                one burst of five pairings; read by a burst through a neuron

Closed forms beside all of it: `synsim.predict.precision`, `.burst`, `.disturbance` and
`.information`. The
defaults are the numbers of the article; time constants are those of Bi & Poo 2001, and pairings
5 a second, since at 250 a second a count is out by more than the whole range.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import Parameters, option, parameter
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.lif import LIF
from synsim.models.pair_stdp import BI_POO_2001
from synsim.predict.disturbance import KEMPTER, RUBIN
from synsim.predict.information import GRASSBERGER, STRONG
from synsim.protocol import Result, Running
from synsim.writing import plot as plots
from synsim.writing.claims import claims
from synsim.writing.reader import Reader
from synsim.writing.rows import all_rows
from synsim.writing.run import measure
from synsim.writing.writer import Writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "weight-precision"
SIMON = "C. Simon, The importance of precise synapse weights (the claims put to the test)"
_SLOWEST = 0.05  # Hz, of the background
_MOST_PAIRINGS = 100_000_000
_LEAST_COPIES = 1024


class Settings(Parameters):
    """What is written, how, and what happens to it."""

    levels: NDArray[np.float64] = values(
        "1", "levels of a graded weight", default="4,16,64,256", low=2, high=4096, integer=True
    )
    scatter_cv: NDArray[np.float64] = values(
        "1", "CV of the change from pairing to pairing", default="0,0.1,0.3", low=0
    )
    gain_cv: float = parameter(
        "1", "CV of the change between synapses, the same for all its pairings", default=0.0, low=0
    )
    rate: float = parameter(
        "Hz", "pairings per second of graded weights", default="5Hz", low=0, low_open=True
    )
    budget: float = parameter(
        "ms", "time to write for graded-in-budget", default="1000ms", low=0, low_open=True
    )
    budget_rates: NDArray[np.float64] = values(
        "Hz",
        "pairings per second at which that time is used, and at which counting is checked",
        default="5Hz,10Hz,20Hz,50Hz,100Hz,250Hz",
        low=0,
        low_open=True,
    )
    lag: float = parameter(
        "ms", "lag of a pairing, up; down it is minus that", default="2ms", low=0, low_open=True
    )
    tau_plus: float = parameter("ms", "LTP time constant", default="16.8ms", low=0, low_open=True)
    tau_minus: float = parameter("ms", "LTD time constant", default="33.7ms", low=0, low_open=True)
    burst: int = parameter(
        "1", "pairings that write a bit, and spikes that read", default=5, low=1, high=100,
        integer=True,
    )  # fmt: skip
    burst_rate: float = parameter(
        "Hz", "pairings per second of that burst", default="100Hz", low=0, low_open=True
    )
    binary_step: float = parameter(
        "1", "change of a binary weight by one separate pairing", default=0.2, low=0, high=1,
        low_open=True,
    )  # fmt: skip
    read_threshold: float = parameter(
        "1", "weight from which a burst makes the neuron fire", default=0.2, low=0, high=1,
        low_open=True, high_open=True,
    )  # fmt: skip
    read_rate: float = parameter(
        "Hz", "spikes per second of the burst that reads", default="200Hz", low=0, low_open=True
    )
    response: float = parameter(
        "mV",
        "response of the neuron to a spike at a graded weight of 1 (of a bit: what reading needs)",
        default="1mV", low=0,
    )  # fmt: skip
    t_ref: float = parameter(
        "ms", "refractory period of the neuron (lif-vogels-abbott-2005 otherwise)", default="2ms",
        low=0,
    )  # fmt: skip
    release: str = option(
        ("mean-field", "binomial"),
        "reading without noise, or by n sites that release with p",
        default="mean-field",
    )
    n: int = parameter(
        "1", "release sites, with --release binomial", default=5, low=1, high=1000, integer=True
    )
    p: float = parameter(
        "1", "release probability, with --release binomial", default=0.5, low=0, high=1,
        low_open=True,
    )  # fmt: skip
    background: float = parameter(
        "Hz", "rate of background spikes, presynaptic and postsynaptic", default="1Hz", low=0
    )
    repeats: int = parameter(
        "1", "times each level is written (more where there are few levels)", default=32, low=4,
        integer=True,
    )  # fmt: skip
    time_step: float = parameter(
        "ms", "grid that spike times are put on", default="0.5ms", low=1e-6
    )

    def check(self) -> None:
        for name in ("levels", "scatter_cv", "budget_rates"):
            array = getattr(self, name)
            alike = np.flatnonzero(np.diff(np.sort(array)) == 0)
            if alike.size:
                self._refuse(name, f"found {np.sort(array)[alike[0]]:g} twice, expected it once")
        lag = int(on_grid(self.lag, self.time_step))
        if lag < 1:
            self._refuse(
                "lag", f"found {self.text('lag')}, expected at least half of the time step of "
                f"{self.text('time_step')}",
            )  # fmt: skip
        dead = self.writer().dead_time
        for name in ("rate", "burst_rate", "budget_rates", "read_rate"):
            fastest = float(np.max(getattr(self, name)))
            period = on_grid(1 / fastest, self.time_step)
            if name != "read_rate" and period <= lag:
                self._refuse(
                    name, f"found {fastest:g} Hz, expected a period longer than the lag of "
                    f"{self.text('lag')}",
                )  # fmt: skip
            if name != "read_rate" and period * self.time_step <= dead * (1 + 1e-9):
                self._refuse(
                    name, f"found {fastest:g} Hz, expected a period longer than the refractory "
                    f"period of {self.text('t_ref')} and a time step",
                )  # fmt: skip
            if period < 1:
                self._refuse(
                    name, f"found {fastest:g} Hz, expected at most one spike in a time step of "
                    f"{self.text('time_step')}",
                )  # fmt: skip
        if 0 < self.background < _SLOWEST:
            self._refuse(
                "background", f"found {self.text('background')}, expected 0 Hz or at least "
                f"{_SLOWEST:g} Hz: the slower the background, the longer it is simulated",
            )  # fmt: skip
        if self.background * self.time_step > 0.1:
            self._refuse(
                "background", f"found {self.text('background')}, expected at most a tenth of a "
                f"spike in a time step of {self.text('time_step')}",
            )  # fmt: skip
        needed = sum(
            len(self.scatter_cv) * self.copies(int(n)) * 2.0 * n * (1 + np.max(self.scatter_cv))
            for n in self.levels
        )
        if needed > _MOST_PAIRINGS:
            self._refuse(
                "repeats", f"found {self.repeats} with {int(np.max(self.levels))} levels, about "
                f"{needed:.2g} pairings, expected at most {_MOST_PAIRINGS:.0e}: fewer of either",
            )  # fmt: skip

    def _refuse(self, name: str, problem: str) -> None:
        raise FieldError(type(self).__name__, name, problem)

    def copies(self, levels: int) -> int:
        """Copies of a row: each level as often as any other."""
        return levels * max(self.repeats, -(-_LEAST_COPIES // levels))

    def period(self, rate: float) -> int:
        """Time steps from pairing to pairing."""
        return int(on_grid(1 / rate, self.time_step))

    def writer(self) -> Writer:
        return Writer(
            self.tau_plus,
            self.tau_minus,
            int(on_grid(self.lag, self.time_step)),
            self.time_step,
            self._neuron(),
            self.gain_cv,
            *self._sites(),
        )

    def reader(self) -> Reader:
        return Reader(
            self._neuron(),
            self.burst,
            self.period(self.read_rate),
            self.read_threshold,
            self.time_step,
            *self._sites(),
        )

    def _neuron(self) -> LIF:
        return LIF.preset("lif-vogels-abbott-2005", t_ref=f"{self.t_ref!r}s")

    def _sites(self) -> tuple[int | None, float]:
        return (self.n, self.p) if self.release == "binomial" else (None, 1.0)


class Outcome(Result):
    """One row per scheme, number of levels and scatter.

    Columns scheme, levels, scatter_cv; pairings, the most that a number takes, with the reset;
    write_time_ms, from the first spike to the last of the number that takes longest; rms_error of
    what is read, between 0 and 1 (of a bit: 0 or 1); bits, the mutual information between the level
    meant and the level read; retention_s under background activity, until the rms error of the
    weight is half a level (of a bit: until 31.7 % are misread, as often as a normal error of that
    size passes half a level), 0 where it is at once, empty where it does not come to that.
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Bits against write time."""
        ax = style.axes(ax, width_mm=110, height_mm=80)
        return plots.draw_bits(ax, self)

    @style.styled
    def figure(self) -> Figure:
        """Bits against time; at the same write time; scatter; rate; and what is kept."""
        return plots.figure(self)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Write, hold and read.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per scheme, number of levels and scatter
    """
    running = running or Running()
    rows = all_rows(settings, running.seed)
    measured = measure(settings, rows, running)
    writer = settings.writer()
    columns: dict[str, Any] = {
        "scheme": [row.scheme for row in rows],
        "levels": np.array([row.levels for row in rows]),
        "scatter_cv": np.array([row.scatter_cv for row in rows]),
        "pairings": np.array([row.pairings for row in rows]),
        "write_time_ms": np.round([one.write_time * 1e3 for one in measured.rows], 9),
        "rms_error": np.array([one.rms_error for one in measured.rows]),
        "bits": np.array([one.information.bits for one in measured.rows]),
        "retention_s": np.array([one.retention for one in measured.rows]),
    }
    reader = settings.reader()
    return Outcome(
        settings=settings,
        columns=columns,
        results=measured.numbers | claims(settings, rows, measured),
        conventions=writer.rule().conventions
        | {
            "levels": "k/L, k = 0 .. L - 1; a separate pairing at the lag moves by 1/L",
            "write time": "from the first spike to the last, those of the reset included",
            "neuron": f"{reader.neuron.name}, refractory for {settings.text('t_ref')}; it fires a "
            f"step after what drives it, here a second input of {writer.kick * 1e3:g} mV or the "
            "synapse itself; plasticity takes its own spikes",
            "bits": "Grassberger's entropies, extrapolated from halves; each level meant as often",
            "reading": f"{settings.release}; a bit by whether the neuron fires at {reader.spikes} "
            f"spikes at {settings.text('read_rate')}, response at w = 1 "
            f"{reader.q * 1e3:.4g} mV, so that it does from w = {settings.read_threshold:g}; "
            "plasticity rests meanwhile",
            "retention": "Poisson spikes of the synapse and of the second input, from rest",
        },
        citations=(SIMON, *writer.synapse().citations, *map(str, (BI_POO_2001, KEMPTER, RUBIN,
                   GRASSBERGER, STRONG, *LIF.citations))),
        seed=running.seed,
        backend=measured.backend,
        threads=measured.threads,
        warnings=(*_notes(settings), *measured.warnings),
    )  # fmt: skip


def _notes(settings: Settings) -> list[str]:
    step, notes = settings.time_step, []
    for name in ("rate", "burst_rate", "budget_rates"):
        for rate in np.atleast_1d(getattr(settings, name)).tolist():
            ran = 1 / (settings.period(rate) * step)
            if abs(ran / rate - 1) > 1e-9:
                notes.append(
                    f"the period of {name} {rate:g} Hz was put on the grid of "
                    f"{settings.text('time_step')}: it ran at {ran:.6g} Hz"
                )
    ran = float(on_grid(settings.lag, step)) * step
    if abs(ran - settings.lag) > 1e-6 * step:
        notes.append(
            f"the lag {settings.text('lag')} was put on the grid of {settings.text('time_step')}: "
            f"it ran as {ran * 1e3:.9g} ms"
        )
    return notes


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
