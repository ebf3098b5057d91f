"""What every protocol in which networks learn can be told, by presets or one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from synsim.component import Parameters, option, parameter
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.networks.costs import entropic, power_law
from synsim.networks.spec import Network, Training
from synsim.settings import file

if TYPE_CHECKING:
    from synsim.networks.data import Dataset


class ImageSettings(Parameters):
    """Images and passes over them. A setting that is none has the value of the preset."""

    #: preset -> setting -> value; a protocol says its own
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    preset: str = option(
        ("paper", "quick"),
        "scale of the run: what settings that are none stand for",
        default="paper",
    )
    data: str | None = file(
        "mnist, digits, or a file NAME.npz with x_train, y_train, x_test, y_test", optional=True
    )
    epochs: int | None = parameter(
        "1", "times all images are seen", default=None, low=1, integer=True, optional=True
    )
    batch: int | None = parameter(
        "1", "images of a step", default=None, low=1, integer=True, optional=True
    )
    seeds: int = parameter("1", "networks of each kind, with seeds of their own", default=1, low=1,
                           high=1000, integer=True)  # fmt: skip
    at_once: int = parameter(
        "1", "networks that are trained at once", default=8, low=1, high=10_000, integer=True
    )

    def by_preset(self, name: str) -> Any:
        """A setting's value, or that of the preset where it is none."""
        given = getattr(self, name)
        return given if given is not None else self.presets[self.preset][name]

    def resolved(self) -> dict[str, str]:
        found = {}
        for name in self.presets[self.preset]:
            if getattr(self, name) is None:
                value = self.by_preset(name)
                found[name] = value if name == "data" else self.specs()[name].show(value)
        return found

    def base(self) -> Training:
        """How the networks are trained, but for how long and in which batches."""
        return Training()

    def how(self) -> Training:
        """How the networks are trained."""
        return replace(self.base(), epochs=self.by_preset("epochs"), batch=self.by_preset("batch"))

    def load(self) -> Dataset:
        """The images; MissingExtraError before, where there is nothing to learn them with."""
        from synsim.networks import chunks, data, need

        chunks.check_program()
        need.jax()
        return data.load(self.by_preset("data"))

    def outside(self) -> dict[str, str]:
        """What decides the outcome and is not in the settings: digests of files they name."""
        return {}

    def _wrong(self, field: str, problem: str) -> FieldError:
        return FieldError(type(self).__name__, field, problem)

    def _refuse_rho_0(self, rho: NDArray[np.float64], limit: str) -> None:
        """Raises FieldError where there is a 0; `limit` says how to have its limit."""
        if np.any(rho == 0):
            raise self._wrong(
                "rho",
                "found 0, expected values above 0: sigma^0 costs the same everywhere; the limit "
                f"rho -> 0 is -ln sigma: {limit}",
            )

    def _refuse_twice(self, *names: str) -> None:
        """Raises FieldError where a value is given twice."""
        for name in names:
            array = getattr(self, name)
            if array is not None and len(np.unique(array)) < len(array):
                alike = np.sort(array)[np.flatnonzero(np.diff(np.sort(array)) == 0)[0]]
                raise self._wrong(name, f"found {alike:g} twice, expected it once")


class LearningSettings(ImageSettings):
    """And the widths of one network."""

    hidden: NDArray[np.int64] | None = values(
        "1", "units of the hidden layers, with commas", default=None, low=1, high=100_000,
        integer=True, optional=True,
    )  # fmt: skip

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of the hidden layers."""
        return tuple(int(n) for n in np.atleast_1d(self.by_preset("hidden")))


#: Sigma is let go from the start, and slower: noise at these costs is far from losing a network,
#: and what is measured is sigma that has settled, weight by weight.
SETTLING = Training(rate_mean=2e-3, rate_sigma=2e-2, memory_sigma=0.99, rest_sigma=0.0)


class ScaledSettings(LearningSettings):
    """Networks with hidden layers and without, that pay c sigma^-rho at multiples of one scale;
    where rho is 0, its limit -c ln sigma."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"data": "mnist", "hidden": np.array([100, 100]), "epochs": 15, "batch": 400},
        "quick": {"data": "digits", "hidden": np.array([30, 30]), "epochs": 100, "batch": 100},
    }

    rho: NDArray[np.float64] = values(
        "1", "exponents of the cost, with commas; 0 is the limit, -ln sigma",
        default=(1 / 2, 2 / 3, 4 / 3, 2.0), low=0,
    )  # fmt: skip
    scale: float = parameter(
        "1",
        "s, the scale of the cost: c = s^rho/rho (1 for rho = 0)",
        default=1e-3,
        low=0,
        low_open=True,
        high=10,
    )
    factors: NDArray[np.float64] = values(
        "1", "multiples of c, with commas", default=(0.1, 1.0, 10.0), low=0, low_open=True
    )
    table_weights: int = parameter(
        "1", "weights of each layer that the table has, drawn at random, at most", default=200,
        low=1, high=1_000_000, integer=True,
    )  # fmt: skip

    def check(self) -> None:
        self._refuse_twice("rho", "factors")

    def base(self) -> Training:
        return SETTLING

    def networks(self, seed: int) -> list[Network]:
        """Every network that pays: with hidden layers, then without."""
        return [
            Network(
                cost=power_law(rho, self._c(rho, factor)) if rho > 0 else entropic(factor),
                seed=seed + number,
                hidden=hidden,
                name=f"network rho {rho:.4g}, c times {factor:.4g}, hidden layers {hidden}, "
                f"seed {seed + number}",
            )
            for hidden in (self.widths, ())
            for rho, factor in self._paid
            for number in range(self.seeds)
        ]

    def keys(self, seed: int) -> list[dict[str, Any]]:
        """What tells the rows of these networks apart: rho, c, c_factor, network, seed."""
        return [
            {
                "rho": rho,
                "c": self._c(rho, factor),
                "c_factor": factor,
                "network": network,
                "seed": seed + number,
            }
            for network in ("hidden", "linear")
            for rho, factor in self._paid
            for number in range(self.seeds)
        ]

    def _c(self, rho: float, factor: float) -> float:
        """What multiplies sigma^-rho; -ln sigma is the limit of (s/sigma)^rho/rho, as it varies."""
        return factor * self.scale**rho / rho if rho > 0 else factor

    @property
    def _paid(self) -> list[tuple[float, float]]:
        return [(float(rho), float(factor)) for rho in self.rho for factor in self.factors]
