"""Make the tables of reference values in tests/data/models, or check them.

python tests/data/make_model_references.py                 all tables, in about half an hour
python tests/data/make_model_references.py pareto_nbd      one of them
python tests/data/make_model_references.py --check bgbb    random rows again, with more digits and by other formulas

The mathematics is in make_references, one module per model family. Only mpmath is needed.
"""

import argparse
import time


def load_models():
    """Return the models by name, in the order in which their tables are made."""
    from make_references import beta_geometric, bgbb, cnbd, gamma_gamma, pareto_nbd, sbg

    continuous = {"pareto_nbd": pareto_nbd.MODEL} | dict(reversed(beta_geometric.MODELS.items()))
    return continuous | {m.MODEL.name: m.MODEL for m in (bgbb, gamma_gamma, sbg)} | cnbd.MODELS


def arguments(names):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", nargs="*", metavar="model", help=f"of {', '.join(names)}; all if none is given"
    )
    parser.add_argument("--processes", type=int, default=1, help="at the same time, 1 if not given")
    parser.add_argument("--check", action="store_true", help="check tables instead of making them")
    options = parser.parse_args()
    unknown = set(options.models) - set(names)
    if unknown:
        parser.error(f"no table is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


def report(worst):
    """Print the worst relative difference of each column and in which row of the table it is, 0 the first."""
    for (kind, column), (count, difference, row) in worst.items():
        print(f"  {kind:13}  {column:30}  {difference:.1e}  in {count} values, at row {row}", flush=True)


def main():
    """Make or check the tables named on the command line."""
    from make_references.table import check, make

    models = load_models()
    options = arguments(models)
    for name in options.models or models:
        start = time.perf_counter()
        if options.check:
            report(check(models[name]))
        else:
            make(models[name], options.processes)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
