"""Random inputs: parameters, histories, horizons. Only random() of Python's own generator, so seeds are for ever."""

import math
import random

ROWS_PER_SET = 1000
SETS = ("practical", "extreme")


class Draw:
    """Random numbers with nine significant digits, from a seed."""

    def __init__(self, seed):
        self._random = random.Random(seed).random

    def chance(self, probability):
        """Return whether an event of this probability happens."""
        return self._random() < probability

    def integer(self, low, high):
        """Return a whole number from low to high, both included."""
        return low + math.floor((high - low + 1) * self._random())

    def uniform(self, low, high):
        """Return a number between low and high."""
        return rounded(low + (high - low) * self._random())

    def log_uniform(self, low, high):
        """Return a number between low and high, its logarithm uniform."""
        return rounded(low * (high / low) ** self._random())

    def log_integer(self, low, high):
        """Return a whole number from low to high, small ones more often."""
        return min(high, math.floor(self.log_uniform(low, high + 1)))

    def near_one(self):
        """Return a number within 1e-6 of 1, sometimes 1 itself."""
        return 1.0 if self.chance(0.2) else 1.0 + self.uniform(-1e-6, 1e-6)

    def erlang(self, shape):
        """Return an Erlang number of mean 1."""
        return -sum(math.log(1 - self._random()) for _ in range(shape)) / shape

    def sample(self, items, size):
        """Return a random part of the items, as a set."""
        items = list(items)
        for i in range(size):
            j = self.integer(i, len(items) - 1)
            items[i], items[j] = items[j], items[i]
        return set(items[:size])


def rounded(value):
    """Return the value with nine significant digits."""
    return float(f"{value:.9g}")


def purchases(draw, set_, most):
    """Return a number of repeat purchases; none for a sixth of the customers."""
    if draw.chance(1 / 6):
        return 0
    if set_ == "extreme":
        return draw.log_integer(1, most)
    return draw.integer(1, 60) if draw.chance(0.5) else draw.log_integer(1, 60)


def last_purchase(draw, x, T):
    """Return t_x: 0 without repeat purchase, else anywhere up to T, half of the time in keeping with x."""
    if x == 0:
        return 0.0
    if draw.chance(0.1):
        return T
    recent = min(1.0, 20 / x) if draw.chance(0.5) else 1.0
    return min(T, rounded(T * (1 - recent * draw.uniform(0, 1))))


def history(draw, set_, most):
    """Return x, t_x and T of a customer in continuous time."""
    x = purchases(draw, set_, most)
    T = draw.log_uniform(1e-2, 5000) if set_ == "extreme" else draw.uniform(10, 1500)
    return {"x": x, "t_x": last_purchase(draw, x, T), "T": T}


def outlook(draw, set_, rate):
    """Return a horizon t, a number of purchases n, half of the time near what is expected, and a discount rate.

    rate is the expected number of purchases of a new customer in a unit of time, before any dropout.
    """
    if set_ == "extreme":
        t, discount, most = draw.log_uniform(1e-2, 5000), draw.log_uniform(1e-6, 1), 2000
    else:
        t = draw.log_uniform(0.05, 1) if draw.chance(0.2) else draw.log_uniform(1, 1000)
        discount, most = draw.log_uniform(1e-4, 3e-3), 40
    if draw.chance(0.5):
        most = min(most, math.ceil(3 * rate * t) + 3)
    return {"t": t, "n": draw.integer(0, most), "discount": discount}


def with_discounted(rows, draw, size, cheap=lambda row: True):
    """Return the rows, those marked for which the expensive discounted values are wanted."""
    chosen = draw.sample([i for i, row in enumerate(rows) if cheap(row)], size)
    return [row | {"discounted": i in chosen} for i, row in enumerate(rows)]
