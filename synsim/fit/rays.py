"""Profiles of the likelihood along every parameter, in both directions.

See `synsim.fit.profile` for what they are for. All are climbed together, as rows of one array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.likelihood import Problem
from synsim.fit.search import Maximum, climb

Array = NDArray[Any]

_GRID = 12  # points tried from the estimate to each bound
_LEAN = 0.1  # in deviance
_LEAN_AMPLITUDE = 0.4  # of the limit of the deviance: the end would move by a tenth or so


def covariance(problem: Problem, u: Array) -> Array:
    """Approximate covariance (k, k) of the coordinates at u; 0 for those stuck at a bound."""
    gradient, matrix = (m[0] for m in problem.slopes(u[None]))
    stuck = ((u <= problem.low) & (gradient > 0)) | ((u >= problem.high) & (gradient < 0))
    scale = np.sqrt(np.diag(matrix))
    free = ~stuck & (scale > 0)
    outer = np.outer(scale[free], scale[free])
    found = np.zeros_like(matrix)
    found[np.ix_(free, free)] = (
        np.linalg.pinv(matrix[np.ix_(free, free)] / outer, rcond=1e-8) / outer
    )
    return found


class Rays:
    """Profiles of all parameters in both directions: one row per parameter and direction.

    `places` (rows, _GRID) are the values held, from the estimate outwards to the bound;
    `points` (rows, _GRID, k) the maxima found there and `loss` (rows, _GRID) their loss.
    """

    def __init__(self, problem: Problem, maximum: Maximum, allowed: float) -> None:
        self.problem, self.maximum, self.allowed = problem, maximum, allowed
        self.goal = allowed / 2 - maximum.loglik
        self.spread = covariance(problem, maximum.u)
        places, js, ways = [], [], []
        for j in range(problem.size - 1):
            for way, end in ((-1, problem.low[j]), (1, problem.high[j])):
                room = abs(end - maximum.u[j])
                if room > 0:
                    first = min(0.4 * math.sqrt(self.spread[j, j]) or room / 50, room / 4)
                    places.append(maximum.u[j] + way * np.geomspace(first, room, _GRID))
                    places[-1][-1] = end
                    js.append(j)
                    ways.append(way)
        self.places = np.array(places).reshape(-1, _GRID)
        self.js, self.ways = np.array(js, int), np.array(ways, int)
        self.points = np.tile(maximum.u, (len(js), _GRID, 1))
        self.loss = np.full(self.places.shape, np.inf)
        self.visited = [maximum.u[None]]

    def deviance(self) -> Array:
        return 2 * (self.loss + self.maximum.loglik)

    def inside(self) -> Array:
        return np.concatenate([*self.visited, self.points[self.deviance() <= self.allowed]])

    def best(self) -> Array:
        return self.points.reshape(-1, self.problem.size)[int(np.argmin(self.loss))]

    def explore(self) -> None:
        """Fill the rows, from the estimate, the runners-up, the far ends and one another."""
        everywhere = np.arange(self.js.size)
        u, loss = self._afresh(everywhere, self.places[:, -1])
        self.points[:, -1], self.loss[:, -1] = u, loss
        # The ridge of the likelihood, as far as it is straight, is the likeliest place.
        own = self.spread[self.js, self.js]
        slope = np.zeros((self.js.size, self.problem.size))
        np.divide(self.spread[self.js], own[:, None], where=own[:, None] > 0, out=slope)
        moved = self.places - self.maximum.u[self.js][:, None]
        self._improve(self.maximum.u + slope[:, None, :] * moved[:, :, None])
        self._improve(self.maximum.u, *self.maximum.others)
        self._sweep()

    def ends(self) -> Array:
        """Where each row leaves the limit for good, NaN where it never does, shape (rows,)."""
        rows, steps = self.places.shape
        inside = self.deviance() <= self.allowed
        last = np.where(inside.any(axis=1), steps - 1 - np.argmax(inside[:, ::-1], axis=1), -1)
        found = np.full(rows, np.nan)
        todo = np.flatnonzero(last < steps - 1)
        first, at, after = last < 0, np.maximum(last, 0), np.minimum(last + 1, steps - 1)
        row = np.arange(rows)
        aim = math.sqrt(self.allowed)
        root = np.sqrt(np.maximum(self.deviance(), 0)) - aim  # nearly straight in the distance
        x_in = np.where(first, self.maximum.u[self.js], self.places[row, at])
        u_in = np.where(first[:, None], self.maximum.u, self.points[row, at])
        f_in = np.where(first, -aim, root[row, at])
        x_out, u_out, f_out = self.places[row, after], self.points[row, after], root[row, after]
        open_rows = todo.copy()
        for turn in range(12):
            if not todo.size:
                break
            a = todo
            fraction = -f_in[a] / (f_out[a] - f_in[a]) if turn % 3 != 2 else np.full(a.size, 0.5)
            fraction = np.clip(fraction, 0.02, 0.98)
            x = x_in[a] + fraction * (x_out[a] - x_in[a])
            new = u_in[a] + fraction[:, None] * (u_out[a] - u_in[a])
            u, loss = self._climb(a, new, x, steps=100, tolerance=1e-4)
            f = np.sqrt(np.maximum(2 * (loss + self.maximum.loglik), 0)) - aim
            goes_in = f <= 0
            self.visited.append(u[goes_in])
            i, o = a[goes_in], a[~goes_in]
            x_in[i], f_in[i], u_in[i] = x[goes_in], f[goes_in], u[goes_in]
            x_out[o], f_out[o], u_out[o] = x[~goes_in], f[~goes_in], u[~goes_in]
            close = (np.abs(f) < 2e-3) | (np.abs(x_out[a] - x_in[a]) < 1e-5 * (1 + np.abs(x)))
            todo = a[~close]
        a = open_rows
        found[a] = x_in[a] - f_in[a] * (x_out[a] - x_in[a]) / (f_out[a] - f_in[a])
        self.at_ends = u_in
        return found

    def leaning(self) -> Array:
        """Rows whose end leans on the range of another parameter, shape (rows,).

        It does when a range longer by a factor e would bring the deviance there down by more
        than _LEAN, beyond what it would do to the estimate itself. What more range does dies
        away for amplitudes (two Gaussians that all but cancel), so they may do more than times.
        """
        p, k = self.problem, self.problem.size
        natural = np.array([c.low == 0 and not c.log for c in p.coordinates] + [True])

        def gain(u: Array) -> Array:
            slope, _ = p.slopes(u)
            value = np.where(p.log, 1.0, np.maximum(np.abs(u), (p.high - p.low) / 10))
            up = (u >= p.high) & (slope < 0) & (np.arange(k) < k - 1)
            down = (u <= p.low) & (slope > 0) & ~natural
            return 2 * np.abs(slope) * value * (up | down)

        extra = gain(self.at_ends) - gain(self.maximum.u[None])
        extra[np.arange(self.js.size), self.js] = 0
        lean = np.where(natural, _LEAN_AMPLITUDE * self.allowed, _LEAN)
        return np.asarray(np.any(extra > lean, axis=1))

    def check(self, ends: Array) -> bool:
        """Search afresh just beyond the ends; True when one of them does not hold."""
        rows = np.flatnonzero(~np.isnan(ends))
        if not rows.size:
            return False
        beyond = 0.05 * np.abs(ends[rows] - self.maximum.u[self.js[rows]])
        room = np.abs(self.places[rows, -1] - ends[rows])
        x = ends[rows] + self.ways[rows] * np.minimum(beyond, room)
        u, loss = self._afresh(rows, x)
        wrong = 2 * (loss + self.maximum.loglik) < self.allowed
        if not wrong.any():
            return False
        for row, place, point, value in zip(
            rows[wrong], x[wrong], u[wrong], loss[wrong], strict=True
        ):
            # It takes the place of the outermost value inside, which lies further in.
            column = max(
                int(np.searchsorted(self.ways[row] * self.places[row], self.ways[row] * place)) - 1,
                0,
            )
            self.places[row, column] = place
            self.points[row, column], self.loss[row, column] = point, value
        self._sweep()
        return True

    def _climb(
        self,
        rows: Array,
        start: Array,
        x: Array,
        steps: int,
        tolerance: float,
        goal: float | None = None,
        problem: Problem | None = None,
    ) -> tuple[Array, Array]:
        """Climb with the row's parameter held at x; `start` is (m, k), the others (m,)."""
        held = np.arange(self.problem.size) == self.js[rows][:, None]
        start = np.where(held, x[:, None], start)
        return climb(
            problem or self.problem,
            start,
            fixed=held,
            steps=steps,
            tolerance=tolerance,
            goal=goal,
        )

    def _improve(self, *starts: Array) -> None:
        """Climb from each start, the shape of `points`, wherever the best so far is refused."""
        r, s = np.nonzero(self.deviance() > self.allowed)
        if not r.size:
            return
        start = np.concatenate([np.broadcast_to(u, self.points.shape)[r, s] for u in starts])
        r, s = np.tile(r, len(starts)), np.tile(s, len(starts))
        u, found = self._climb(r, start, self.places[r, s], 50, 1e-3, self.goal)
        order = np.argsort(-found, kind="stable")  # the best is written last
        order = order[found[order] < self.loss[r[order], s[order]]]
        self.points[r[order], s[order]], self.loss[r[order], s[order]] = u[order], found[order]

    def _sweep(self) -> None:
        """Neighbours along a row help each other out of lesser maxima."""
        estimate = np.broadcast_to(self.maximum.u, self.points[:, :1].shape)
        for _ in range(3):
            before = self.loss.copy()
            inner = np.concatenate([estimate, self.points[:, :-1]], axis=1)
            outer = np.concatenate([self.points[:, 1:], self.points[:, -1:]], axis=1)
            self._improve(inner, outer)
            # Rows far beyond the limit need no more than to be known as such.
            near = self.deviance() < 4 * self.allowed
            if np.max(np.where(near, before - self.loss, 0)) < 0.01:
                break

    def _afresh(self, rows: Array, x: Array) -> tuple[Array, Array]:
        """A search from the seeds with the row's parameter held at x: maxima and their loss."""
        seeds, k = self.maximum.seeds, self.problem.size
        count = len(seeds)
        u, loss = self._climb(
            np.repeat(rows, count),
            np.tile(seeds, (rows.size, 1)),
            np.repeat(x, count),
            8,
            1e-3,
            problem=self.problem.thinned(),
        )
        best = np.argsort(loss.reshape(-1, count), axis=1)[:, :4]
        few = best.shape[1]
        chosen = np.take_along_axis(u.reshape(-1, count, k), best[:, :, None], axis=1)
        u, loss = self._climb(
            np.repeat(rows, few), chosen.reshape(-1, k), np.repeat(x, few), 100, 1e-3, self.goal
        )
        pick = np.argmin(loss.reshape(-1, few), axis=1) + few * np.arange(rows.size)
        return u[pick], loss[pick]
