"""Integrals of positive functions and a few special functions, at the precision set in mpmath.

Every integral is a trapezoidal sum in a variable in which the integrand falls off double exponentially
(Takahasi & Mori 1974). The step is halved until two sums agree to a quarter of the working digits; halving the
step squares the error, so the last sum is good to about half of them.
"""

from mpmath import exp as exp_
from mpmath import hyp2f1, inf, log, loggamma, mp, mpf, sqrt
from mpmath.libmp import NoConvergence

MAX_HALVINGS = 9
TINY = mpf("1e-10")


def log1p(x):
    """Return log(1 + x), to all but ten of the working digits; much faster than mpmath's where x is not tiny."""
    return log(1 + x) if abs(x) > TINY else mp.log1p(x)


def expm1(x):
    """Return exp(x) - 1, to all but ten of the working digits; much faster than mpmath's where x is not tiny."""
    return exp_(x) - 1 if abs(x) > TINY else mp.expm1(x)


def log_beta(a, b):
    """Return log B(a, b)."""
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def log_rising(a, n):
    """Return log of the rising factorial Γ(a + n) / Γ(a)."""
    return loggamma(a + n) - loggamma(a)


def power_mean(a, b, n):
    """Return E[(1-p)^n] for p ~ Beta(a, b)."""
    return exp_(log_beta(a, b + n) - log_beta(a, b))


def trapezoid(integrand):
    """Return the integrals over the real line of a function with a tuple of positive values.

    The function falls off on both sides of one hump or plateau. The first pass walks away from 0 until the
    values fall and no longer count, which sets the range; later passes fill in the midpoints.
    """
    negligible = mpf(10) ** (-mp.dps // 2)
    enough = mpf(10) ** (-mp.dps // 4)
    step = mpf(1) / 4
    at_zero = integrand(mpf(0))
    sums, ends = list(at_zero), []
    for direction in (1, -1):
        j, last = 0, at_zero
        while True:
            j += 1
            values = integrand(direction * j * step)
            sums = [s + v for s, v in zip(sums, values, strict=True)]
            if all(
                v <= before and v <= negligible * s for v, before, s in zip(values, last, sums, strict=True)
            ):
                break
            last = values
        ends.append(direction * j)
    high, low = ends
    totals = [s * step for s in sums]
    for _ in range(MAX_HALVINGS):
        middles = [integrand((j + mpf(0.5)) * step) for j in range(low, high)]
        before = totals
        totals = [
            (t + step * mp.fsum(m)) / 2 for t, m in zip(totals, zip(*middles, strict=True), strict=True)
        ]
        low, high, step = 2 * low, 2 * high, step / 2
        if all(abs(t - b) <= enough * t for t, b in zip(totals, before, strict=True)):
            return tuple(totals)
    raise NoConvergence(
        f"The trapezoidal sums still differ after {MAX_HALVINGS} halvings: {totals}, {before}."
    )


def sinh_cosh(tau):
    """Return sinh and cosh of tau from one exponential."""
    up = exp_(tau)
    return (up - 1 / up) / 2, (up + 1 / up) / 2


def logistic(y):
    """Return p = 1/(1+e^-y), 1 - p and their logarithms, the small one of each pair to full precision."""
    small = exp_(-abs(y))
    q, p, log_p = small / (1 + small), 1 / (1 + small), -log(1 + small)
    log_q = log_p - abs(y)
    return (p, q, log_p, log_q) if y >= 0 else (q, p, log_q, log_p)


def beta_mean(function, a, b):
    """Return the means of function(p, 1 - p), a tuple, over p ~ Beta(a, b)."""
    centre, width = log(a / b), min(mpf(1), sqrt(1 / a + 1 / b))
    log_norm = log_beta(a, b)

    def integrand(tau):
        sinh, cosh = sinh_cosh(tau)
        p, q, log_p, log_q = logistic(centre + width * sinh)
        weight = width * cosh * exp_(a * log_p + b * log_q - log_norm)
        return tuple(weight * v for v in function(p, q))

    return trapezoid(integrand)


def gamma_mean(function, shape, rate):
    """Return the means of function(rate_value), a tuple, over a Gamma(shape, rate)."""
    width = min(mpf(1), 1 / sqrt(shape))
    log_norm = loggamma(shape) - shape * log(shape)

    def integrand(tau):
        sinh, cosh = sinh_cosh(tau)
        log_scale = width * sinh
        scale = exp_(log_scale)
        weight = width * cosh * exp_(shape * (log_scale - scale) - log_norm)
        return tuple(weight * v for v in function(shape / rate * scale))

    return trapezoid(integrand)


def interval_integral(function, length):
    """Return the integrals over 0 < u < length of function(u), a tuple of positive values."""

    def integrand(tau):
        sinh, cosh = sinh_cosh(tau)
        p, q, _, _ = logistic(3 * sinh)
        weight = 3 * cosh * length * p * q
        return tuple(weight * v for v in function(length * p))

    return trapezoid(integrand)


def half_line_integral(function, scale):
    """Return the integrals over u > 0 of function(u), a tuple of positive values that vary on a scale."""

    def integrand(tau):
        sinh, cosh = sinh_cosh(tau)
        u = scale * exp_(sinh)
        return tuple(cosh * u * v for v in function(u))

    return trapezoid(integrand)


def integral_to(function, horizon, scale):
    """Return the integrals over 0 < u < horizon, which may be infinite."""
    return half_line_integral(function, scale) if horizon == inf else interval_integral(function, horizon)


def scaled_expint(order, z):
    """Return e^z E_order(z), the generalised exponential integral, for z > 0.

    By its continued fraction (DLMF 8.19.17, contracted) where that converges fast, else from mpmath.
    """
    if z < 10 and order + z < 40:
        return exp_(z) * mp.expint(order, z)
    b = z + order
    c, d = mpf(10) ** (10 * mp.dps), 1 / b
    result = d
    for m in range(1, 100_000):
        a = -m * (order + m - 1)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        result *= c * d
        if abs(c * d - 1) < mp.eps:
            return result
    raise NoConvergence(f"The continued fraction of E_{order}({z}) does not end.")


def discounted_decay(discount, scale, power, horizon=inf):
    """Return the integral of e^(-discount u) (1 + u/scale)^-power over 0 < u < horizon."""
    whole = scale * scaled_expint(power, discount * scale)
    if horizon == inf:
        return whole
    later = exp_(-discount * horizon + (1 - power) * log1p(horizon / scale))
    return whole - scale * later * scaled_expint(power, discount * (scale + horizon))


def geometric_beta(b, c, y):
    """Return ₂F₁(1, b; c; y), the sum of (b)_i / (c)_i y^i, for 0 < y < 1 and c > b.

    By Gauss's continued fraction, or from mpmath where y is near 1.
    """
    if y > mpf("0.99"):
        return hyp2f1(1, b, c, y)
    # 1 / (1 - k1 y / (1 - k2 y / ...)), evaluated from the front (modified Lentz)
    c_, d, result = mpf(1), mpf(0), mpf(1)
    for m in range(1, 100_000):
        i = m // 2
        k = i * (c - b + i - 1) if m % 2 == 0 else (b + i) * (c + i - 1)
        k = b / c if m == 1 else k / ((c + m - 2) * (c + m - 1))
        d = 1 / (1 - k * y * d)
        c_ = 1 - k * y / c_
        result *= c_ * d
        if abs(c_ * d - 1) < mp.eps:
            return 1 / result
    raise NoConvergence(f"The continued fraction of 2F1(1, {b}; {c}; {y}) does not end.")


def log_nb(n, r, odds):
    """Return log P(N = n), N Poisson with a Gamma(r, 1) rate times odds (= time / rate parameter)."""
    return log_rising(r, n) - loggamma(n + 1) - r * log1p(odds) - n * log1p(1 / odds)


def nb_terms(r, odds):
    """Return P(N = n) for n = 0, 1, ... without end, by recurrence."""
    term, n = exp_(-r * log1p(odds)), 0
    while True:
        yield term
        term *= (r + n) / (n + 1) * odds / (1 + odds)
        n += 1


def nb_tail(n, r, odds):
    """Return P(N >= n) for the N of log_nb: the first term times a series of positive terms, a ₂F₁."""
    if n == 0:
        return mpf(1)
    y = odds / (1 + odds)
    highest = max(0, ((n + r) * y - n - 1) / (1 - y))  # the place of the largest term
    if highest + 3 * mp.dps / (1 - y) > 5000:
        return exp_(log_nb(n, r, odds)) * hyp2f1(n + r, 1, n + 1, y)
    total, term, j = mpf(0), mpf(1), 0
    while j <= highest or term > mp.eps * total * (1 - y):
        total += term
        term *= (n + r + j) / (n + 1 + j) * y
        j += 1
    return exp_(log_nb(n, r, odds)) * total


def agreed(function, *arguments):
    """Return a value for which mpmath gives the same 30 digits twice, at a precision and at twice that.

    For closed forms that cancel: at extreme arguments mpmath's own guard digits are too few.
    """
    digits = mp.dps
    before = None
    while digits < 3000:
        with mp.workdps(digits):
            value = function(*arguments)
        if before is not None and abs(value - before) <= mpf("1e-30") * abs(value):
            return value
        before, digits = value, 2 * digits
    raise NoConvergence(f"No two precisions agree on {function.__name__}{arguments}.")
