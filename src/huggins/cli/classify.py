"""`huggins classify`: from files to a table."""

from __future__ import annotations

import math
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import SOME_FAILED, options, status
from huggins.cli.options import LOGGER
from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from huggins.inference.table import Rows

#: What stands for standard output.
_STANDARD = Path("-")


@options.with_messages
def classify(
    context: typer.Context,
    inputs: options.Inputs,
    output: Annotated[
        Path | None,
        options.output(
            "OUT",
            "The table: .fits, .csv, .tsv, .ecsv, .vot, .parquet or .jsonl, also with .gz "
            "behind it; - for standard output. Without it a short table is printed.",
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of OUT where its name does not tell it: fits, csv, tsv, ecsv, vot, "
            "parquet, jsonl, or redrock (FITS as DESI's tools read it). csv for -o -.",
        ),
    ] = "",
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            metavar="FILE",
            help="Write the best-fit models too, a row per spectrum: .fits or .npz.",
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            "--features",
            metavar="FILE",
            help="Write what the network's last layer makes of each spectrum too: .npy, .npz "
            "or .parquet.",
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            "--candidates",
            metavar="N",
            min=1,
            help="Write the N most probable different redshifts of each spectrum too: HDU "
            "CANDIDATES of a .fits table, OUT.candidates.csv (or the like) beside any other.",
            show_default=False,
        ),
    ] = None,
    z: Annotated[
        str | None,
        typer.Option(
            "--z",
            metavar="COLUMN|FILE",
            help="Classify at given redshifts: in a table with FILE, PLATE-MJD-FIBERID, "
            "SPECOBJID or TARGETID, in a column of an @LIST or of --rows, or PIPE_Z, the "
            "survey's own.",
            show_default=False,
        ),
    ] = None,
    sets: Annotated[
        float | None,
        typer.Option(
            "--sets",
            metavar="FRACTION",
            help="Add a column CLASS_SET: classes of which one is right for this fraction of "
            "the spectra, such as 0.95.",
        ),
    ] = None,
    model: options.Model = "huggins",
    no_redshift: Annotated[
        bool,
        typer.Option(
            "--no-redshift",
            help="Network only, ten times faster: Z is then the redshift of the network, good "
            "for searches but not for velocities.",
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0.0,
            max=1.0,
            help="PROB below which ZWARNING is set; by default that of the model.",
        ),
    ] = None,
    desi_columns: Annotated[
        bool,
        typer.Option(
            "--desi-columns", help="Name columns SPECTYPE, SUBTYPE, ZERR, ZWARN as DESI does."
        ),
    ] = False,
    left_out: Annotated[
        bool,
        typer.Option(
            "--left-out",
            help="Give files in folders that hold no spectra their rows too, with the reason "
            "in ERROR.",
        ),
    ] = False,
    air: options.Air = False,
    targetid: options.TargetIds = None,
    fiber: options.Fibers = None,
    rows: options.Rows = None,
    columns: options.ColumnNames = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size", min=1, help="Spectra per inference; does not change results."
        ),
    ] = 64,
    jobs: options.Jobs = 0,
    cluster: options.Cluster = "",
    slurm: options.Slurm = False,
) -> int:
    """Classify spectra and measure their redshifts.

    One row per spectrum in the order of the inputs, including failed inputs. Exit status 0: all
    done; 1: done, but some inputs failed, for the reason in the column ERROR; 2: nothing done.
    Results are kept in OUT.part until the table is complete, and --resume continues from there
    (a file is known by its path: one that was replaced meanwhile keeps its row); without it,
    OUT.part of an interrupted run is moved to OUT.part.old (old2, old3, ... where that is
    there). An existing table OUT is replaced once the new one is complete; any other file is
    not, without --overwrite.
    """
    # Before numpy comes: the matrices of the fit are small, and threads of linear algebra that
    # wait for more would take the cores from its processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from huggins.inference.crew import Crew

    workers_elsewhere = bool(cluster or slurm)
    crew = context.with_resource(Crew(1 if workers_elsewhere else jobs))
    # Meanwhile this process loads what it needs.
    crew.start_for(inputs, redshift=not no_redshift)
    from huggins.cli.progress import Progress
    from huggins.inference import (
        Inputs,
        Settings,
        classify_rows,
        classify_to_file,
        journal_path,
    )
    from huggins.inference.chosen import chosen
    from huggins.inference.counting import Counts, left_out_lines
    from huggins.inference.given import NOTHING, given_redshifts
    from huggins.inference.sets import checked
    from huggins.plurals import counted
    from huggins.runs.workers import Workers

    settings = Settings(
        jobs,
        batch_size,
        threshold,
        air,
        redshift=not no_redshift,
        selection=chosen(targetid or (), fiber or (), rows),
        columns=tuple(options.column_names(columns).items()),
        candidates=candidates or 0,
        given=NOTHING if z is None else given_redshifts(z, inputs, [rows]),
        sets=0.0 if sets is None else checked(sets),
    )
    workers = Workers(jobs or 1, cluster, slurm) if workers_elsewhere else None
    if workers is not None and output in (None, _STANDARD):
        raise InputError("a run on a cluster needs -o: its rows are kept beside the table")
    if features is not None:
        from huggins.runs.files import check_writable
        from huggins.view.features import ENDINGS, holds_features

        if output in (None, _STANDARD):
            raise InputError("--features goes with a table: name it with -o")
        check_writable(
            features,
            ENDINGS,
            inputs=inputs,
            kind="file of features",
            same_kind=holds_features,
            overwrite=overwrite,
        )
    if output is None and (form or models is not None or candidates or sets is not None):
        raise InputError(
            "--format, --models, --candidates and --sets go with a table: name it with -o, or "
            "-o -"
        )
    if candidates and output == _STANDARD and form != "fits":
        raise InputError(
            "standard output holds one table: --candidates needs a file, named with -o, or "
            "--format fits"
        )
    if output == _STANDARD and resume:
        raise InputError("standard output cannot be resumed: name a file with -o")
    paths = Inputs(inputs, exclude=output, keep_left_out=left_out)
    if output is None:
        counts = Counts()
        parts = classify_rows(paths, model=model, settings=settings)
        _print_short(counts.counting(parts))
    else:
        kept = f"results are kept in {journal_path(output)}, and --resume goes on"
        if output == _STANDARD:
            kept = "nothing is kept: name a file with -o to be able to --resume"
        seen: set[str] = set()
        with (
            options.resumable(kept),
            _placed(output, form) as target,
            Progress(paths) as progress,
        ):

            def watch(rows: Rows) -> None:
                progress.add(rows)
                seen.update(rows.texts["TARGETID"])

            summary = classify_to_file(
                paths,
                target,
                model=model,
                settings=settings,
                workers=workers,
                crew=crew,
                desi=desi_columns,
                resume=resume,
                overwrite=overwrite,
                form=form or ("csv" if output == _STANDARD else ""),
                models=models,
                command=options.command_line(context),
                begin=progress.begin,
                watch=watch,
            )
        if features is not None:
            from huggins.view.features import write_features

            spectra = counted(summary.counts.rows, "spectrum")
            LOGGER.info("%s: features of %s", features, spectra)
            write_features(output, features, model)
        missing = settings.selection.targetids - seen
        if missing and not resume:
            LOGGER.warning(
                "no spectrum of %s in these files",
                replace(settings.selection, targetids=missing),
            )
        counts = summary.counts
        new = counts.rows - summary.resumed
        before = f" and {summary.resumed} of an earlier run" if summary.resumed else ""
        if summary.finished:
            LOGGER.info(
                "%s is complete with %s: there is nothing to resume (leave out --resume to "
                "classify anew)",
                output,
                counted(counts.rows, "spectrum"),
            )
        else:
            LOGGER.info(
                "%s in %.1f s (%.0f/s)%s, %d failed: %s",
                counted(new, "spectrum"),
                summary.seconds,
                new / max(summary.seconds, 1e-9),
                before,
                counts.failed,
                "written to standard output" if output == _STANDARD else output,
            )
    for line in (*left_out_lines(paths.left_out), *counts.lines()):
        LOGGER.info("%s", line)
    return status(counts.rows, counts.failed) or (SOME_FAILED if paths.missed else 0)


@contextmanager
def _placed(output: Path, form: str) -> Iterator[Path]:
    """Return where to write the table; at the end it goes to standard output where asked."""
    if output != _STANDARD:
        yield output
        return
    with TemporaryDirectory(prefix="huggins-") as folder:
        path = Path(folder) / f"table.{'fits' if form == 'redrock' else form or 'csv'}"
        yield path
        with path.open("rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _print_short(parts: Iterable[Rows]) -> None:
    """Print the short table as rows come."""
    from huggins.quality import ZWarning, names
    from huggins.taxonomy import BROAD, CLASSES

    line = "{:7} {:>6}  {:8} {:>6} {:>9} {:>8} {:>6}  {:25} {:>5}  {}"
    heads = "CLASS PROB SUBCLASS PROB Z Z_ERR S/N ZWARNING INDEX FILE"
    for number_of_part, rows in enumerate(parts):
        if not number_of_part:  # not before it is known that there is such a model
            print(line.format(*heads.split()))
        for number, cls, sub, file, error in zip(
            rows.numbers,
            *(rows.texts[name] for name in ("CLASS", "SUBCLASS", "FILE", "ERROR")),
            strict=True,
        ):
            bits = int(number["ZWARNING"])
            nothing = "sky" if bits & ZWarning.SKY and not error else "-"
            whole = sum(float(number[f"P_{n}"]) for n in CLASSES if BROAD[n] == cls)
            print(
                line.format(
                    cls or nothing,
                    _chance(whole if cls else math.nan),
                    sub or "-",
                    _chance(number["PROB"]),
                    _decimal(number["Z"], 5),
                    _decimal(number["Z_ERR"], 5),
                    _decimal(number["SN_MEDIAN"], 1),
                    _fitting(names(bits), 25) or "0",
                    number["INDEX"],
                    f"{file}: {error}" if error else file,
                )
            )


def _chance(value: float) -> str:
    """Return a probability; none is 1."""
    return ">0.999" if value > 0.9995 else _decimal(value, 3)


def _decimal(value: float, digits: int) -> str:
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(float(value), digits) + 0.0:.{digits}f}" if math.isfinite(value) else "-"


def _fitting(words: list[str], width: int) -> str:
    """Return as many words as fit, and how many are left: a column stays one.

    >>> _fitting(["SKY", "SMALL_DELTA_CHI2", "POORDATA"], 25)
    'SKY,SMALL_DELTA_CHI2,+1'
    """
    if len(",".join(words)) <= width:
        return ",".join(words)
    kept = words[:-1]
    while len(",".join([*kept, f"+{len(words) - len(kept)}"])) > width and len(kept) > 1:
        kept = kept[:-1]
    return ",".join([*kept, f"+{len(words) - len(kept)}"])
