"""BG/CNBD-k and MBG/CNBD-k (Reutterer, Platzer & Schröder 2021).

As BG/NBD and MBG/NBD, but only every k-th event of a customer's Poisson process is a purchase, counted anew from
each purchase: the times between purchases are Erlang-k. Dropout can follow every repeat purchase and, in the
MBG/CNBD-k, the first one.
"""

import math
from functools import partial
from itertools import islice

from mpmath import exp, hyp2f1, log, loggamma, mp, mpf

from . import beta_geometric
from .beta_geometric import INPUTS, PARAMETERS, parameters
from .drawing import ROWS_PER_SET, SETS, Draw, last_purchase, outlook, purchases, with_discounted
from .numerics import (
    agreed,
    beta_mean,
    gamma_mean,
    geometric_beta,
    half_line_integral,
    interval_integral,
    log1p,
    log_beta,
    log_nb,
    log_rising,
    nb_tail,
    nb_terms,
    power_mean,
)
from .table import Model

ROWS_WITH_DISCOUNTED = 200
MOST_TERMS = 20_000
MOST_TERMS_DISCOUNTED = 8_000


def rows(name):
    """Return the rows of a table; only those whose sums over events are short enough to be taken."""
    draw = Draw(name)
    result = []
    for set_ in SETS:
        of_set = []
        while len(of_set) < ROWS_PER_SET:
            row = {"set": set_} | one_row(draw, set_)
            if terms(row) < MOST_TERMS:
                of_set.append(row)
        result += of_set
    return with_discounted(result, draw, ROWS_WITH_DISCOUNTED, lambda row: terms(row) < MOST_TERMS_DISCOUNTED)


def one_row(draw, set_):
    """Return the inputs of a row."""
    extreme = set_ == "extreme"
    params = parameters(draw, set_, 1e-2, 1e2)
    k = draw.integer(1, 10 if extreme else 6)
    x = purchases(draw, set_, most=300)
    T = draw.log_uniform(1e-2, 2000) if extreme else draw.uniform(10, 1500)
    t_x = last_purchase(draw, x, T)
    gaps = [draw.erlang(k) for _ in range(x)]
    litt = math.fsum(math.log(gap * (t_x / math.fsum(gaps))) for gap in gaps)
    later = outlook(draw, set_, params["r"] / params["alpha"] / k)
    later["t"] = min(later["t"], 2000.0)
    return params | {"k": k, "x": x, "t_x": t_x, "T": T, "litt": litt} | later


def terms(row):
    """Return about how many events in t have to be summed over, for this customer or a new one."""
    r, alpha, k, x, T, t = (row[name] for name in ("r", "alpha", "k", "x", "T", "t"))
    counts = []
    for shape, rate in ((r + k * (x + 1), alpha + T), (r, alpha)):
        mean = shape * t / rate
        spread = math.sqrt(mean * (1 + t / rate))
        counts.append(mean + 8 * spread + 60 / math.log1p(rate / t))
    return max(counts)


def stays(a, b):
    """Return E[(1-p)^i], p ~ Beta(a, b), for i = 0, 1, ... without end."""
    term, i = mpf(1), 0
    while True:
        yield term
        term *= (b + i) / (a + b + i)
        i += 1


def open_weights(shape, A, since, k):
    """Return the weights of j < k events since the last purchase, relative to none."""
    return [exp(log_rising(shape, j) - loggamma(j + 1)) * (since / A) ** j for j in range(k)]


def event_probabilities(shape, A, since, k, t):
    """Return the probabilities that g = 0, 1, ... events have happened, of a customer alive, without end.

    Events since the last purchase: those in the time since it up to now, fewer than k, and those in the next t.
    Beside each probability comes a bound on the ratio of each later one to the one before it.
    P(g) is in proportion to (shape)_g / g! (A+t)^-(shape+g) sum over j < k of C(g, j) since^j t^(g-j).
    """
    past, future = since / (A + t), t / (A + t)
    norm = mp.fsum(open_weights(shape, A, since, k))
    parts = [exp(-shape * log1p(t / A)) / norm] + [mpf(0)] * (k - 1 if since else 0)
    total, g = parts[0], 0
    while True:
        grown = [future * part for part in parts]
        for j in range(1, len(parts)):
            grown[j] += past * parts[j - 1]
        growth = sum(grown) / total  # of the sum over j, can only fall in g
        ratio = (shape + g) / (g + 1)
        yield total, growth * max(ratio, 1)
        parts = [ratio * part for part in grown]
        total = sum(parts)
        g += 1


def event_means(a, b, shape, A, since, k, t):
    """Return the probability of no dropout and the expected purchases in t, of a customer alive."""
    no_dropout = purchases = mpf(0)
    chances = stays(a, b)
    stay, bought, i = next(chances), mpf(0), 0
    enough = mpf(10) ** (-mp.dps // 2)
    for g, (probability, bound) in enumerate(event_probabilities(shape, A, since, k, t)):
        if g == k * (i + 1):
            i += 1
            bought += stay
            stay = next(chances)
        no_dropout += probability * stay
        purchases += probability * bought
        if bought:
            # bought grows by a factor of at most 1 + 1/i in each k events, stay not at all
            bound *= 1 + 1 / mpf(i)
            if bound < 1 and probability * bought * bound / (1 - bound) < enough * purchases:
                remainder = probability * bound / (1 - bound)
                if remainder < enough * no_dropout:
                    return no_dropout, purchases
    raise AssertionError


def values(first, row):
    """Return the values of a row; first is 1 where the first purchase too can be followed by dropout, else 0."""
    r, alpha, a, b = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, _ = (row[name] for name in INPUTS)
    k, litt = row["k"], row["litt"]
    shape, A, since, d = r + k * x, alpha + T, T - t_x, b + x + first
    open_ = mp.fsum(open_weights(shape, A, since, k))
    lost = a / (d - 1) * exp(shape * log(A / (alpha + t_x))) if x or first else mpf(0)
    gaps = (k - 1) * litt - x * loggamma(k)
    prior = log_beta(a, d) - log_beta(a, b) + log_rising(r, k * x) + r * log(alpha) - shape * log(A)
    p_alive = open_ / (open_ + lost)

    no_dropout, later = event_means(a, d, shape, A, since, k, t)
    new = event_means(a, b + first, r, alpha, mpf(0), k, t)[1]
    result = {
        "log_likelihood": gaps + prior + log(open_ + lost),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * no_dropout,
        "conditional_expected_purchases": p_alive * later,
        "expected_purchases": new * (b / (a + b) if first else 1),
        "probability_of_purchases": count_probability(first, k, n, t / alpha, r, a, b),
        "discounted_expected_purchases": None,
        "dert": None,
    }
    if row["discounted"]:
        part, whole = discounted(row, shape, A, since, d)
        result |= {"discounted_expected_purchases": p_alive * part, "dert": p_alive * whole}
    return result


def count_probability(first, k, n, odds, r, a, b):
    """Return P(X(t) = n) of a new customer, odds = t / alpha."""
    here = mp.fsum(exp(log_nb(i, r, odds)) for i in range(k * n, k * n + k))
    result = power_mean(a, b, n + first) * here
    if n + first:
        result += exp(log_beta(a + 1, b + n - 1 + first) - log_beta(a, b)) * nb_tail(k * n, r, odds)
    return result


def discounted(row, shape, A, since, d):
    """Return the discounted purchases up to t and for ever of a customer alive.

    Up to t as an integral over time of the density of purchases. For ever as a mean over the event rate: the
    i-th purchase comes after k i - j events, each of which is worth φ = rate / (rate + discount).
    """
    a, k, t, discount = (row[name] for name in ("a", "k", "t", "discount"))

    def for_ever(rate):
        worth = rate / (rate + discount)
        terms = [(rate * since) ** j / math.factorial(j) for j in range(k)]
        next_ = mp.fsum(term * worth ** (k - j) for j, term in enumerate(terms))
        return next_ * geometric_beta(d, a + d, worth**k), mp.fsum(terms)

    whole, norm = gamma_mean(for_ever, shape, A)
    density = PurchaseDensity(a, d, shape, A, since, k)
    (part,) = interval_integral(lambda u: (exp(-discount * u) * density(u),), t)
    return part, whole / norm


class PurchaseDensity:
    """The density of purchases at a time u from now, of a customer alive: a sum over the purchases to come.

    The i-th purchase is event k i since the last purchase, of which j < k have happened:
    E[(1-p)^(i-1)] (shape)_(ki) / (ki-1)! A^shape (A+u)^-(shape+ki) sum over j of C(ki-1, j) since^j u^(ki-1-j),
    over the sum that makes the weights of the j add up to 1.
    """

    def __init__(self, a, b, shape, A, since, k):
        self.shape, self.A, self.since, self.k = shape, A, since, k
        self.scale = exp(log_rising(shape, k) - loggamma(k)) / mp.fsum(open_weights(shape, A, since, k))
        self.chances = stays(a, b)
        self.last_chance = next(self.chances)
        self.ratios = []

    def ratio(self, i):
        """Return the ratio of the (i+1)-th coefficient to the i-th: that of E[(1-p)^(i-1)], and of all else."""
        while len(self.ratios) < i:
            events = self.k * (len(self.ratios) + 1)
            chance = next(self.chances)
            rising = mp.fprod((self.shape + event) / event for event in range(events, events + self.k))
            self.ratios.append((chance / self.last_chance, rising))
            self.last_chance = chance
        return self.ratios[i - 1]

    def __call__(self, u):
        """Return the density at u."""
        k, past, step = self.k, self.since / u, (u / (self.A + u)) ** self.k
        coefficient = self.scale * exp(-self.shape * log1p(u / self.A)) * step / u
        enough = mpf(10) ** (-mp.dps // 2)
        total, i, last_ways = mpf(0), 1, mpf(1)
        while True:
            ways = mpf(1)
            if past:
                ways = mpf(0)
                for j in range(k - 1, -1, -1):
                    ways = ways * past + math.comb(k * i - 1, j)
            term = coefficient * ways
            total += term
            stay, rising = self.ratio(i)
            # the growth of ways and rising can only fall, rising to 1 where shape < 1; stay is below 1
            bound = step * max(rising, 1) * ways / last_ways
            if i > 1 and bound < 1 and term * bound / (1 - bound) < enough * total:
                return total
            coefficient *= stay * rising * step
            last_ways = ways
            i += 1


def roots_means(a, b, shape, A, since, k, t):
    """Return the probability of no dropout and the expected purchases in t, as integrals over p.

    z^floor(g/k) is a sum over the k-th roots s of z = 1 - p of s^g times a factor, and s^g has a closed mean.
    """
    weights = open_weights(shape, A, since, k)
    norm, limit = mp.fsum(weights), mpf("1e-40")

    def at(p, q):
        with mp.workdps(2 * mp.dps):
            p, q = max(p, limit), max(q, limit)  # both means are smooth at the ends
            p, q = (p, 1 - p) if p < q else (1 - q, q)
            root, total = q ** (mpf(1) / k), mpf(0)
            for i in range(k // 2 + 1):
                s = root * mp.expjpi(mpf(2 * i) / k)
                still = 1 / (1 + (1 - s) * t / A)
                mean = still**shape * sum(w * (s * still) ** j for j, w in enumerate(weights)) / norm
                total += (1 if 2 * i % k == 0 else 2) * (mean * sum(s**-m for m in range(k)) / k).real
            return total, (1 - total) / p

    return beta_mean(at, a, b)


def summed_discounted(row, shape, A, since, d):
    """Return the values of discounted() by a sum over events and by mpmath's ₂F₁, integrated over the rate."""
    a, k, t, discount = (row[name] for name in ("a", "k", "t", "discount"))
    log_norm = loggamma(shape) - shape * log(A)
    enough = mpf(10) ** (-mp.dps // 2)

    def at(rate):
        worth, mean = rate / (rate + discount), (rate + discount) * t
        open_ = [(rate * since) ** j / math.factorial(j) for j in range(k)]
        poisson, whole, part, m, chances = exp(-mean), mpf(0), mpf(0), 0, stays(a, d)
        stay = next(chances)
        while True:
            # event m from now is a purchase if j of those it takes had happened
            j = -(m + 1) % k
            m += 1
            whole += stay * open_[j] * worth**m
            if j == 0:
                stay = next(chances)
            poisson *= mean / m
            part += poisson * whole
            if m % k == 0 and m > mean and poisson * whole < enough**2 * part:
                break
        first = mp.fsum(o * worth ** (k - j) for j, o in enumerate(open_))
        for_ever = first * agreed(hyp2f1, 1, d, a + d, worth**k)
        prior = exp((shape - 1) * log(rate) - A * rate - log_norm)
        return prior * part, prior * for_ever, prior * mp.fsum(open_)

    part, for_ever, norm = half_line_integral(at, shape / A)
    return part / norm, for_ever / norm


def alternatives(first, row):
    """Return the values by other formulas; at k = 1 those of BG/NBD and MBG/NBD."""
    if row["k"] == 1:
        return beta_geometric.values(first, row)
    r, alpha, a, b = (row[name] for name in PARAMETERS)
    x, t_x, T, t, n, _ = (row[name] for name in INPUTS)
    k, litt = row["k"], row["litt"]
    shape, A, since, d = r + k * x, alpha + T, T - t_x, b + x + first
    # the likelihood at given rate, less its power, which makes the prior Gamma(r + k x)
    alive = power_mean(a, b, x + first)
    lost = power_mean(a, b, x - 1 + first) - alive if x or first else mpf(0)
    terms = [alive * since**j / math.factorial(j) for j in range(k)]

    def likelihood(rate):
        return exp(-rate * T) * mp.polyval(terms[::-1], rate), exp(-rate * t_x)

    open_, leaves = gamma_mean(likelihood, shape, alpha)
    both = open_ + lost * leaves
    p_alive = open_ / both
    gaps = (k - 1) * litt - x * loggamma(k)
    no_dropout, later = roots_means(a, d, shape, A, since, k, t)
    new = roots_means(a, b + first, r, alpha, mpf(0), k, t)[1]
    result = {
        "log_likelihood": gaps + log_rising(r, k * x) - k * x * log(alpha) + log(both),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * no_dropout,
        "conditional_expected_purchases": p_alive * later,
        "expected_purchases": new * (b / (a + b) if first else 1),
        "probability_of_purchases": count_closed(first, k, n, t / alpha, r, a, b),
    }
    if row["discounted"]:
        part, whole = summed_discounted(row, shape, A, since, d)
        result |= {"discounted_expected_purchases": p_alive * part, "dert": p_alive * whole}
    return result


def count_closed(first, k, n, odds, r, a, b):
    """Return P(X(t) = n), all from the tail of the negative binomial as 1 minus its first terms."""
    with mp.workdps(mp.dps + 350):
        terms = nb_terms(r, odds)
        before = 1 - mp.fsum(islice(terms, k * n))
        after = before - mp.fsum(islice(terms, k))
        stay = power_mean(a, b, n + first)
        leave = power_mean(a, b, n + first - 1) - stay if n + first else mpf(0)
        return stay * (before - after) + leave * before


MODELS = {
    name: Model(
        name=name,
        inputs=("set", *PARAMETERS, "k", "x", "t_x", "T", "litt", "t", "n", "discount"),
        outputs=beta_geometric.OUTPUTS,
        rows=partial(rows, name),
        values=partial(values, first),
        alternatives=partial(alternatives, first),
    )
    for name, first in (("cnbdk", 0), ("mcnbdk", 1))
}
