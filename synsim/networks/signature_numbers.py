"""How the sigma of each layer goes with what its weights do: numbers of one trained network."""

from __future__ import annotations

from typing import Any

import numpy as np

from synsim.networks.data import Dataset
from synsim.networks.measures import evaluate, gradients
from synsim.networks.slopes import binned, listed, log_slope
from synsim.networks.spec import Trained

AGAINST = ("fisher", "input_rate", "input_rms", "learning_rate")
#: An update of Adam is the rate times the mean over the root mean square of gradients; the paper's
#: learning rate is this over the mean absolute gradient.
RATE = 1e-4


def signatures(
    trained: Trained, data: Dataset, *, batch: int = 20, weights: int = 200
) -> dict[str, Any]:
    """Slopes and binned sigma of each layer against each of `AGAINST`, accuracy and balance; and
    some `weights` of each layer with all of that.

    Gradients are of the cross-entropy summed over `batch` images at weights drawn anew, over all
    training images (as the published scripts take them). Weights of pixels that are the same in
    every image, and of units that are never active, do not count.
    """
    found = evaluate(trained, data)
    layers, some = [], []
    for number, each in enumerate(gradients(trained, data, batch=batch)):
        sigma = trained.sigmas[number].astype(float)
        used = (each.fisher > 0) & (each.mean_abs > 0)
        if number == 0:
            used &= np.any(data.x_train != data.x_train[0], axis=0)[:, None]
        x = {
            "fisher": each.fisher,
            "input_rate": each.input_rate[:, None],
            "input_rms": each.input_rms[:, None],
            "learning_rate": RATE / np.where(used, each.mean_abs, 1.0),
        }
        here = listed(used, weights, trained.network.seed)
        order = ("fisher", "input_rate", "learning_rate", "input_rms")
        columns = {"sigma": sigma} | {k: np.broadcast_to(x[k], sigma.shape) for k in order}
        some.append({name: values.ravel()[here].tolist() for name, values in columns.items()})
        layers.append(
            {
                name: {
                    "slope": vars(log_slope(x[name], sigma, used)),
                    "bins": binned(x[name], sigma, used).tolist(),
                }
                for name in AGAINST
            }
        )
    return {
        "accuracy_percent": found.accuracy_percent,
        "balance": found.balance,
        "layers": layers,
        "weights": some,
    }


def input_exponent(data: Dataset) -> float:
    """Slope of log mean x^2 on log mean |x| over the pixels that are not always the same.

    A softmax regression has H = mean x^2 p(1 - p), so against the input rate log sigma has this
    times -1/(rho + 2) for a slope: -2/(rho + 2) where mean x^2 goes as the square of mean |x|.
    """
    x, _ = data.train(0, len(data.y_train))
    used = np.any(data.x_train != data.x_train[0], axis=0)
    mean = np.abs(x).mean(axis=0, dtype=float)[used]
    square = np.array([np.mean(column.astype(float) ** 2) for column in x.T])[used]
    return float(np.polyfit(np.log(mean), np.log(square), 1)[0])
