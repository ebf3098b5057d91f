"""Pair-based spike-timing-dependent plasticity, by traces or times of last spikes.

    dw = +a_plus  (1 - w)^mu_plus  exp(-dt / tau_plus)     for dt > 0   (LTP, at the post spike)
    dw = -a_minus w^mu_minus       exp( dt / tau_minus)    for dt < 0   (LTD, at the pre spike)

with dt = t_post - t_pre, both as they arrive at the synapse. Which pairs count (`pairing`):

    all-to-all           every pre spike with every post spike
    nearest-symmetric    each spike with the nearest preceding spike of the other side (7A)
    nearest-pre-centred  LTD with the nearest post spike; LTP of a post spike with all pre
                         spikes since the previous post spike (7B)
    nearest-reduced      nearest, and only if no spike of its own side lies between (7C)

7A-C are the panels of Fig. 7 of Morrison, Diesmann & Gerstner 2008.

Symbols
    w            1     weight, in units of its upper bound; in [0, 1] when bounds are hard
    a_plus       1     LTP of ONE pairing at dt -> 0 (a fit to a window gives the whole protocol's)
    a_minus      1     LTD of one pairing, positive
    tau_plus     time  LTP time constant
    tau_minus    time  LTD time constant
    mu_plus      1     weight dependence of LTP: 0 additive, 1 multiplicative
    mu_minus     1     weight dependence of LTD
    scatter_cv   1     scatter of the changes: each is multiplied by 1 + scatter_cv xi, xi a fresh
                       standard normal number; 0, the default, draws nothing
    pre_trace    1     sum over pre spikes that count of exp(-(t - t_pre)/tau_plus), at pre_time
    post_trace   1     the same over post spikes, with tau_minus, at post_time

Coincident spikes (dt = 0), `coincident`:

    none        the two do not pair; each pairs with the next earlier partner. "Between" and
                "since" are meant strictly: a spike at the same time is not between
    pre-first   the pre spike counts as earlier: dt -> 0 from above, LTP
    post-first  the post spike counts as earlier: LTD

Under `none`, at one time stamp the pre spike's LTD is applied before the post spike's LTP.

Bounds: hard clips w to [0, 1] after every change; none is for the additive rule only
(mu = 0), where it keeps the change linear.

Scatter is drawn once for each update: for all that one spike changes, which is one pairing
where pairings are further apart than the time constants. N updates in a row, additive and
clear of the bounds, then have the mean of N changes and the variance scatter_cv^2 times the sum
of their squares. Above a scatter_cv of about 0.3 some changes come out with the wrong sign.

Sources: Song, Miller & Abbott 2000, Nat Neurosci 3:919 (additive); Gütig, Aharonov, Rotter
& Sompolinsky 2003, J Neurosci 23:3697 (power law, their eqs 1-3); Morrison, Diesmann &
Gerstner 2008, Biol Cybern 98:459 (pairing schemes, Fig. 7).
Deviates from them: Gütig et al. share one exponent mu; here each branch has its own.
The scatter is none of theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, Mechanism, Preset, option, parameter
from synsim.component.code import LONG_AGO, NORMAL, CodeFunction, Fragment, State
from synsim.component.errors import FieldError

SONG = Citation("Song, Miller & Abbott 2000, Nat Neurosci 3:919", "10.1038/78829")
GUTIG = Citation(
    "Gütig, Aharonov, Rotter & Sompolinsky 2003, J Neurosci 23:3697",
    "10.1523/JNEUROSCI.23-09-03697.2003",
)
MORRISON = Citation(
    "Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459", "10.1007/s00422-008-0233-1", "Fig. 7"
)
BI_POO_2001 = Citation("Bi & Poo 2001, Annu Rev Neurosci 24:139", "10.1146/annurev.neuro.24.1.139")


def _numpy_power(base: Any, exponent: Any) -> NDArray[np.float64]:
    return np.power(np.maximum(base, 0.0), exponent)


POWER_LAW = CodeFunction(
    name="power_law",
    arguments=("base", "exponent"),
    numpy=_numpy_power,
    # The two common exponents are told apart because pow costs more than all the rest.
    cpp="""
    static inline double power_law(const double base, const double exponent)
    {
        if (exponent == 0.0)
            return 1.0;
        if (exponent == 1.0)
            return base > 0.0 ? base : 0.0;
        return base > 0.0 ? pow(base, exponent) : 0.0;
    }
    """,
    cython="""
    cdef double power_law(double base, double exponent):
        if exponent == 0.0:
            return 1.0
        if base <= 0.0:
            return 0.0
        return base if exponent == 1.0 else base ** exponent
    """,
)

PAIRINGS = ("all-to-all", "nearest-symmetric", "nearest-pre-centred", "nearest-reduced")
COINCIDENT = ("none", "pre-first", "post-first")


class PlasticityRule(Mechanism):
    """Base of long-term rules: statements that change ``w`` at pre and post spikes."""

    role = "plasticity"

    @property
    def bounded(self) -> bool:
        """Whether w stays in [0, 1]; a rule that lets it leave says so."""
        return True

    @property
    def post_first(self) -> bool:
        """Whether, at one time stamp, the postsynaptic spike is worked off first."""
        return False

    @property
    def conventions(self) -> dict[str, str]:
        """The switches of this rule, in words, for the record."""
        return {}

    def learn(self) -> Fragment:
        """Statements; they may read ``pre_time`` and ``post_time``, which the synapse keeps."""
        raise NotImplementedError


class PairSTDP(PlasticityRule):
    """Pair-based STDP with any pairing scheme and power-law weight dependence."""

    name = "pair"
    citations = (SONG, GUTIG, MORRISON)
    presets = MappingProxyType(
        {
            "song-2000": Preset(
                {"a_plus": 0.005, "a_minus": 0.00525, "tau_plus": "20ms", "tau_minus": "20ms"},
                SONG,
                "A-/A+ = 1.05; additive, hard bounds, all-to-all",
            ),
            "bi-poo-2001": Preset(
                {
                    "a_plus": 0.777 / 60 / 2,
                    "a_minus": 0.273 / 60 / 2,
                    "tau_plus": "16.8ms",
                    "tau_minus": "33.7ms",
                },
                BI_POO_2001,
                "the published amplitudes .777 and -.273 are those of 60 pairings on the relative "
                "change; here they are divided by 60 and by 2, since w starts at 0.5. The times "
                "are certain, the amplitudes are to be checked against the paper",
            ),
        }
    )

    a_plus: float = parameter("1", "LTP of one pairing at lag 0", low=0, array=True)
    a_minus: float = parameter("1", "LTD of one pairing at lag 0, positive", low=0, array=True)
    tau_plus: float = parameter("ms", "LTP time constant", low=0, low_open=True, array=True)
    tau_minus: float = parameter("ms", "LTD time constant", low=0, low_open=True, array=True)
    mu_plus: float = parameter(
        "1", "weight dependence of LTP: 0 additive, 1 multiplicative", default=0.0, low=0
    )
    mu_minus: float = parameter(
        "1", "weight dependence of LTD: 0 additive, 1 multiplicative", default=0.0, low=0
    )
    scatter_cv: float = parameter(
        "1", "CV of each change of the weight, normal", default=0.0, low=0, array=True
    )
    pairing: str = option(PAIRINGS, "which pairs of spikes count", default="all-to-all")
    bounds: str = option(("hard", "none"), "of the weight: [0, 1] or none", default="hard")
    coincident: str = option(COINCIDENT, "pre and post spike at the same time", default="none")

    def check(self) -> None:
        if not self.bounded and (self.mu_plus != 0 or self.mu_minus != 0):
            raise FieldError(
                "PairSTDP",
                "bounds",
                "found none with mu_plus or mu_minus above 0, expected hard: "
                "a weight-dependent rule is defined on [0, 1]",
            )

    @property
    def bounded(self) -> bool:
        return self.bounds == "hard"

    @property
    def post_first(self) -> bool:
        return self.coincident == "post-first"

    @property
    def scattered(self) -> bool:
        """Whether changes scatter."""
        return bool(np.any(np.asarray(self.scatter_cv) > 0))

    @property
    def idle(self) -> tuple[str, ...]:
        return () if self.scattered else ("scatter_cv",)

    @property
    def conventions(self) -> dict[str, str]:
        said = {
            "pairing": self.pairing,
            "bounds": "w in [0, 1], clipped" if self.bounded else "none",
            "coincident spikes": self.coincident,
        }
        if self.scattered:
            said["scatter"] = "normal, drawn for each update: all that one spike changes"
        return said

    def learn(self) -> Fragment:
        scheme = {
            "all-to-all": self._all_to_all,
            "nearest-symmetric": self._nearest_symmetric,
            "nearest-pre-centred": self._nearest_pre_centred,
            "nearest-reduced": self._nearest_reduced,
        }[self.pairing]
        states, ltd, after_pre, before_ltp, ltp, after_post = scheme()
        scatter = "*(1 + scatter_cv*fresh_normal(j))" if self.scattered else ""
        depress = f"w - a_minus*power_law(w, mu_minus)*{ltd}{scatter}"
        potentiate = f"w + a_plus*power_law(1 - w, mu_plus)*{ltp}{scatter}"
        if self.bounded:
            depress, potentiate = f"clip({depress}, 0, 1)", f"clip({potentiate}, 0, 1)"
        return Fragment(
            states=states,
            on_pre="\n".join(filter(None, (f"w = {depress}", after_pre))),
            on_post="\n".join(filter(None, (before_ltp, f"w = {potentiate}", after_post))),
            functions=(POWER_LAW, NORMAL) if self.scattered else (POWER_LAW,),
        )

    # Each scheme returns its states; the LTD factor and the bookkeeping of a pre spike (with
    # pre_time still that of the spike before); then what precedes LTP, the LTP factor and the
    # bookkeeping of a post spike. A pre spike runs before a coincident post spike (after it,
    # under post-first), so LTD never sees the coincident post spike, but LTP may have
    # to leave the coincident pre spike out.

    def _all_to_all(self) -> tuple[tuple[State, ...], str, str, str, str, str]:
        apart = " - int(pre_time == t)" if self.coincident == "none" else ""
        return (
            (_PRE_TRACE, _POST_TRACE),
            "post_trace*exp(-(t - post_time)/tau_minus)",
            "pre_trace = 1 + pre_trace*exp(-(t - pre_time)/tau_plus)",
            "",
            f"(pre_trace*exp(-(t - pre_time)/tau_plus){apart})",
            "post_trace = 1 + post_trace*exp(-(t - post_time)/tau_minus)",
        )

    def _nearest_symmetric(self) -> tuple[tuple[State, ...], str, str, str, str, str]:
        states, keep, partner = self._partner()
        return (
            states,
            "exp(-(t - post_time)/tau_minus)",
            keep,
            partner,
            "exp(-(t - partner_time)/tau_plus)",
            "",
        )

    def _nearest_pre_centred(self) -> tuple[tuple[State, ...], str, str, str, str, str]:
        none = self.coincident == "none"
        return (
            (_PRE_TRACE,),
            "exp(-(t - post_time)/tau_minus)",
            "pre_trace = 1 + pre_trace*exp(-(t - pre_time)/tau_plus)",
            "",
            f"(pre_trace*exp(-(t - pre_time)/tau_plus){' - int(pre_time == t)' if none else ''})",
            f"pre_trace = {'int(pre_time == t)' if none else '0'}",
        )

    def _nearest_reduced(self) -> tuple[tuple[State, ...], str, str, str, str, str]:
        states, keep, partner = self._partner()
        # A spike of one's own side at the partner's very time lies between only where the
        # coincidence convention puts it after the partner.
        pre_blocks = ">" if self.coincident == "post-first" else ">="
        post_blocks = "<" if self.coincident == "pre-first" else "<="
        return (
            states,
            f"int(post_time {pre_blocks} pre_time)*exp(-(t - post_time)/tau_minus)",
            keep,
            partner,
            f"int(post_time {post_blocks} partner_time)*exp(-(t - partner_time)/tau_plus)",
            "",
        )

    def _partner(self) -> tuple[tuple[State, ...], str, str]:
        """The pre spike that a post spike pairs with: not the coincident one, under `none`."""
        if self.coincident != "none":
            return (), "", "partner_time = pre_time"
        earlier = State("earlier_pre_time", "pre spike before the last", "second", LONG_AGO)
        return (
            (earlier,),
            "earlier_pre_time = pre_time",
            "partner_time = pre_time + int(pre_time == t)*(earlier_pre_time - pre_time)",
        )


_PRE_TRACE = State("pre_trace", "trace of pre spikes, as it stood at pre_time")
_POST_TRACE = State("post_trace", "trace of post spikes, as it stood at post_time")


def window(lag: ArrayLike, a_plus: float, a_minus: float, tau_plus: float, tau_minus: float) -> Any:
    """Additive change of w by one isolated pair at `lag` = t_post - t_pre; 0 at lag 0."""
    lag = np.asarray(lag, dtype=float)
    ltp = a_plus * np.exp(-np.abs(lag) / tau_plus)
    ltd = -a_minus * np.exp(-np.abs(lag) / tau_minus)
    return np.where(lag > 0, ltp, np.where(lag < 0, ltd, 0.0))


def repeated_pairing(
    lag: ArrayLike,
    period: float,
    n_pairs: int,
    a_plus: float,
    a_minus: float,
    tau_plus: float,
    tau_minus: float,
) -> Any:
    """Change of w after N pairs, one every `period`: additive rule, all-to-all, no bounds.

    The sum over m = -(N-1) .. N-1 of (N - |m|) W(lag + m period), with W the `window`.
    Coincident spikes do not pair.

    Parameters
    ----------
    lag : any shape, in the unit of the time constants
    """
    lag = np.asarray(lag, dtype=float)
    # Pairs m periods apart fade as exp(-m period/tau): beyond 60 time constants they are
    # below 1e-26 of the first and left out.
    reach = int(np.ceil((60 * max(tau_plus, tau_minus) + np.max(np.abs(lag), initial=0)) / period))
    m = np.arange(-min(n_pairs - 1, reach), min(n_pairs - 1, reach) + 1)
    shifted = lag[..., None] + m * period
    # m * period is rounded: a lag that is a whole number of periods must still be coincident
    shifted = np.where(np.abs(shifted) < 1e-9 * period, 0.0, shifted)
    return np.sum(
        (n_pairs - np.abs(m)) * window(shifted, a_plus, a_minus, tau_plus, tau_minus), axis=-1
    )
