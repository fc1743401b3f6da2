"""`huggins catalog`: survey tables to one table of targets."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer needs it at run time)
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER
from huggins.plurals import counted

if TYPE_CHECKING:
    from huggins.catalog import Targets


@options.with_messages
def catalog(
    context: typer.Context,
    tables: Annotated[
        list[Path],
        typer.Argument(
            metavar="TABLE...",
            help="Survey tables: FITS, CSV or ECSV, gzipped or not.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        options.output(
            "FILE",
            "The table of targets: .parquet, .fits, .csv or .ecsv; without it only the "
            "counts are printed.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="What the tables are, once for all or once for each: DR16Q_Superset, DR16Q, "
            "DR14Q, DR12Q_Superset, DR12Q, SDSS-V, specObj (spAll too) or DESI. Without it "
            "their columns tell.",
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            "-m",
            metavar="ROLE=COLUMN",
            help="For any other table, which column is what: class, subclass, z, z_err, "
            "zwarning, trust, plate, mjd, fiberid, run2d, thing_id, targetid, specobjid, ra, "
            "dec, sn or survey; repeatable.",
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help="A selection by name: seed (quasars of DR14Q, BOSS stars of specObj or spAll, "
            "galaxies of the DR12Q superset).",
        ),
    ] = "",
    where: Annotated[
        str,
        typer.Option(
            "--where",
            "-w",
            metavar="EXPR",
            help='Targets to keep, such as "TRUST >= 2 and SN_MEDIAN > 3".',
        ),
    ] = "",
    per_class: Annotated[
        int | None,
        typer.Option("--per-class", metavar="N", help="Keep at most N of each class."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the choice of --per-class.")] = 0,
    radius: options.Radius = 1.0,
    duplicates: Annotated[
        str,
        typer.Option(
            "--duplicates",
            metavar="error|first",
            help="What to do where one table has a spectrum twice.",
        ),
    ] = "error",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="PNG|PDF", help="Plot the number of spectra per class."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Merge survey catalogues into one table of targets with class, redshift and trust."""
    from huggins.catalog import Settings, check, make_targets, parse_map, report, write_targets

    if output is not None:
        check(output, tables, overwrite=overwrite)
    if plot is not None:
        _check_picture(plot, tables, overwrite=overwrite)
    settings = Settings(
        kind=tuple(kind or ()),
        columns=parse_map(mapping or ()),
        recipe=recipe,
        where=where,
        per_class=per_class,
        seed=seed,
        radius=radius,
        duplicates=duplicates,
    )
    targets = make_targets(tables, settings)
    if output is not None:
        write_targets(output, targets, options.command_line(context), overwrite=overwrite)
        LOGGER.info("%s in %s", counted(len(targets), "target"), output)
    if plot is not None:
        _draw(targets, plot)
    if not options.is_quiet():
        print(report(targets))
    return 0


def _check_picture(path: Path, inputs: list[Path], *, overwrite: bool) -> None:
    from huggins.errors import InputError
    from huggins.runs.files import check_writable

    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"--plot: {path}: the name must end in .png, .pdf or .svg")
    check_writable(path, inputs=inputs, overwrite=overwrite)


def _draw(targets: Targets, path: Path) -> None:
    from huggins.catalog.counting import TRUSTS, count_classes
    from huggins.plot import save_figure
    from huggins.plot.counts import plot_counts

    counts = count_classes(targets)
    names = [count.name or f"{count.broad or 'none'}?" for count in counts]
    parts = [f"trust {trust}" for trust in TRUSTS]
    save_figure(plot_counts(names, [count.by_trust for count in counts], parts), path)
