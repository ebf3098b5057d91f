"""Release sites along one short train: simulated samples, and their exact standard errors."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from tests.agreement.structures import DT, run, sites, table, together
from tests.reference import release


class SiteCase(NamedTuple):
    """A synapse; times in s."""

    n: int
    U: float
    tau_rec: float
    tau_facil: float


SITE_TRAIN = np.cumsum([50, 200, 200, 350, 1000, 120])  # steps
SITE_COPIES = 2000
SITE_CASES = (
    SiteCase(1, 0.4, 0.3, 0.15),
    SiteCase(3, 0.5, 0.2, 0.02),
    SiteCase(3, 0.1, 0.08, 0.5),
    SiteCase(2, 1.0, 0.1, 0.0),
    SiteCase(3, 0.8, 0.2, 0.1),
    SiteCase(2, 0.0, 0.2, 0.1),
    SiteCase(0, 0.5, 0.2, 0.1),
)


@cache
def site_errors(case: SiteCase) -> release.StandardErrors:
    """Of mean, failures and covariance, by enumeration of all outcomes."""
    joint = release.released_joint_pmf(SITE_TRAIN * DT, *case)
    with np.errstate(invalid="ignore"):  # a certain release has the variance 0, or just below
        found = release.joint_standard_errors(joint, SITE_COPIES)
    return release.StandardErrors(*(np.nan_to_num(error) for error in found))


@cache
def site_samples(backend: str, seed: int) -> np.ndarray:
    """Quanta released in one run of all cases, shape (cases, synapses, spikes)."""
    columns = np.array(SITE_CASES).T.repeat(SITE_COPIES, axis=1)
    values = dict(zip(SiteCase._fields, columns, strict=True))
    copies = sites().copies
    done = run(sites(), together(SITE_TRAIN, copies), backend=backend, seed=seed, values=values)
    released = table(done.events["pre"], "last_released", copies)
    return released.reshape(len(SITE_CASES), SITE_COPIES, len(SITE_TRAIN))
