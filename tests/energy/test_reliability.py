"""PSPs through a membrane, errors from batches, and the exponent of a power law."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest
from scipy.signal import lfilter

from synsim import Synapse
from synsim.energy.reliability import (
    fit_power_law,
    local_exponents,
    measure,
    membrane,
    psp_amplitudes,
    psp_weights,
)

STANDARD_ERRORS = 4


def potential(responses: np.ndarray, interval: float, times: np.ndarray) -> np.ndarray:
    """V(t), each response the peak of its difference of exponentials; 20 and 5 ms, by hand."""
    t = times[:, None] - interval * np.arange(len(responses))
    shape = np.where(t > 0, np.exp(-t / 0.02) - np.exp(-t / 0.005), 0.0)
    peak = np.log(4) * 0.02 * 0.005 / 0.015
    return (shape / (np.exp(-peak / 0.02) - np.exp(-peak / 0.005))) @ responses


@pytest.mark.parametrize("interval", [0.004, 0.03, 0.5])
def test_psps_are_peak_less_baseline_in_a_membrane(interval: float) -> None:
    """At one interval even below the rise: what is measured is V at the peak time less V before."""
    responses = np.random.default_rng(1).uniform(0, 2, 60)
    peak = np.log(4) * 0.02 * 0.005 / 0.015
    begin = interval * np.arange(60)
    earlier = np.array(
        [
            potential(responses[: i + 1], interval, np.array([t + peak]))[0]
            - potential(responses[:i], interval, np.array([t]))[0]
            for i, t in enumerate(begin)
        ]
    )
    np.testing.assert_allclose(psp_amplitudes(responses, interval), earlier, atol=1e-9)
    assert psp_weights(interval)[0] == 1


def test_psps_are_those_of_a_simulated_neuron() -> None:
    """The membrane itself, in Brian2: binomial responses every 30 ms, peak less the v before."""
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    try:
        neuron, current = membrane()
        group = neuron.replace(V_th="10V").group(1, [current], dt=0.1 * b2.ms)
        spikes = 0.001 + 0.03 * np.arange(25)
        source = b2.SpikeGeneratorGroup(1, np.zeros(25, int), spikes * b2.second, clock=group.clock)
        synapse = Synapse(
            n=5, p=0.4, q="20pA", release="binomial", target=current.target, record=("response",)
        )
        made = synapse.connect(source, group, clock=group.clock)
        watch = b2.StateMonitor(group, "v", record=True, clock=group.clock)
        kept = b2.StateMonitor(made, "last_response", record=True, clock=group.clock, when="end")
        b2.seed(5)
        b2.Network(source, group, made, watch, kept).run(0.8 * b2.second)
        step = np.rint(spikes / 1e-4).astype(int)
        v, response = watch.v_[0], kept.last_response_[0][step]
        # v as it stands when the spike comes in: just after that step's integration
        time, peak = neuron.psp_peak(current, 1.0)
        late = round(time / 1e-4)
        found = v[step + 1 + late] - v[step + 1]
    finally:
        b2.prefs.codegen.target = before
    assert len(np.unique(response)) > 3
    np.testing.assert_allclose(found, psp_amplitudes(peak * response, 0.03), rtol=0.005, atol=2e-6)


def samples(rng: np.random.Generator, spikes: int) -> tuple[np.ndarray, np.ndarray]:
    """Binomial responses of mean 1 and the quanta they cost, n = 1, 2, 4, ... 64, p = 0.25."""
    n = 2 ** np.arange(7)
    k = rng.binomial(n[:, None], 0.25, (7, spikes))
    return k / (n[:, None] * 0.25), k


def test_the_interval_of_an_exponent_covers_it() -> None:
    """300 experiments: 95 % intervals hold rho = 2 about that often, and are not idle."""
    rng = np.random.default_rng(2)
    held, widths, found = 0, [], []
    for _ in range(300):
        seen = measure(*samples(rng, 2000))
        law = fit_power_law(seen.sd, seen.cost, seen.covariance)
        held += law.low <= 2 <= law.high
        widths.append(law.high - law.low)
        found.append(law.rho)
    assert 0.95 * 300 - 4 * np.sqrt(300 * 0.95 * 0.05) < held
    assert np.mean(widths) < 1.6 * 2 * 1.96 * np.std(found), "no wider than it need be"
    assert abs(np.mean(found) - 2) < 4 * np.std(found) / np.sqrt(300) + 0.002


def test_errors_from_batches_are_those_of_repetition() -> None:
    """Independent and correlated spikes: the covariance of ln SD and ln cost over experiments."""
    rng = np.random.default_rng(3)
    for memory in (0.0, 0.8):
        found, said = [], []
        for _ in range(300):
            noise = rng.normal(size=(1, 4100))
            noise = lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise, axis=-1)[:, 100:]
            seen = measure(3 + noise, (3 + noise) ** 2)
            found.append([np.log(seen.sd[0]), np.log(seen.cost[0])])
            said.append(seen.covariance[0])
        true, mean = np.cov(np.transpose(found)), np.mean(said, axis=0)
        np.testing.assert_allclose(np.sqrt(np.diag(mean)), np.sqrt(np.diag(true)), rtol=0.17)
        if not memory:
            assert true[0, 1] == pytest.approx(mean[0, 1], abs=3e-5)


def test_exact_points_give_the_exact_exponent() -> None:
    cost = np.geomspace(1, 100, 9)
    sd = 3 * cost ** (-1 / 1.7)
    errors = np.broadcast_to(np.diag([1e-6, 1e-6]), (9, 2, 2))
    law = fit_power_law(sd, cost, errors)
    assert law.rho == pytest.approx(1.7, rel=1e-12)
    assert law.low < 1.7 < law.high and law.chi2 < 1e-12 and law.dof == 7
    np.testing.assert_allclose(local_exponents(sd, cost), 1.7)


def test_points_off_the_line_widen_the_interval() -> None:
    cost = np.geomspace(1, 10, 6)
    bent = cost ** (-0.5 - 0.1 * np.log(cost))
    errors = np.broadcast_to(np.diag([1e-8, 0.0]), (6, 2, 2))
    law = fit_power_law(bent, cost, errors)
    assert law.chi2 > 1000 and law.high - law.low > 0.2


def test_scatter_that_cost_does_not_change_has_no_exponent() -> None:
    errors = np.broadcast_to(np.diag([1e-2, 1e-4]), (4, 2, 2))
    law = fit_power_law([1.0, 1.01, 0.99, 1.0], [1.0, 1.1, 1.2, 1.3], errors)
    assert (law.low, law.high) == (-np.inf, np.inf)
