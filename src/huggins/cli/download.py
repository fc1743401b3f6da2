"""`huggins download`: from targets to files of the archive."""

from __future__ import annotations

import enum
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from huggins.cli import SOME_FAILED, options, status
from huggins.cli.options import LOGGER
from huggins.errors import InputError, OutputError
from huggins.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from huggins.download import Archive, Checksums, FileRequest, Unusable
    from huggins.download.positions import Positions

_TABLES: Final = (".fits", ".fit", ".fts", ".csv", ".ecsv", ".parquet")
_FILES: Final = (*_TABLES, ".txt", ".lst", ".gz")
# Bytes at the start of a list that show whether it is text.
_START: Final = 4096


class Kind(enum.StrEnum):
    """Kinds of files, as words of the command line."""

    lite = "lite"
    full = "full"
    plate = "spPlate"


class Lister(enum.StrEnum):
    """Programs that lists of addresses can be made for."""

    wget = "wget"
    aria2c = "aria2c"


@options.with_messages
def download(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET",
            help="A table of huggins catalog, or any with columns PLATE, MJD, FIBERID (RUN2D), "
            "SPECOBJID, URL or RA and DEC (.fits, .csv, .ecsv, .parquet); a list of "
            "plate-mjd-fiber, SPECOBJID or addresses, one per line (any other file, - for "
            "standard input); or such words themselves.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        options.output("FOLDER", "Output folder."),
    ] = Path("spectra"),
    release: Annotated[
        str, typer.Option("--release", help="Data release, dr8 to dr20.")
    ] = "dr17",
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help="Spectra without their exposures, with them, or whole plates (each with its "
            "spZbest).",
        ),
    ] = Kind.lite,
    run2d: Annotated[
        str,
        typer.Option(
            "--run2d", help="Reduction of targets that name none; the release's own by default."
        ),
    ] = "",
    catalog: Annotated[
        Path | None,
        typer.Option(
            "--catalog",
            metavar="FILE",
            help="A survey's table of spectra (specObj, spAll): targets may then be positions, "
            "and the nearest spectrum within 1 arcsec is taken.",
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", metavar="URL", help="Root of the archive, or of a mirror.")
    ] = "https://data.sdss.org/sas",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=64, help="Concurrent downloads.")
    ] = 4,
    per_host: Annotated[
        int, typer.Option("--per-host", min=1, help="Concurrent downloads from one server.")
    ] = 4,
    delay: Annotated[
        float,
        typer.Option("--delay", min=0.0, help="Seconds between two requests to one server."),
    ] = 0.0,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=0.1, help="Seconds of silence that end an attempt."),
    ] = 30.0,
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, help="Attempts after transient errors.")
    ] = 5,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="SIZE", help="Stop before FOLDER holds more: 500MB, 10GB, 1TiB."
        ),
    ] = None,
    shrink: Annotated[
        bool,
        typer.Option("--shrink", help="Keep a small copy of each spectrum (huggins shrink)."),
    ] = False,
    checksums: Annotated[
        list[Path] | None,
        typer.Option(
            "--checksums",
            metavar="FILE",
            help="The archive's list of checksums (*.sha1sum); may be given more than once.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compare files of earlier runs with their checksums, not sizes."
        ),
    ] = False,
    accept_changed: Annotated[
        bool,
        typer.Option(
            "--accept-changed", help="Take files that are not what an earlier run fetched."
        ),
    ] = False,
    list_for: Annotated[
        Lister | None,
        typer.Option("--list", help="Fetch nothing; print a list for this program."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Download spectra from the archive.

    Every file ends complete in FOLDER, or in FOLDER/missing.csv with the reason; the manifest
    there lists addresses, sizes and checksums. The same command continues an earlier one.
    Exit status 0: complete; 1: some files are missing; 2: all are.
    """
    from huggins.download import Archive, Checksums, Settings
    from huggins.download import download as fetch_all
    from huggins.download.limits import parse_size
    from huggins.download.positions import Positions
    from huggins.download.run import MISSING

    archive = Archive(release, kind.value, run2d, base)
    sums = _checksums(checksums or [], Checksums())
    requests = _Targets(targets, archive, None if catalog is None else Positions(catalog))
    if list_for is not None:
        return _print_list(requests, list_for, sums)
    settings = Settings(
        jobs=jobs,
        per_host=per_host,
        delay=delay,
        timeout=timeout,
        attempts=attempts,
        budget=None if budget is None else parse_size(budget),
        verify=verify,
        accept_changed=accept_changed,
        overwrite=overwrite,
        checksums=sums,
    )
    from huggins.cli.progress import Meter, size_text
    from huggins.dataset.small_files import arrive

    meter = Meter("files", requests.total)
    with options.resumable("what is done is kept; the same command goes on"), meter:
        state = fetch_all(
            requests,
            output,
            settings,
            arrive=partial(arrive, small=shrink),
            watch=lambda state: meter.show(state.seen, state.received),
        )
    missing = state.absent + state.failed
    LOGGER.info(
        "%s fetched (%s, %s kept), %d there already, %d missing%s%s%s",
        counted(state.done, "file"),
        size_text(state.received),
        size_text(state.kept),
        state.had,
        missing,
        f" ({output / MISSING} says why)" if missing else "",
        f", {state.repeated} asked for twice" if state.repeated else "",
        f", {counted(state.unusable, 'row')} without a usable target" if state.unusable else "",
    )
    lost = missing + state.unusable
    return status(state.done + state.had + lost, lost)


class _Targets:
    """What the arguments stand for; nothing is read before it is due."""

    def __init__(
        self, arguments: Sequence[str], archive: Archive, positions: Positions | None
    ) -> None:
        self._archive = archive
        self._positions = positions
        self.total: int | None = None if "-" in arguments else 0
        self._parts = [self._part(argument) for argument in arguments]

    def __iter__(self) -> Iterator[FileRequest | Unusable]:
        for part in self._parts:
            yield from part

    def _part(self, argument: str) -> Iterable[FileRequest | Unusable]:
        from huggins.download.targets import from_words

        path = Path(argument.removeprefix("@"))
        if argument == "-":
            return from_words(sys.stdin, self._archive, self._positions)
        if not path.is_file():
            word = argument.startswith(("http:", "https:", "spec-"))
            if not word and (argument.startswith("@") or path.suffix.lower() in _FILES):
                raise InputError(f"{path}: there is no such file")
            self._count(1)
            return from_words([argument], self._archive, self._positions)
        if path.name.lower().removesuffix(".gz").endswith(_TABLES):
            return self._table(path)
        return from_words(self._lines(path), self._archive, self._positions)

    def _table(self, path: Path) -> Iterator[FileRequest | Unusable]:
        from huggins.download.targets import COLUMNS, check_columns, from_chunk
        from huggins.tables.read import open_table

        table = open_table(path)
        check_columns(table.names, str(path), positions=self._positions is not None)
        columns = tuple(name for name in COLUMNS if name in table.names)
        self.total = None
        return (
            item
            for chunk in table.chunks(columns)
            for item in from_chunk(chunk, self._archive, self._positions)
        )

    def _lines(self, path: Path) -> list[str]:
        try:
            with path.open("rb") as file:
                if b"\0" in file.read(_START):
                    raise InputError(
                        f"{path}: is neither a table ({', '.join(_TABLES)}) nor a list, which "
                        "is text: one target per line"
                    )
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        words = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not words:
            raise InputError(f"{path}: the list is empty: give one target per line")
        self._count(len(words))
        return words

    def _count(self, number: int) -> None:
        if self.total is not None:
            self.total += number


def _checksums(paths: Sequence[Path], sums: Checksums) -> Checksums:
    for path in paths:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                sums.add(file, str(path))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return sums


def _print_list(
    requests: Iterable[FileRequest | Unusable],
    lister: Lister,
    sums: Checksums,
) -> int:
    from huggins.download import Unusable

    count = unusable = 0
    for item in requests:
        if isinstance(item, Unusable):
            unusable += 1
            LOGGER.warning("%s: %s", item.name, item.why)
            continue
        count += 1
        if lister is Lister.wget:
            print(item.urls[0])
            continue
        print("\t".join(item.urls))
        print(f"  out={item.path}")
        digest = next(filter(None, map(sums.of, item.urls)), "")
        if digest:
            print(f"  checksum={'sha-1' if len(digest) == 40 else 'sha-256'}={digest}")
    if lister is Lister.wget:
        LOGGER.info(
            "%s: wget -x -nH --cut-dirs=1 -c -w 0.1 -P FOLDER -i LIST",
            counted(count, "address"),
        )
    else:
        LOGGER.info("%s: aria2c -c -j 4 -d FOLDER -i LIST", counted(count, "file"))
    if not count:
        raise OutputError("no target stands for a file")
    return SOME_FAILED if unusable else 0
