"""BG/BB (Fader, Hardie & Shang 2010).

At each opportunity a customer buys with probability p ~ Beta(alpha, beta) while alive, and before each one is lost
with probability θ ~ Beta(gamma, delta).
"""

from mpmath import beta as beta_function
from mpmath import exp, hyp2f1, log, mp, mpf

from .drawing import ROWS_PER_SET, SETS, Draw
from .numerics import agreed, beta_mean, log_beta
from .table import Model

PARAMETERS = ("alpha", "beta", "gamma", "delta")
INPUTS = ("x", "t_x", "n", "t", "n_purchases", "discount")


def rows():
    """Return the rows of the table."""
    draw = Draw("bgbb")
    return [
        {"set": set_} | row(draw, extreme=set_ == "extreme") for set_ in SETS for _ in range(ROWS_PER_SET)
    ]


def row(draw, extreme):
    """Return the inputs of a row; gamma near 1, where the closed form has its removable pole, among them."""
    low, high = (1e-2, 1e3) if extreme else (0.1, 10)
    values = {name: draw.log_uniform(low, high) for name in PARAMETERS}
    if draw.chance(0.05):
        values["gamma"] = draw.near_one()
    n = draw.log_integer(1, 300) if extreme else draw.integer(1, 30)
    t_x = 0 if draw.chance(1 / 6) else n if draw.chance(0.1) else draw.integer(1, n)
    t = draw.log_integer(1, 2000) if extreme else draw.integer(1, 50)
    discount = draw.log_uniform(1e-4, 1) if extreme else draw.log_uniform(1e-3, 0.3)
    return values | {
        "x": draw.integer(1, t_x) if t_x else 0,
        "t_x": t_x,
        "n": n,
        "t": t,
        "n_purchases": draw.integer(0, t) if draw.chance(0.5) else draw.integer(0, min(t, 5)),
        "discount": discount,
    }


def survivors(gamma, delta, steps):
    """Return P(alive at opportunity i) for i = 0, ..., steps and P(lost right after i) for i < steps."""
    alive, lost = [mpf(1)], []
    for i in range(steps):
        total = gamma + delta + i
        lost.append(alive[-1] * gamma / total)
        alive.append(alive[-1] * (delta + i) / total)
    return alive, lost


def purchase_terms(alpha, beta, x, misses):
    """Return E[p^x (1-p)^m] for m = misses, misses + 1, ... without end."""
    term = exp(log_beta(alpha + x, beta + misses) - log_beta(alpha, beta))
    while True:
        yield term
        term *= (beta + misses) / (alpha + beta + x + misses)
        misses += 1


def values(row):
    """Return the values of a row."""
    alpha, beta, gamma, delta = (row[name] for name in PARAMETERS)
    x, t_x, n, t, n_purchases, discount = (row[name] for name in INPUTS)
    alive, lost = survivors(gamma, delta, n)
    terms = purchase_terms(alpha, beta, x, t_x - x)
    dead = mp.fsum(next(terms) * lost[i] for i in range(t_x, n))
    still = next(terms) * alive[n]
    p_alive = still / (still + dead)

    rate = p_alive * (alpha + x) / (alpha + beta + n)
    later = survivors(gamma, delta + n, t)[0]
    discounted = mp.fsum(v * (1 + discount) ** -i for i, v in enumerate(later[1:], 1))
    (for_ever,) = beta_mean(lambda theta, stays: (stays / (theta + discount),), gamma, delta + n)

    alive, lost = survivors(gamma, delta, t)
    return {
        "log_likelihood": log(still + dead),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * later[t],
        "conditional_expected_purchases": rate * mp.fsum(later[1:]),
        "expected_purchases": alpha / (alpha + beta) * mp.fsum(alive[1:]),
        "probability_of_purchases": count_probability(n_purchases, alpha, beta, alive, lost),
        "discounted_expected_purchases": rate * discounted,
        "dert": rate * for_ever,
    }


def count_probability(count, alpha, beta, alive, lost):
    """Return P(X = count) of a new customer over all opportunities (eq. 8)."""
    ways, total = mpf(1), mpf(0)
    for i, term in zip(range(count, len(lost) + 1), purchase_terms(alpha, beta, count, 0), strict=False):
        total += ways * term * (lost[i] if i < len(lost) else alive[i])
        ways *= mpf(i + 1) / (i + 1 - count)
    return total


def expected_closed(gamma, delta, t):
    """Return the expected number of opportunities alive, of the next t, in closed form; at gamma = 1 as a limit."""
    if gamma == 1:
        gamma += mpf(10) ** (-mp.dps // 2)
    difference = beta_function(gamma - 1, delta + 1) - beta_function(gamma - 1, delta + t + 1)
    return difference / beta_function(gamma, delta)


def for_ever_closed(gamma, delta, y):
    """Return the sum over i >= 1 of y^i P(alive at opportunity i), as a ₂F₁."""
    return y * delta / (gamma + delta) * hyp2f1(1, delta + 1, gamma + delta + 1, y)


def alternatives(row):
    """Return the values by other formulas: differences of survivors, closed sums."""
    alpha, beta, gamma, delta = (row[name] for name in PARAMETERS)
    x, t_x, n, t, n_purchases, discount = (row[name] for name in INPUTS)

    def alive(i):
        return beta_function(gamma, delta + i) / beta_function(gamma, delta)

    def bought(count, chances):
        return beta_function(alpha + count, beta + chances - count) / beta_function(alpha, beta)

    # by parts: P(lost right after i) = alive(i) - alive(i + 1)
    likelihood = bought(x, t_x) * alive(t_x) - mp.fsum(
        (bought(x, i - 1) - bought(x, i)) * alive(i) for i in range(t_x + 1, n + 1)
    )
    p_alive = bought(x, n) * alive(n) / likelihood
    rate = p_alive * (alpha + x) / (alpha + beta + n)
    stays, y = alive(n + t) / alive(n), 1 / (1 + discount)
    whole = agreed(for_ever_closed, gamma, delta + n, y)
    after = agreed(for_ever_closed, gamma, delta + n + t, y)
    ever = [mp.binomial(i, n_purchases) * bought(n_purchases, i) for i in range(n_purchases, t + 1)]
    lives = [alive(i) for i in range(n_purchases, t + 1)]
    return {
        "log_likelihood": log(likelihood),
        "probability_alive": p_alive,
        "probability_alive_future": p_alive * stays,
        "conditional_expected_purchases": rate * agreed(expected_closed, gamma, delta + n, t),
        "expected_purchases": alpha / (alpha + beta) * agreed(expected_closed, gamma, delta, t),
        "probability_of_purchases": ever[-1] * lives[-1]
        + mp.fsum(e * (this - after) for e, this, after in zip(ever, lives, lives[1:], strict=False)),
        "discounted_expected_purchases": rate * (whole - y**t * stays * after),
        "dert": rate * whole,
    }


MODEL = Model(
    name="bgbb",
    inputs=("set", *PARAMETERS, *INPUTS),
    outputs=(
        "log_likelihood",
        "probability_alive",
        "probability_alive_future",
        "conditional_expected_purchases",
        "expected_purchases",
        "probability_of_purchases",
        "discounted_expected_purchases",
        "dert",
    ),
    rows=rows,
    values=values,
    alternatives=alternatives,
)
