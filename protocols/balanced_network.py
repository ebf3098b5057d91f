"""A balanced network of excitatory and inhibitory neurons with plastic, unreliable synapses.

Leaky integrate-and-fire neurons, four fifths of them excitatory, each with a fixed number of inputs
from excitatory neurons, a quarter as many from inhibitory ones, and a Poisson drive (Brunel 2000,
model A, neurons of preset lif-brunel-2000). The synapses of excitatory neurons are whatever the
settings say: quantal release, facilitation, depression, STDP (between excitatory neurons; onto
inhibitory ones they are the same, without STDP). Inhibitory and external synapses are reliable:

    J = mean response of an excitatory synapse at rest (w0 n p q)
    an inhibitory spike gives -g J (--inhibition), an external event J
    all external events of a neuron together: eta (--drive) times (V_th - E_L)/(tau_m J) a second,
    so that eta = 1 reaches threshold in the mean

Rates, the CV of intervals and the synchrony are those of the simulation; rate and CV stand beside
their mean field (`synsim.predict.balanced`), in which release noise is noise of the input. Each
excitatory spike's costs (calcium, recycling of vesicles, postsynaptic currents; Attwell & Laughlin
2001) are metered at every excitatory synapse.

Connections are made in compiled code, spikes are read while they are written: memory does not grow
with --duration. A synapse without state takes 8 bytes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.activity import Activity
from synsim.component import option, parameter
from synsim.component.errors import FieldError, InputError
from synsim.component.spike_trains import LAST_STEP, on_grid
from synsim.component.units import show
from synsim.engine.recurrent import Drive, Job, Projection, Ran, Recurrent
from synsim.models.energy import ATTWELL_LAUGHLIN, EnergyCost
from synsim.models.energy_calcium import CalciumEfflux
from synsim.models.energy_postsynaptic import PostsynapticCurrents
from synsim.models.energy_recycling import Recycling
from synsim.models.lif import BRUNEL, LIF
from synsim.models.pair_stdp import PlasticityRule
from synsim.predict import balanced
from synsim.protocol import Result, Running
from synsim.settings import mechanism
from synsim.synapse import Synapse
from synsim.synapse_settings import SynapseSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "balanced-network"
SHOWN = (80, 20)  # excitatory and inhibitory neurons in the raster
WINDOW = 0.2  # s, of the raster


class Settings(SynapseSettings):
    """A network, its excitatory synapses, and how long it runs."""

    release: str = option(
        ("mean-field", "binomial", "sites"),
        "mean release without noise; binomial; or sites that empty and refill",
        default="binomial",
    )
    q: float = parameter(("mV",), "response to one quantum", default="0.4mV", low=0, low_open=True)
    delay: float = parameter("ms", "delay of all synapses of the network", default="1.5ms", low=0)
    rule: PlasticityRule | None = mechanism(
        "plasticity",
        "long-term rule between excitatory neurons; its parameters are settings too",
        default=None,
        optional=True,
    )
    neurons: int = parameter(
        "1", "neurons, four fifths of them excitatory", default=5000, low=50, high=10_000_000,
        integer=True,
    )  # fmt: skip
    inputs: int | None = parameter(
        "1",
        "synapses on each neuron from excitatory ones, a quarter of that from inhibitory ones "
        "(a tenth of the excitatory neurons where none is given, 1000 at most)",
        default=None,
        low=4,
        integer=True,
        optional=True,
    )
    inhibition: float = parameter(
        "1", "g, an inhibitory response over an excitatory one", default=5.0, low=0
    )
    drive: float = parameter(
        "1", "eta, the external rate over that which reaches threshold", default=2.0, low=0
    )
    duration: float = parameter("ms", "recorded time", default="1000ms", low=0, low_open=True)
    settle: float = parameter("ms", "time before, not recorded", default="200ms", low=0)
    bin: float = parameter(
        "ms", "in which spikes are counted for the synchrony", default="5ms", low=0, low_open=True
    )
    costs: str = option(
        ("metered", "none"),
        "what excitatory synapses spend; none for less memory and time",
        default="metered",
    )

    def check(self) -> None:
        if self.n < 1:
            raise self._wrong("n", "found 0, expected at least 1 release site")
        if self.release_probability == 0:
            name = "p" if self.U is None else "U"
            raise self._wrong(name, "found 0, expected a value above 0: nothing is transmitted")
        if self.release_probability == 1 and self.costs != "none":
            name = "p" if self.U is None else "U"
            raise self._wrong(
                name,
                "found 1 with costs metered, expected a value below 1: certain release takes "
                "endless calcium (or costs none)",
            )
        if self.s0 is not None:
            raise self._wrong("s0", f"found {self.text('s0')}, expected none: nothing is recorded")
        if self.cv_between > 0:
            raise self._wrong(
                "cv_between", f"found {self.cv_between:g}, expected 0: all synapses are alike"
            )
        for name in ("duration", "bin"):
            if getattr(self, name) < self.time_step:
                raise self._wrong(
                    name,
                    f"found {self.text(name)}, expected a time step ({self.text('time_step')}) "
                    "at least",
                )
        if (self.duration + self.settle) / self.time_step > LAST_STEP:
            raise self._wrong(
                "duration",
                f"found {self.text('duration')}, expected {LAST_STEP} time steps at most",
            )
        if self.excitatory_inputs > self.excitatory - 1:
            raise self._wrong(
                "inputs",
                f"found {self.excitatory_inputs}, expected fewer than the {self.excitatory} "
                "excitatory neurons",
            )
        super().check()
        try:
            self.external().events(self.time_step)
        except InputError as error:
            raise self._wrong("drive", str(error)) from None

    def _wrong(self, field: str, problem: str) -> FieldError:
        return FieldError(type(self).__name__, field, problem)

    @property
    def excitatory(self) -> int:
        """Number of excitatory neurons."""
        return 4 * self.neurons // 5

    @property
    def excitatory_inputs(self) -> int:
        return self.inputs or max(4, min(1000, self.excitatory // 10))

    @property
    def inhibitory_inputs(self) -> int:
        return self.excitatory_inputs // 4

    def resolved(self) -> dict[str, str]:
        found = dict(super().resolved())
        return found if self.inputs else found | {"inputs": str(self.excitatory_inputs)}

    @property
    def neuron(self) -> LIF:
        return LIF.preset("lif-brunel-2000")

    def _costs(self) -> tuple[EnergyCost, ...]:
        if self.costs == "none":
            return ()
        return (
            CalciumEfflux(atp_calcium=3000, p_calcium=0.25, calcium_per="site"),
            Recycling(atp_recycling=1.1e4),
            PostsynapticCurrents(atp_postsynaptic=1.37e5, q_postsynaptic=self.given("q")),
        )

    def excitation(self, *, plastic: bool = True) -> Synapse:
        """Of excitatory neurons: onto excitatory ones, or without the long-term rule."""
        plain = super().synapse()
        arguments: dict[str, Any] = {
            "n": self.n,
            "p": plain.contacts.p,
            "q": self.given("q"),
            "short_term": plain.short_term,
            "release": plain.release,
            "variability": plain.variability,
            "delay": self.given("delay"),
            "target": "v",
            "energy": self._costs(),
        }
        if self.rule is not None and plastic:
            arguments |= self._plasticity()
        elif self.rule is not None:
            # what the rule's weight scales is as it is at the start, for good
            if self.acts_on == "q":
                arguments["q"] = show(self.w0 * self.q, "mV")
            elif self.acts_on == "n":
                arguments["n"] = int(np.floor(self.w0 * self.n + 0.5))
            elif plain.short_term is None:
                arguments["p"] = self.w0 * self.release_probability
            else:
                rule = plain.short_term
                arguments["short_term"] = rule.replace(U=self.w0 * float(rule.U))
        return Synapse(**arguments)

    @property
    def response(self) -> float:
        """J, V: the mean response of an excitatory synapse at rest."""
        return balanced.response_moments(self.excitation(), 0.0).mean

    def reliable(self, response: float) -> Synapse:
        """One site that always releases, with this response (V)."""
        return Synapse(n=1, p=1.0, q=f"{1e3 * response!r}mV", delay=self.given("delay"), target="v")

    def external(self) -> Drive:
        """Of each neuron."""
        J = self.response
        rate = float(balanced.threshold_rate(self.neuron, 1, J))
        return Drive(self.drive * rate, J)

    def network(self) -> Recurrent:
        """Neurons and projections."""
        E, I = self.excitatory, self.neurons - self.excitatory  # noqa: E741
        C, C_I = self.excitatory_inputs, self.inhibitory_inputs
        inhibition = self.reliable(-self.inhibition * self.response)
        if self.rule is None:
            excitation = [Projection("excitatory", self.excitation(), (0, E), (0, E + I), C)]
        else:
            fixed = self.excitation(plastic=False)
            excitation = [
                Projection("excitatory", self.excitation(), (0, E), (0, E), C),
                Projection("onto_inhibitory", fixed, (0, E), (E, I), C),
            ]
        return Recurrent(
            self.neuron,
            E + I,
            (*excitation, Projection("inhibitory", inhibition, (E, I), (0, E + I), C_I)),
        )

    def expected(self) -> balanced.State | None:
        """The asynchronous state; None with a long-term rule and with three states."""
        if self.rule is not None or self.tau_inact is not None:
            return None
        drive = self.external()
        return balanced.asynchronous_state(
            self.neuron,
            [
                balanced.Input(self.excitation(), self.excitatory_inputs),
                balanced.Input(
                    self.reliable(-self.inhibition * self.response), self.inhibitory_inputs
                ),
                balanced.Input(self.reliable(drive.jump), 1, drive.rate),
            ],
        )


class Outcome(Result):
    """One row per neuron.

    Columns neuron, population (excitatory, inhibitory), rate_Hz, cv of its intervals (empty where
    there are fewer than five). The table ``raster`` has the spikes of the last moment: t_ms and
    neuron, of the first neurons of each population; ``energy`` the cost of each mechanism:
    atp_per_s of the whole network and atp_per_spike of an excitatory spike; ``weights``, under
    a long-term rule, bin edges w_from, w_to and the fraction of the weights between.
    """

    protocol = NAME
    settings_type = Settings
    further = ("raster", "energy", "weights")

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Spikes of the last moment."""
        from synsim import activity_plot

        ax = style.axes(ax, width_mm=120, height_mm=70)
        activity_plot.raster(ax, self)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Spikes, rates and intervals, and what the synapses spend or have learned."""
        from synsim import activity_plot

        return activity_plot.figure(self)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the network.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per neuron
    """
    from synsim.engine.recurrent_run import simulate

    running = running or Running()
    dt = settings.time_step
    steps = int(on_grid(settings.duration, dt))
    job = Job(int(on_grid(settings.settle, dt)), steps, dt, running.seed, settings.external())
    window = min(steps, round(WINDOW / dt))
    activity = Activity(
        settings.neurons, settings.excitatory, steps, max(1, int(on_grid(settings.bin, dt))),
        steps - window,
    )  # fmt: skip
    network = settings.network()
    ran = simulate(
        network, job, activity, backend=running.backend, progress=running.progress,
        building=running.building,
    )  # fmt: skip
    recorded = steps * dt
    excited = np.arange(settings.neurons) < settings.excitatory
    results = _results(settings, activity, ran, recorded)
    return Outcome(
        settings=settings,
        columns={
            "neuron": np.arange(settings.neurons),
            "population": ["excitatory" if e else "inhibitory" for e in excited],
            "rate_Hz": activity.count / recorded,
            "cv": activity.cv(),
        },
        results=results,
        conventions=settings.excitation().conventions
        | {
            "connections": "every neuron has the same number of inputs, from different neurons, "
            "none from itself",
            "cv": "standard deviation over mean of a neuron's intervals",
            "synchrony": f"variance over mean of a population's spikes in {settings.text('bin')}",
            "external events": "Poisson, of each neuron its own; lost while it is refractory",
        },
        citations=tuple(
            dict.fromkeys(
                (
                    *settings.excitation().citations,
                    str(BRUNEL),
                    str(balanced.SIEGERT),
                    str(ATTWELL_LAUGHLIN),
                )
            )
        ),
        seed=running.seed,
        backend=ran.backend,
        threads=1,
        warnings=(*settings.delay_notes(), *ran.warnings),
        tables=_tables(settings, activity, ran, recorded),
    )  # fmt: skip


def _results(settings: Settings, activity: Activity, ran: Ran, recorded: float) -> dict[str, Any]:
    E, cv = settings.excitatory, activity.cv()
    found: dict[str, Any] = {
        "synapses": sum(ran.synapses.values()),
        "spikes": int(activity.count.sum()),
        "mean_response_mV": 1e3 * settings.response,
    }
    for name, part, synchrony in zip(
        ("excitatory", "inhibitory"), (slice(0, E), slice(E, None)), activity.synchrony(),
        strict=True,
    ):  # fmt: skip
        known = cv[part][np.isfinite(cv[part])]
        found[f"rate_{name}_Hz"] = float(activity.count[part].mean() / recorded)
        found[f"cv_{name}"] = float(known.mean()) if known.size else float("nan")
        found[f"synchrony_{name}"] = synchrony
    expected = settings.expected()
    if expected is not None:
        found |= {"rate_mean_field_Hz": expected.rate, "cv_mean_field": expected.cv}
    for name, weights in ran.weights.items():
        found |= {f"weight_mean_{name}": weights.mean, f"weight_sd_{name}": weights.sd}
    return found


def _tables(settings: Settings, activity: Activity, ran: Ran, recorded: float) -> dict[str, Any]:
    steps, neurons = activity.spikes()
    first = settings.excitatory
    shown = (neurons < SHOWN[0]) | ((neurons >= first) & (neurons < first + SHOWN[1]))
    tables: dict[str, Any] = {
        "raster": {
            "t_ms": np.round(steps[shown] * settings.time_step * 1e3, 6),
            "neuron": neurons[shown].astype(np.int64),
        }
    }
    spent: dict[str, float] = {}
    for costs in ran.energy.values():
        for key, atp in costs.items():
            spent[key] = spent.get(key, 0.0) + atp
    if spent:
        spikes = max(int(activity.count[:first].sum()), 1)
        tables["energy"] = {
            "mechanism": list(spent),
            "atp_per_s": np.array(list(spent.values())) / recorded,
            "atp_per_spike": np.array(list(spent.values())) / spikes,
        }
    for weights in ran.weights.values():
        edges = np.linspace(0, 1, len(weights.counts) + 1)
        tables["weights"] = {
            "w_from": edges[:-1],
            "w_to": edges[1:],
            "fraction": weights.counts / max(weights.counts.sum(), 1),
        }
    return tables


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
