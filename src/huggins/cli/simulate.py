"""`huggins simulate`: mock spectra of known class and redshift."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER
from huggins.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.prepare import LogGrid
    from huggins.simulate import NoiseBank
    from huggins.spectrum import Spectrum

# Mocks of each class that a page chooses from.
_TO_CHOOSE_FROM = 400


@options.with_messages
def simulate(
    output: Annotated[
        Path,
        options.output(
            "OUT",
            ".h5: the data set. .npz: arrays. Else a folder: BOSS-like spec files and "
            "labels.csv.",
            show_default=False,
        ),
    ] = Path(),
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, metavar="N", help="Number of mocks.")
    ] = 1000,
    templates: Annotated[
        Path,
        typer.Option(
            "--templates",
            metavar="FOLDER",
            help="Folder of stars.h5, quasars.h5, galaxies.h5 and bal.h5 (`huggins templates "
            "fetch` makes it); shipped: the few templates that ship with huggins.",
        ),
    ] = Path("templates"),
    held_back: Annotated[
        bool,
        typer.Option("--held-back", help="Use the templates that are held back from training."),
    ] = False,
    noise: Annotated[
        Path | None,
        typer.Option(
            "--noise",
            metavar="FOLDER",
            help="Real spectra whose noise and coverage the mocks get; a labels.csv in it says "
            "what is sky. Without it: BOSS noise of the mocks that ship with huggins.",
        ),
    ] = None,
    folds: Annotated[
        str,
        typer.Option(
            "--folds",
            metavar="LIST",
            help="Folds of that labels.csv to use, such as 2,3,4; all where not given.",
        ),
    ] = "",
    odds: Annotated[
        list[str] | None,
        typer.Option(
            "--odds", metavar="CLASS=X", help="Odds of a class (or NONE); repeatable; 0 else."
        ),
    ] = None,
    sn: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--sn",
            metavar="LOW HIGH",
            help="Median S/N per native pixel, uniform in log; survey-like by default.",
            show_default=False,
        ),
    ] = None,
    survey: Annotated[
        str,
        typer.Option("--survey", metavar="NAME", help="Noise of BOSS, SDSS, LAMOST or DESI."),
    ] = "",
    native: Annotated[
        bool,
        typer.Option("--native", help="Pixels of BOSS files (69 km/s), not the network's."),
    ] = False,
    flawless: Annotated[
        bool,
        typer.Option("--flawless", help="No calibration errors, cosmic rays or missing data."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random numbers.")] = 1,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page",
            metavar="HTML|PDF",
            help="Plot mocks beside the real spectra of --real, by class and S/N.",
        ),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option("--real", metavar="FOLDER", help="Real spectra with labels.csv."),
    ] = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Threads; 0: one per core.")
    ] = 0,
) -> int:
    """Simulate spectra of known class and redshift, from templates and real noise."""
    from huggins import simulate as making
    from huggins.errors import InputError
    from huggins.prepare import STANDARD
    from huggins.simulate.files import NATIVE, Recipe, check
    from huggins.simulate.files import simulate as make

    wanted = output != Path()
    if not wanted and page is None:
        raise InputError(
            "no output: name one with -o, such as -o mocks.h5 or a folder of its own (not the "
            "current one, ., which would fill with spectra), or a --page"
        )
    if page is not None and real is None:
        raise InputError("--page needs --real FOLDER, the spectra to put the mocks beside")
    if sn is not None and not 0.0 < sn[0] <= sn[1]:
        raise InputError(f"--sn: write two numbers above 0, the lower first, not {sn}")
    if page is not None:
        from huggins.runs.files import check_writable

        check_writable(page, overwrite=overwrite)
    recipe = Recipe(number, seed, _odds(odds or []), sn, survey.upper(), not flawless)
    if wanted and not overwrite:
        check(recipe, output, resume=resume)
    as_files = wanted and output.suffix.lower() not in (".h5", ".hdf5", ".npz")
    grid = NATIVE if native or as_files else STANDARD.grid
    library = making.load(templates, test=held_back)
    if library.substitutes:
        LOGGER.warning("of what ships with huggins: %s", ", ".join(library.substitutes))
    chosen = {int(word) for word in folds.split(",") if word.strip().isdigit()}
    if folds and (not chosen or len(chosen) != len(folds.split(","))):
        raise InputError(f"--folds: write numbers with commas, such as 2,3,4, not {folds!r}")
    if wanted:
        bank = _bank(noise, chosen, grid)
        began, count = time.monotonic(), 0

        def done(more: int) -> None:
            nonlocal count
            count += more
            speed = count / (time.monotonic() - began)
            LOGGER.info("%d of %d mocks, %.0f mocks/s", count, number, speed)

        origin = f"templates {templates.name}{' held back' * held_back}, noise {noise}"
        with options.resumable("what is done is kept, and --resume goes on"):
            make(
                recipe,
                library,
                bank,
                output,
                resume=resume,
                overwrite=overwrite,
                jobs=jobs,
                origin=origin,
                done=done,
            )
        LOGGER.info("wrote %s", output)
    if page is not None and real is not None:
        pairs = _page(page, real, chosen, library, seed)
        LOGGER.info("wrote %s, %s", page, counted(pairs, "pair"))
    return 0


def _odds(given: Sequence[str]) -> dict[str, float]:
    from huggins.errors import InputError
    from huggins.taxonomy import ALL_CLASSES

    odds = {}
    for name, value in options.pairs(given, "--odds", "QSO=2").items():
        try:
            odds[name.upper()] = float(value)
        except ValueError:
            odds[name.upper()] = -1.0
        if odds[name.upper()] < 0:
            raise InputError(f"--odds: write CLASS=X, such as QSO=2, not {name}={value}")
    unknown = sorted(set(odds) - set(ALL_CLASSES))
    if unknown:
        raise InputError(
            f"--odds: {', '.join(unknown)}: no such class; known are {', '.join(ALL_CLASSES)}"
        )
    if odds and not sum(odds.values()):
        raise InputError("--odds: all are 0")
    return odds


def _bank(folder: Path | None, folds: set[int], grid: LogGrid) -> NoiseBank:
    """Learn noise from a folder of real spectra, and say which are left out and why."""
    from huggins.simulate import NoiseBank

    if folder is None:
        from huggins.simulate import shipped_noise

        bank = shipped_noise(grid)
        LOGGER.info("noise: that of the %d mocks that ship with huggins", len(bank.sky))
        return bank
    kept, surveys, sky = [], [], []
    for spectrum, row in _spectra(folder, folds):
        kept.append(spectrum)
        surveys.append(row.get("survey") or spectrum.survey)
        sky.append(row.get("class3") == "SKY")
    real = "real spectrum" if len(kept) == 1 else "real spectra"
    LOGGER.info("noise: that of %d %s, %d of empty sky", len(kept), real, sum(sky))
    return NoiseBank.from_spectra(kept, surveys, sky, grid)


def _spectra(folder: Path, folds: set[int]) -> list[tuple[Spectrum, dict[str, str]]]:
    """Read a folder's spectra with their rows of labels.csv, where there is one."""
    from collections import Counter

    from huggins.errors import InputError, ReadError
    from huggins.formats import open_file
    from huggins.inference import Inputs
    from huggins.quality import ZWarning
    from huggins.tables.read import read_columns

    labels: dict[Path, dict[str, str]] = {}
    table = folder / "labels.csv"
    if table.is_file():
        rows = read_columns(table).rows()
        labels = {(folder / row["path"]).resolve(): row for row in rows}
    elif folds:
        raise InputError(f"{table}: there is no such file, and --folds needs it")
    found = []
    left_out: Counter[str] = Counter()
    for path in Inputs([str(folder)]):
        row = labels.get(Path(path).resolve(), {})
        if Path(path).suffix == ".csv":
            continue
        if folds and int(row.get("fold") or -1) not in folds:
            left_out["of other folds"] += 1
            continue
        for spectrum in open_file(path):
            if isinstance(spectrum, ReadError):
                left_out["cannot be read"] += 1
                LOGGER.debug("left out: %s", spectrum)
            elif spectrum.zwarning & ZWarning.NO_UNCERTAINTY:
                left_out["without errors"] += 1
            else:
                found.append((spectrum, row))
    for why, count in left_out.items():
        LOGGER.info("left out: %s %s", counted(count, "spectrum"), why)
    if not found:
        raise InputError(f"{folder}: no spectra there to learn from")
    return found


def _page(path: Path, real: Path, folds: set[int], library: Any, seed: int) -> int:
    """Draw real spectra beside mocks with their survey's noise."""
    import numpy as np

    from huggins.errors import InputError
    from huggins.evaluate.mock_page import Spectra, draw_page
    from huggins.prepare import STANDARD
    from huggins.simulate import NoiseBank, draw
    from huggins.taxonomy import ALL_CLASSES

    rows = [
        (spectrum, row, "NONE" if row.get("class3") == "SKY" else row.get("class13", ""))
        for spectrum, row in _spectra(real, folds)
    ]
    known = [(spectrum, row, kind) for spectrum, row, kind in rows if kind in ALL_CLASSES]
    if not known:
        raise InputError(f"{real}: no labels.csv there that says what the spectra are")
    spectra, labels, kinds = zip(*known, strict=True)
    flux, ivar = STANDARD.rebin(spectra)
    names = [f"{row.get('survey', '')} {Path(row['path']).name}" for row in labels]
    z = np.array([float(row["z"]) if row.get("z") else np.nan for row in labels])
    observed = Spectra(flux, ivar, np.array(kinds), z, np.array(names))
    bank = NoiseBank.from_spectra(
        spectra,
        [row.get("survey") or s.survey for s, row in zip(spectra, labels, strict=True)],
        [kind == "NONE" for kind in kinds],
        STANDARD.grid,
    )
    rng = np.random.default_rng(seed)
    present = sorted(set(kinds))
    mocks = draw(
        _TO_CHOOSE_FROM * len(present), library, bank, rng, odds=dict.fromkeys(present, 1.0)
    )
    kind = np.array(ALL_CLASSES)[mocks.kind]
    made = Spectra(mocks.flux, mocks.ivar, kind, mocks.z, np.full(len(kind), "mock"))
    return draw_page(observed, made, STANDARD.grid.loglam, path, seed=seed)
