"""`huggins shrink`: spec files made small, or packed by plate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huggins.cli import SOME_FAILED, options, status
from huggins.cli.options import LOGGER
from huggins.errors import InputError, OutputError
from huggins.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggins.inference import Inputs


@options.with_messages
def shrink(
    inputs: options.Inputs,
    output: Annotated[
        Path | None,
        options.output("FOLDER", "Folder for the small copies; subfolders are kept."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the files by their small copies once these have been verified. With "
            "--pack: remove the files once their container has been verified.",
        ),
    ] = False,
    pack: Annotated[
        bool,
        typer.Option("--pack", help="Write one container per plate and night into FOLDER."),
    ] = False,
    wdisp: Annotated[bool, typer.Option("--wdisp", help="Keep the resolution too.")] = False,
    gzip: Annotated[
        bool, typer.Option("--gzip", help="Compress the copies: half the size, slower to read.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Threads that read and write; 0: one per core."
        ),
    ] = 1,
) -> int:
    """Reduce spec files to flux, wavelength, ivar, masks, headers and the pipeline's row.

    A full spec file becomes a tenth of its size, one without exposures two thirds. What is kept
    is kept to the bit, and every reader takes it. Files that are small already are left alone;
    a run that was interrupted goes on when it is called again.
    """
    from huggins.inference import Inputs
    from huggins.inference.crew import cores

    if output is None and (pack or not replace):
        raise InputError(
            "no output: name one with -o FOLDER, or replace the files with --replace"
        )
    if output is not None and replace and not pack:
        raise InputError("-o and --replace exclude each other: name one")
    if pack and gzip:
        raise InputError("containers are not compressed: leave out --gzip or --pack")
    paths = Inputs(inputs)
    with options.resumable("every file is whole; the same command goes on"):
        if pack:
            assert output is not None
            return _pack(paths, output, wdisp=wdisp, replace=replace)
        place = None if output is None else _placing(inputs, output)
        return _shrink(
            paths,
            place,
            wdisp=wdisp,
            gzip=gzip,
            jobs=jobs or cores(),
            roots=inputs,
        )


def _shrink(
    paths: Inputs,
    place: Callable[[str], Path] | None,
    *,
    wdisp: bool,
    gzip: bool,
    jobs: int,
    roots: Sequence[str],
) -> int:
    from huggins.cli.progress import Meter, size_text
    from huggins.dataset.small_files import shrink_files

    count = failed = had = before = after = 0
    with Meter("files", paths.count(0.3)) as meter:
        for outcome in shrink_files(
            paths, place, wdisp=wdisp, gzip=gzip, jobs=jobs, roots=roots
        ):
            count += 1
            had += outcome.skipped
            before += outcome.before
            after += outcome.after
            if outcome.error:
                failed += 1
                LOGGER.warning("%s: %s", outcome.source, outcome.error)
            meter.show(count, before)
    LOGGER.info(
        "%s: %s to %s, a factor of %.1f; %d done already, %d failed",
        counted(count, "file"),
        size_text(before),
        size_text(after),
        before / max(after, 1),
        had,
        failed,
    )
    return status(count, failed) or (SOME_FAILED if paths.missed else 0)


def _pack(paths: Inputs, folder: Path, *, wdisp: bool, replace: bool) -> int:
    from huggins.cli.progress import size_text
    from huggins.dataset.pack import pack
    from huggins.errors import ReadError

    count = failed = before = after = containers = 0
    for packed in pack(paths, folder, wdisp=wdisp):
        if isinstance(packed, ReadError):
            count += 1
            failed += 1
            LOGGER.warning("%s", packed)
            continue
        containers += 1
        count += len(packed.sources)
        before += packed.before
        after += packed.after
        if replace:
            _remove(packed.sources)
        LOGGER.info("%s: %s", packed.path, counted(len(packed.sources), "spectrum"))
    LOGGER.info(
        "%s in %s: %s to %s; %d failed",
        counted(count - failed, "file"),
        counted(containers, "container"),
        size_text(before),
        size_text(after),
        failed,
    )
    return status(count, failed)


def _remove(sources: Sequence[str]) -> None:
    """Remove files that are in a container now."""
    for source in sources:
        try:
            Path(source).unlink()
        except OSError as error:
            raise OutputError(f"{source}: cannot be removed: {error.strerror}") from error


def _placing(arguments: Sequence[str], folder: Path) -> Callable[[str], Path]:
    """Return where a copy goes: below `folder` as the file is below its argument."""
    roots = sorted((Path(a).absolute() for a in arguments if Path(a).is_dir()), reverse=True)

    def place(path: str) -> Path:
        full = Path(path).absolute()
        for root in roots:
            if full.is_relative_to(root):
                return folder / full.relative_to(root)
        return folder / full.name

    return place
