"""The command line: demo, run, assign, explain, check-playbook, list."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

try:
    import typer
    from rich.console import Console
    from rich.table import Table
except ImportError:  # the extra is not installed
    sys.exit("The command line needs typer and rich. Install them: pip install 'valuetier[cli]'.")

from valuetier import demo as demonstration
from valuetier.errors import InvalidDataError, ValueTierError
from valuetier.explain import explanation
from valuetier.files import FORMATS, output_folder, read_table, rows_of_files, write_table
from valuetier.ondisk import DiskRun, run_on_disk
from valuetier.pipeline import RunResult, run
from valuetier.plugins import available_segmenters, segmenter_class
from valuetier.store import load
from valuetier.strategy import Playbook
from valuetier.tiers import assign, kind_of, version_of

MANY_ROWS = 5_000_000  # a log that takes about 2 GB in memory

app = typer.Typer(
    name="valuetier",
    help="From an order log to customer tiers to service actions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Lang = Annotated[str, typer.Option("--lang", help="Language of tiers, actions and report: en or zh.")]
Format = Annotated[str, typer.Option("--format", help=f"Format of tables: {' or '.join(FORMATS)}.")]

errors = Console(stderr=True, highlight=False)
output = Console(highlight=False)


@contextmanager
def _steps(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the running step on the terminal, on standard error."""
    if quiet:
        yield lambda _: None
        return
    with errors.status("starting") as status:
        yield lambda step: status.update(step)


def _tier_rows(result: RunResult | DiskRun) -> list[dict[str, Any]]:
    """Return per tier its customers and spend with their shares."""
    if isinstance(result, RunResult):
        return demonstration.tier_rows(result)
    return result.tier_rows()


def _tiers_json(result: RunResult | DiskRun) -> dict[str, Any]:
    report = result.summary.report
    return {
        "as_of": str(result.summary.as_of),
        "kind": kind_of(result.segmenter),
        "version": version_of(result.segmenter),
        "rows": {line.reason: line.rows for line in report.lines},
        "tiers": _tier_rows(result),
        "withheld": None if result.withheld is None else asdict(result.withheld),
        "files": {name: str(path) for name, path in result.files.items()},
    }


def _print_tiers(title: str, result: RunResult | DiskRun) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("tier")
    for name in ("customers", "share", "spend", "share of spend"):
        table.add_column(name, justify="right")
    for row in _tier_rows(result):
        table.add_row(
            row["tier"], f"{row['customers']:,}", f"{row['customer_share']:.1%}",
            f"{row['spend']:,.2f}", f"{row['spend_share']:.1%}",
        )  # fmt: skip
    output.print(table)


def _print_files(files: Any) -> None:
    for name, path in files.items():
        output.print(f"{name:<12} {path}", soft_wrap=True)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("demo"),
    lang: Lang = "en",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run five segmenters on the real CDNOW order log: tiers, actions and report.html."""
    with _steps(quiet) as step:
        results, files = demonstration.run_demo(out, lang, step)
    if as_json:
        found = {name: _tiers_json(result) for name, result in results.items()}
        print(
            json.dumps(
                {"segmenters": found, "files": {k: str(v) for k, v in files.items()}}, ensure_ascii=False
            )
        )
    elif not quiet:
        first = next(iter(results.values()))
        output.print("CDNOW: all orders of the customers who first bought in January to March 1997.")
        output.print(str(first.summary.report))
        output.print(str(first.concentration) + "\n")
        for name, result in results.items():
            _print_tiers(demonstration.TITLES["en"][name], result)
        output.print(demonstration.NOTES["en"]["kaism"] + "\n")
        _print_files(files)


@app.command("run")
def run_command(
    orders: Annotated[str, typer.Argument(help="Parquet or CSV file of orders, or a glob in quotes.")],
    customer: Annotated[str, typer.Option("--customer", help="Column of customer ids.")] = "customer_id",
    date: Annotated[str, typer.Option("--date", help="Column of dates.")] = "date",
    amount: Annotated[str, typer.Option("--amount", help="Column of amounts.")] = "amount",
    order_id: Annotated[str | None, typer.Option("--order-id", help="Column of order ids.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Last day that counts, such as 2024-06-30.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="First day that counts.")] = None,
    period: Annotated[
        str, typer.Option("--period", help="One occasion: D a day, h an hour, W a week.")
    ] = "D",
    date_format: Annotated[str | None, typer.Option("--date-format", help="How dates are written.")] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Time zone of the calendar days.")
    ] = None,
    refunds: Annotated[str, typer.Option("--refunds", help="net, drop or error.")] = "net",
    refund_of: Annotated[
        str | None, typer.Option("--refund-of", help="Column of the order id that a refund belongs to.")
    ] = None,
    duplicates: Annotated[str, typer.Option("--duplicates", help="keep, drop or error.")] = "keep",
    bad_rows: Annotated[str, typer.Option("--bad-rows", help="raise or drop.")] = "raise",
    cost: Annotated[str | None, typer.Option("--cost", help="Column of costs, in money.")] = None,
    margin: Annotated[
        str | None, typer.Option("--margin", help="Column of what is earned, in money.")
    ] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Column of currencies.")] = None,
    rates: Annotated[
        Path | None, typer.Option("--rates", help="Parquet or CSV file of currency, date and rate.")
    ] = None,
    parents: Annotated[
        Path | None, typer.Option("--parents", help="Parquet or CSV file of customer_id and parent_id.")
    ] = None,
    segmenter: Annotated[str, typer.Option("--segmenter", help="One of `valuetier list`.")] = "rfm",
    playbook: Annotated[
        Path | None, typer.Option("--playbook", help="YAML file of rules and actions.")
    ] = None,
    suppress: Annotated[
        Path | None,
        typer.Option("--suppress", help="Parquet or CSV file of customer_id (and channel, until)."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("valuetier-out"),
    file_format: Format = "parquet",
    lang: Lang = "en",
    on_disk: Annotated[
        bool | None,
        typer.Option(
            "--on-disk/--in-memory",
            help=f"Keep customers in files and learn from a million of them. Default: from {MANY_ROWS:,} rows on.",
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """From an order log to customers, tiers, actions, report.html and model.json."""
    large = rows_of_files(orders) >= MANY_ROWS if on_disk is None else on_disk
    with _steps(quiet) as step:
        result = (run_on_disk if large else run)(
            orders, customer=customer, date=date, amount=amount, order_id=order_id, as_of=as_of,
            since=since, period=period, date_format=date_format, timezone=timezone, refunds=refunds,
            refund_of=refund_of, duplicates=duplicates, bad_rows=bad_rows, cost=cost, margin=margin,
            currency=currency, rates=_in_text(rates), parents=_in_text(parents), segmenter=segmenter,
            playbook=playbook, out=out, file_format=file_format, lang=lang, suppress=suppress,
            progress=step,
        )  # fmt: skip
    if as_json:
        print(json.dumps(_tiers_json(result), ensure_ascii=False))
    elif not quiet:
        output.print(str(result.summary.report) + "\n")
        _print_tiers(segmenter, result)
        if result.withheld is not None:
            output.print(result.withheld.sentence(lang), soft_wrap=True)
        _print_files(result.files)


def _in_text(file: Path | None) -> Any:
    """Return the table of a file, text as it stands there: 007 is another account than 7."""
    return None if file is None else read_table(file, as_text=True)


@app.command("assign")
def assign_command(
    model: Annotated[Path, typer.Argument(help="model.json of an earlier run.")],
    customers: Annotated[Path, typer.Argument(help="Parquet or CSV file of a customer table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the tiers.")] = Path("valuetier-out"),
    file_format: Format = "parquet",
    lang: Lang = "en",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Give customers their tiers by the cuts learned earlier."""
    assignment = assign(load(model), read_table(customers))
    path = write_table(assignment.to_frame(lang), output_folder(out), "tiers", file_format)
    sizes = {str(tier): int(n) for tier, n in assignment.counts(lang).items()}
    if as_json:
        print(
            json.dumps({"version": assignment.version, "tiers": sizes, "file": str(path)}, ensure_ascii=False)
        )
    elif not quiet:
        for tier, n in sizes.items():
            output.print(f"{tier:<16} {n:>12,}")
        _print_files({"tiers": path})


@app.command()
def explain(
    model: Annotated[Path, typer.Argument(help="model.json of an earlier run.")],
    customers: Annotated[Path, typer.Argument(help="Parquet or CSV file of a customer table.")],
    customer: Annotated[
        str | None, typer.Option("--customer", help="Id of one customer; all by default.")
    ] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Say why customers are in their tiers, and what would change that."""
    table = read_table(customers)
    if customer is not None:
        table = table[table["customer_id"].astype(str) == customer]
        if table.empty:
            raise InvalidDataError(f"{customers.name} has no customer with that id. Check --customer.")
    found = explanation(load(model), table)
    if as_json:
        print(found.explained(lang).to_json(orient="records", force_ascii=False, date_format="iso"))
    elif customer is not None:
        output.print(found.customer(found.assignment.ids[0], lang), soft_wrap=True, markup=False)
    else:
        for row in found.explained(lang).itertuples():
            text = f"{row.customer_id}  {row.tier}: {row.reason} | {row.to_next} | {row.to_lose}"
            output.print(text, soft_wrap=True, markup=False)
        output.print(found.cuts(lang), soft_wrap=True, markup=False)


@app.command("check-playbook")
def check_playbook(
    file: Annotated[Path, typer.Argument(help="YAML file of rules and actions.")],
    model: Annotated[
        Path | None, typer.Option("--model", help="model.json whose tiers and segments it must answer.")
    ] = None,
    customers: Annotated[
        Path | None, typer.Option("--customers", help="Parquet or CSV file with the columns it looks at.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a playbook: every tier answered, every rule reached, every name known."""
    playbook = Playbook.from_yaml(file)
    columns = None if customers is None else list(read_table(customers).columns)
    if model is not None:
        playbook.check_against(load(model), columns)
    elif columns is not None:
        playbook.refuse_missing(columns)
    if as_json:
        print(json.dumps(_playbook_json(playbook), ensure_ascii=False))
        return
    output.print(
        f"{file.name}: {playbook.title.en}: {len(playbook.rules)} rules, {len(playbook.actions)} actions, "
        "every case is answered."
    )


def _playbook_json(playbook: Playbook) -> dict[str, Any]:
    return {
        "name": playbook.name,
        "version": playbook.version,
        "hit_policy": playbook.hit_policy,
        "columns": list(playbook.columns),
        "rules": [rule.id for rule in playbook.rules],
        "actions": list(playbook.actions),
    }


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the installed segmenters."""
    found = {name: _first_line(segmenter_class(name)) for name in available_segmenters()}
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for name, line in found.items():
            output.print(f"{name:<12} {line}", soft_wrap=True)


def _first_line(cls: type[Any]) -> str:
    return (cls.__doc__ or "").strip().split("\n")[0]


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        app()
    except ValueTierError as error:
        problem = str(error)
    except FileNotFoundError as error:
        problem = f"there is no file {str(error.filename)!r}. Check the path."
    else:
        return
    errors.print(f"error: {problem}", markup=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
