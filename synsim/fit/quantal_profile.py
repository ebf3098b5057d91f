"""Intervals of release parameters from the profile likelihood, over n as well.

A value belongs to the 95 % interval when the likelihood, maximised over all other parameters
and over the whole numbers n, falls short of the greatest by no more than the limit of
`synsim.fit.profile.limit`. Along one parameter the profiles of the n in question overlap; the
interval is from the least to the greatest value that any of them allows. The curvature at their
maxima tells which n may reach farthest; those and the best n are followed
exactly. With few responses the curvature misleads, and a profile may have several maxima: so where
they end, and some way beyond, the other n are asked, and followed as well where a value is not
refused.

The limit of n, and of q as long as more than one n is in question, is that of two parameters held
at once: n and q are decided together. The true q is refused where n comes out wrong for certain,
and where n is right but q is not, each as often as a limit for one parameter allows; with that
limit, q of 60 responses held the truth in 86 to 88 % of simulated experiments, and with this one in
95 % (`docs/validation_fits.md`). Once one n is left, q is a parameter like the others.

A side is None (no limit) where the end is a bound of the range tried, and where it is reached
at the largest n tried and would still move with more. 0 is the natural end of cv, s0 and
tau_facil.

Source: Venzon & Moolgavkar 1988 (the profile); the search along it is our own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.profile import Interval, limit
from synsim.fit.quantal_climb import Fitted, Release, climb, positive

Array = NDArray[Any]

_NATURAL_ZERO = ("cv", "s0", "tau_facil")  # 0 means that there is none of it
_ASKED = 8  # numbers of sites that are asked beyond an end
_BEYOND = (0.03, 0.5)  # of the way from the estimate to the end: where they are asked
_CLOSE = 0.02  # of the root of the deviance: nearer to the limit than that is no farther
_FEW = 4  # steps, after which one is given up that is
_FAR = 0.3  # of the root of the deviance beyond the limit
_HOPE = 3.0  # times what a Newton step promises
_TURNS = 20
_STILL_MOVES = 0.18  # in logarithms, for each e-fold of n on the last step to the largest n


def intervals(
    release: Release,
    found: Mapping[int, Fitted],
    k: int,
    decided: bool,
    open_n: bool,
    exact: bool = True,
) -> dict[str, Interval]:
    """Intervals of all estimated parameters except n.

    Parameters
    ----------
    found : the maxima at all n tried
    k : estimated parameters
    decided : whether a single n is in question
    open_n : whether the 95 % set of n goes on beyond the largest tried
    exact : follow the profile; otherwise the ends are those that the curvature at the maxima
        suggests
    """
    m = release.data.y.size
    top = max(f.loglik for f in found.values())
    bends: dict[int, tuple[Array, Array]] = {}
    ends: dict[str, Interval] = {}
    for j, name in enumerate(release.free):
        allowed = limit(m, k, together=2 if name == "q" and not decided else 1)
        inside = [f for f in found.values() if 2 * (top - f.loglik) < allowed]
        bends |= {f.n: _spread(release, f) for f in inside if f.n not in bends}
        # The set of n is wide: others may end before it does.
        goes_on = open_n and max(f.n for f in inside) == max(found)
        low, high = (
            _end(release, inside, bends, j, way, top, allowed, goes_on, exact) for way in (-1, 1)
        )
        ends[name] = (low, high)
    return ends


def _spread(release: Release, fitted: Fitted) -> tuple[Array, Array]:
    """Second derivatives at a maximum and their inverse, coordinates stuck at bounds held."""
    bend = release.curvature(fitted.n, fitted.z)
    fitted.bend = bend
    at = (fitted.z <= release.low) | (fitted.z >= release.high)
    slack = bend.copy()
    slack[at, :] = slack[:, at] = 0
    slack[at, at] = np.diag(bend)[at]
    return bend, np.linalg.inv(positive(slack))


def _end(
    release: Release,
    inside: list[Fitted],
    bends: Mapping[int, tuple[Array, Array]],
    j: int,
    way: int,
    top: float,
    allowed: float,
    open_n: bool,
    exact: bool,
) -> float | None:
    name = release.free[j]
    bound = release.high[j] if way > 0 else release.low[j]

    def guess(f: Fitted) -> float:
        slack = max(allowed / 2 - (top - f.loglik), 0.0)
        reach = math.sqrt(2 * slack * max(float(bends[f.n][1][j, j]), 0.0))
        return float(f.z[j]) + way * reach

    largest = max(f.n for f in inside)
    nothing = 0.0 if name in _NATURAL_ZERO and way < 0 else None
    if not exact:
        foremost = max(inside, key=lambda f: guess(f) * way)
        end, n = guess(foremost), foremost.n
        if (end - bound) * way >= 0:
            return nothing
    else:
        walks = {f.n: _Walk(release, f, bends[f.n], j, way, top, allowed) for f in inside}
        reached = _farthest(sorted(inside, key=guess, reverse=way > 0), walks)
        if reached is None:  # the bound itself is not refused
            return nothing
        end, n = reached
    if open_n and n == largest:
        fewer = [f for f in inside if f.n < largest]
        if not fewer:  # every other n is refused, and more would be better
            return None
        before = max(fewer, key=lambda f: f.n)
        earlier = walks[before.n].end() if exact else guess(before)
        moves = math.inf if earlier is None else (end - earlier) * way
        if moves > _STILL_MOVES * math.log(largest / before.n):
            return None
    if abs(end - bound) < 1e-6 * (1 + abs(bound)):
        return nothing
    return release.natural(name, end)


def _farthest(order: list[Fitted], walks: Mapping[int, _Walk]) -> tuple[float, int] | None:
    """The farthest end of the profiles at all n, and that n; None where there is none.

    Parameters
    ----------
    order : maxima, the one that is guessed to reach farthest first
    """
    best = max(order, key=lambda f: f.loglik)
    way = walks[best.n].way
    likely = dict.fromkeys([order[0].n, order[min(1, len(order) - 1)].n, best.n])
    ends: dict[int, float] = {}
    for n in likely:
        end = walks[n].end()
        if end is None:
            return None
        ends[n] = end
    by_n = sorted(walks)
    asked = {by_n[round(i)] for i in np.linspace(0, len(by_n) - 1, min(len(by_n), _ASKED))}
    asked |= set(likely)
    for _ in range(_TURNS):
        n = max(ends, key=lambda k: ends[k] * way)
        far = ends[n]
        reach = max(abs(far - walks[best.n].start), 0.1)
        farther = None
        for share in _BEYOND:
            at = walks[n].inside(far + way * share * reach)
            for k in sorted(asked | set(ends)):
                if walks[k].hopeless(at):
                    continue
                lack, z = walks[k].lack(at, steps=_FEW)
                if lack < _FAR:
                    lack, z = walks[k].lack(at, z)
                if lack < -_CLOSE:
                    farther = (k, at, lack, z)
                    break
            if farther is not None:
                break
        if farther is None:
            return far, n
        k, at, lack, z = farther
        end = walks[k].end(at, lack, z)
        if end is None:
            return None
        ends[k] = end
    return far, n


@dataclass(frozen=True)
class _Walk:
    """The profile of coordinate j at one n, in one direction."""

    release: Release
    fitted: Fitted
    bends: tuple[Array, Array]
    j: int
    way: int
    top: float
    allowed: float

    @property
    def start(self) -> float:
        return float(self.fitted.z[self.j])

    @property
    def bound(self) -> float:
        return float((self.release.high if self.way > 0 else self.release.low)[self.j])

    @property
    def own(self) -> float:
        return max(float(self.bends[1][self.j, self.j]), 1e-12)

    def inside(self, at: float) -> float:
        """`at`, or the bound where that comes first."""
        return min(at, self.bound) if self.way > 0 else max(at, self.bound)

    def hopeless(self, at: float) -> bool:
        """Whether a Newton step promises far too little for `at` not to be refused."""
        z = self.fitted.z + self.bends[1][self.j] / self.own * (at - self.start)
        z[self.j] = at
        z = np.clip(z, self.release.low, self.release.high)
        value, slope = self.release.loss(self.fitted.n, z)
        slope[self.j] = 0.0
        promised = 0.5 * float(slope @ self.bends[1] @ slope)
        return 2 * (self.top + value - _HOPE * promised) > self.allowed

    def lack(self, at: float, near: Array | None = None, steps: int = 80) -> tuple[float, Array]:
        """Root of the deviance at `at` less that of the limit, and where it is reached.

        `near` is a point of the profile to start from, by default the maximum. The square root of
        the deviance is nearly straight in the distance.
        """
        near = self.fitted.z if near is None else near
        z = near + self.bends[1][self.j] / self.own * (at - near[self.j])
        z[self.j] = at
        z, value, _ = climb(
            lambda z: self.release.loss(self.fitted.n, z),
            z,
            self.release.low,
            self.release.high,
            self.bends[0],
            held=self.j,
            tolerance=1e-3,
            steps=steps,
        )
        return math.sqrt(max(2 * (self.top + value), 0.0)) - math.sqrt(self.allowed), z

    def end(
        self, start: float | None = None, lack: float | None = None, z: Array | None = None
    ) -> float | None:
        """Where the profile leaves the limit; None when it does not before the bound.

        Parameters
        ----------
        start, lack, z : a point of the profile that is not refused; the maximum by default
        """
        room = max(self.allowed - 2 * (self.top - self.fitted.loglik), 0.0)
        inner = self.start if start is None else start
        z_in = self.fitted.z if z is None else z
        f_in = lack if lack is not None else -self._room()
        step = max(math.sqrt(room * self.own), 1e-3)
        first, outer, f_out = inner, math.nan, 0.0
        for _ in range(30):
            at = self.inside(first + self.way * step)
            f, z_at = self.lack(at, z_in)
            if f > 0:
                outer, f_out = at, f
                break
            inner, f_in, z_in = at, f, z_at
            if at == self.bound:
                return None
            step *= 1.6
        if math.isnan(outer):
            return None
        for turn in range(12):
            if f_out < 0.01 or f_in > -0.01 or abs(outer - inner) < 1e-4:
                break
            share = -f_in / (f_out - f_in) if turn % 3 < 2 else 0.5
            at = inner + min(max(share, 0.05), 0.95) * (outer - inner)
            f, z_at = self.lack(at, z_in)
            if abs(f) < 0.01:
                return at
            if f > 0:
                outer, f_out = at, f
            else:
                inner, f_in, z_in = at, f, z_at
        return inner - f_in * (outer - inner) / (f_out - f_in)

    def _room(self) -> float:
        return math.sqrt(self.allowed) - math.sqrt(max(2 * (self.top - self.fitted.loglik), 0.0))
