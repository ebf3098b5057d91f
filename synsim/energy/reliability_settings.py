"""What `reliability-cost` can be told, and the points that follow from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Parameters, option, parameter
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.component.spike_trains import LAST_STEP, on_grid
from synsim.component.units import show
from synsim.energy.reliability_laws import COSTS, LAWS, Points, points
from synsim.models.quantal_variability import QuantalVariability
from synsim.models.tsodyks_markram import TsodyksMarkram
from synsim.synapse import Synapse


class Settings(Parameters):
    """The synapse, what is varied, and how it is measured."""

    mechanism: str = option(
        ("all", *LAWS), "what is paid for reliability, or all of them", default="all"
    )
    mean: float = parameter("mV", "mean response that q keeps", default="1mV", low=0, low_open=True)
    n: int = parameter(
        "1", "release sites where p varies", default=5, low=1, high=LAST_STEP, integer=True
    )
    p: float = parameter("1", "release probability where n varies", default=0.25, low=0, high=1)
    n_values: NDArray[np.int64] = values(
        "1",
        "release sites that are tried: start:stop:step, or with commas",
        default="1,2,3,4,6,8,12,16,24,32,48,64",
        integer=True,
        high=LAST_STEP,
    )
    p_values: NDArray[np.float64] = values(
        "1",
        "release probabilities that are tried: start:stop:step, or with commas",
        default="0.05:0.95:0.1",
        low=0,
        high=1,
    )
    q_max: float | None = parameter(
        "mV",
        "largest quantal size there can be; none for no limit",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.0, low=0
    )
    release: str = option(
        ("binomial", "sites"), "binomial; or sites that empty and refill", default="binomial"
    )
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; turns depression on, p being U",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    tau_facil: float | None = parameter(
        "ms", "decay of facilitation, with --tau-rec", default=None, low=0, optional=True
    )
    rate: float = parameter("Hz", "spikes per second, regular", default="2Hz", low=0, low_open=True)
    repeats: int = parameter("1", "spikes at each point", default=50_000, low=1000, integer=True)
    time_step: float = parameter("ms", "grid that spike times are put on", default="1ms", low=1e-9)

    def check(self) -> None:
        for variable in sorted({LAWS[name].variable for name in self.mechanisms}):
            self._check_sweep(variable)
        if self.tau_facil is not None and self.tau_rec is None:
            raise self._wrong(
                "tau_facil", f"found {self.text('tau_facil')} without tau_rec, expected both"
            )
        if self.release == "sites" and self.tau_rec is None:
            raise self._wrong(
                "release", "found sites without tau_rec, expected the time that refills them"
            )
        if 1 / self.rate < self.time_step * (1 - 1e-9):
            raise self._wrong(
                "rate",
                f"found {self.text('rate')}, expected at most one spike per time step of "
                f"{self.text('time_step')}",
            )
        if self.repeats * self.interval_steps > LAST_STEP / 2:
            raise self._wrong(
                "repeats",
                f"found {self.repeats} at {self.text('rate')}, expected no more than "
                f"{LAST_STEP // 2} time steps of {self.text('time_step')} in all",
            )
        if self.q_max is not None:
            self._check_sizes(self.q_max)

    def _check_sweep(self, variable: str) -> None:
        other = "n" if variable == "p" else "p"
        for name in (f"{variable}_values", other):
            found = np.atleast_1d(getattr(self, name))
            if name.startswith("n"):
                bad, why = found < 1, "no sites release nothing, and no q keeps the mean"
            else:
                bad = (found <= 0) | (found >= 1)
                why = (
                    "at 0 nothing is released and no q keeps the mean, at 1 the cost of calcium "
                    "is infinite and nothing scatters"
                )
            if np.any(bad):
                wanted = "at least 1" if name.startswith("n") else "above 0 and below 1"
                raise self._wrong(
                    name, f"found {found[np.argmax(bad)]:g}, expected values {wanted}: {why}"
                )
        field = f"{variable}_values"
        if len(np.unique(getattr(self, field))) < 3:
            raise self._wrong(
                field, f"found {self.text(field)}, expected at least three different values"
            )

    def _check_sizes(self, most: float) -> None:
        for name in self.mechanisms:
            points = self.points(name)
            if np.any(points.q > most):
                worst = int(np.argmax(points.q))
                n = round(float(points.n[worst]))
                raise self._wrong(
                    "mean",
                    f"found {self.text('mean')}, expected a mean that quanta of at most "
                    f"{self.text('q_max')} can hold: {n} site{'s' if n > 1 else ''} with p = "
                    f"{points.p[worst]:g} need {show(float(f'{points.q[worst]:.4g}'), 'mV')}",
                )

    def _wrong(self, field: str, problem: str) -> FieldError:
        return FieldError(type(self).__name__, field, problem)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms asked for."""
        return tuple(LAWS) if self.mechanism == "all" else (self.mechanism,)

    @property
    def interval_steps(self) -> int:
        """Time steps from spike to spike."""
        return int(on_grid(1 / self.rate, self.time_step))

    @property
    def rate_on_grid(self) -> float:
        """The rate as it runs, Hz."""
        return 1 / (self.interval_steps * self.time_step)

    def synapse(self, p: Any, n: Any = 1, **more: Any) -> Synapse:
        """A synapse with meters and q = 1 mV; p may be an array."""
        rule = None
        if self.tau_rec is not None:
            facil: Any = "0ms" if self.tau_facil is None else self.given("tau_facil")
            rule = TsodyksMarkram(U=p, tau_rec=self.given("tau_rec"), tau_facil=facil)
        scatter = QuantalVariability(cv_within=self.cv_within) if self.cv_within > 0 else None
        return Synapse(
            n=n,
            p=p if rule is None else None,
            q="1mV",
            short_term=rule,
            release=self.release,
            variability=scatter,
            energy=COSTS,
            **more,
        )

    def points(self, name: str, swept: Any = None) -> Points:
        """A mechanism's points in closed form; with other values of its variable for a curve."""
        law = LAWS[name]
        if swept is None:
            swept = self.p_values if law.variable == "p" else self.n_values
        n, p = (self.n, swept) if law.variable == "p" else (swept, self.p)
        return points(law, n, p, self.mean, self.synapse(p), self.rate_on_grid)
