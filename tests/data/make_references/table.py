"""Making, writing, reading and checking a table of reference values."""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from mpmath import mp, mpf, nstr
from mpmath.libmp import NoConvergence

from .drawing import Draw

DIGITS = 50
SMALLEST = mpf("1e-290")
FOLDER = Path(__file__).parents[1] / "models"


@dataclass(frozen=True, slots=True)
class Model:
    """A table: its columns, the rows it has, how a row's values are computed and how they are checked.

    rows() returns the inputs, values(row) and alternatives(row) the outputs as mpf, None for one not wanted.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: Callable[[], list[dict]]
    values: Callable[[dict], dict]
    alternatives: Callable[[dict], dict]

    @property
    def path(self):
        """Return the path of the table."""
        return FOLDER / f"{self.name}.csv.gz"


def exact(row):
    """Return the row with its numbers of type float as the same mpf."""
    return {key: mpf(value) if isinstance(value, float) else value for key, value in row.items()}


def cell(value):
    """Return 17 significant digits of a value; nothing for one that is missing or below 1e-290."""
    missing = value is None or 0 <= value < SMALLEST
    return "" if missing else nstr(value, 17, strip_zeros=True, min_fixed=-4, max_fixed=17).removesuffix(".0")


def evaluate(function, digits, row):
    """Return function(row) with so many working digits."""
    with mp.workdps(digits):
        return function(exact(row))


def line(model, row):
    """Return the cells of a row. A process of its own gives back text, since a pickled mpf loses its digits."""
    values = evaluate(model.values, DIGITS, row)
    inputs = [row[key] if key == "set" else repr(row[key]).removesuffix(".0") for key in model.inputs]
    return inputs + [cell(values[key]) for key in model.outputs]


def make(model, processes=1):
    """Compute and write the table of a model."""
    rows = model.rows()
    if processes == 1:
        lines = [line(model, row) for row in rows]
    else:
        with Pool(processes) as pool:
            lines = pool.map(partial(line, model), rows, chunksize=10)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(model.inputs + model.outputs)
    writer.writerows(lines)
    FOLDER.mkdir(exist_ok=True)
    unfinished = model.path.with_suffix(".part")
    with unfinished.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    unfinished.replace(model.path)


def read(model):
    """Return the rows of a table as written: outputs as text."""
    with gzip.open(model.path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def check(model, size=40):
    """Return the worst relative difference per column, of values recomputed and of other formulas.

    Of the table as written, size random rows are taken and size / 2 more of those with every value.
    """
    rows, written = model.rows(), read(model)
    draw = Draw(f"check {model.name}")
    full = [i for i, row in enumerate(rows) if row.get("discounted")]
    chosen = draw.sample(range(len(rows)), size) | (draw.sample(full, size // 2) if full else set())
    worst = {}
    for i in sorted(chosen):
        for kind, function in (("more digits", model.values), ("other formula", model.alternatives)):
            for key, value in again(function, rows[i]).items():
                if value is None or not written[i][key]:
                    continue
                difference = float(abs(mpf(written[i][key]) - value) / abs(value))
                count, most, row = worst.get((kind, key), (0, -1.0, None))
                worst[kind, key] = (count + 1, *max((most, row), (difference, i)))
    return worst


def again(function, row):
    """Return function(row) with 30 more digits; nothing where the other formula does not converge."""
    try:
        return evaluate(function, DIGITS + 30, row)
    except NoConvergence:
        return {}
