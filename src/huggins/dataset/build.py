"""One HDF5 file from files of spectra, made in chunks that an interrupted run keeps.

Workers turn each chunk of the inputs into a part on disk (`huggins.dataset.chunk`); the parts,
in the order of the inputs, become the file (`huggins.dataset.merge`). Its content depends only
on the inputs and options, not on the number of workers or interruptions.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import logging
import shutil
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from huggins import __version__
from huggins.dataset.card import card_path, write_card
from huggins.dataset.chunk import Chunk, Options, build_chunk, chunks
from huggins.dataset.labels import compile_table
from huggins.dataset.merge import Making, merge
from huggins.dataset.parts import About, part_path, read_about
from huggins.errors import InputError, OutputError
from huggins.runs.files import check_no_folder, check_writable, temporary_path
from huggins.runs.locks import claim
from huggins.runs.ours import same_columns
from huggins.runs.resume import check_folder, keeping, move_aside
from huggins.runs.workers import Workers, executor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

#: Columns of the list of what is left out.
SKIPPED: Final = ("file", "index", "reason")


@dataclass(slots=True)
class State:
    """Progress of a run.

    Attributes
    ----------
    inputs, spectra, skipped : int
        Done so far.
    resumed : int
        Inputs that an interrupted run had done.
    written : int
        Spectra written to the file.
    """

    inputs: int = 0
    spectra: int = 0
    skipped: int = 0
    resumed: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a run.

    Attributes
    ----------
    rows : int
        Spectra in the file.
    inputs, resumed : int
        Inputs, and how many of them an interrupted run had done.
    reasons : dict of str to int
        Number of spectra left out, by reason.
    """

    rows: int
    inputs: int
    resumed: int
    reasons: dict[str, int] = field(default_factory=dict)


def work_folder(output: Path) -> Path:
    """Return the folder of the parts of a run.

    Raises
    ------
    OutputError
        If `output` is a folder.
    """
    check_no_folder(output)
    return output.with_name(output.name + ".parts")


def skipped_path(output: Path) -> Path:
    """Return the path of the list of what is left out."""
    return output.with_name(output.name + ".skipped.csv")


def build(
    paths: Iterable[str],
    output: Path,
    *,
    targets: Path | None = None,
    label_column: str = "",
    options: Options | None = None,
    making: Making | None = None,
    workers: Workers | None = None,
    resume: bool = False,
    overwrite: bool = False,
    inputs: Iterable[str | Path] = (),
    watch: Callable[[State], None] | None = None,
) -> Summary:
    """Build the file of spectra.

    Parameters
    ----------
    paths
        Files of any known format, containers and plates too; read once.
    output
        The file; one of ours that is there is replaced when the new one is whole.
    targets
        A table of targets with labels (see `huggins.dataset.labels.compile_table`); None: the
        labels of the surveys' pipelines.
    label_column
        Its column that holds the class.
    options, making, workers
        Content of the file, its split, and who does the work.
    resume
        Continue an interrupted run with the same inputs and options.
    overwrite
        Replace `output` even if it is an input, or huggins did not write it.
    inputs
        What `output` must not be.
    watch
        Called with the progress now and then.

    Raises
    ------
    InputError
        If nothing can be made of the inputs, or the run to resume was another.
    OutputError
        If something cannot be written, or another process builds the file. What is done is
        kept. Also if a file is there that is an input or no output of huggins.
    """
    options, making = options or Options(), making or Making()
    workers = workers or Workers()
    _check(output, inputs, overwrite=overwrite)
    folder = work_folder(output)
    with _claimed(output, resume=resume):
        check_folder(folder, _depends(options, targets, label_column))
        if targets is not None:
            options = _with_labels(options, targets, folder, label_column)
        state = State()
        abouts = _parts(paths, folder, options, workers, state, watch)
        if part_path(folder, len(abouts)).exists():
            raise _other_inputs(folder, "which had more inputs")
        if not any(about.total for about in abouts):
            raise _nothing(abouts, output)

        def written(count: int) -> None:
            state.written = count
            if watch is not None:
                watch(state)

        rows, repeated = merge(folder, abouts, output, options.layout, making, written)
        skipped = chain(chain.from_iterable(about.skipped for about in abouts), repeated)
        reasons = write_skipped(skipped_path(output), skipped)
        write_card(output, reasons)
        return Summary(rows, state.inputs, state.resumed, reasons)


def write_skipped(path: Path, skipped: Iterable[tuple[str, int, str]]) -> dict[str, int]:
    """List what is left out and why, as CSV; return the number of spectra by reason.

    The list is removed if nothing is left out.
    """
    reasons: dict[str, int] = {}
    with temporary_path(path) as temporary:
        with temporary.open(
            "w", newline="", encoding="utf-8", errors="surrogateescape"
        ) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SKIPPED)
            for name, index, reason in skipped:
                writer.writerow((name, index, reason))
                reasons[reason] = reasons.get(reason, 0) + 1
        if not reasons:
            temporary.unlink()
            path.unlink(missing_ok=True)
    return reasons


def _nothing(abouts: list[About], output: Path) -> InputError:
    """Return the error of inputs without a usable spectrum; list the reasons."""
    path = skipped_path(output)
    reasons = write_skipped(path, chain.from_iterable(about.skipped for about in abouts))
    shutil.rmtree(work_folder(output), ignore_errors=True)
    if not reasons:
        return InputError(f"{output}: none of the inputs holds a spectrum")
    reason, count = max(reasons.items(), key=lambda item: item[1])
    return InputError(
        f"{output}: none of the inputs gives a spectrum for the file; {count} of "
        f"{sum(reasons.values())} are left out because: {reason} ({path} lists all)"
    )


def _check(output: Path, inputs: Iterable[str | Path], *, overwrite: bool) -> None:
    """Check that the outputs can be written, before the work begins."""
    if output.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"{output}: the name must end in .h5 or .hdf5")
    inputs = list(inputs)
    check_writable(output, inputs=inputs, overwrite=overwrite)
    beside = {skipped_path(output): same_columns(SKIPPED), card_path(output): None}
    for path, columns in beside.items():
        check_writable(path, inputs=inputs, columns=columns, overwrite=overwrite)


@contextlib.contextmanager
def _claimed(output: Path, *, resume: bool) -> Iterator[None]:
    """Lock the output and make the folder of parts, which is removed after success."""
    folder = work_folder(output)
    held = output.with_name(f".{output.name}.lock")
    file = claim(held, output)
    try:
        with keeping(folder):
            if not resume and folder.exists():
                move_aside(folder)
            folder.mkdir(exist_ok=True)
            yield
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        if folder.exists() and not any(folder.glob("[0-9]*.part")):
            shutil.rmtree(folder, ignore_errors=True)  # nothing that --resume could use
        held.unlink(missing_ok=True)
        file.close()


def _depends(options: Options, targets: Path | None, column: str) -> dict[str, Any]:
    """Return what the parts depend on besides the inputs."""
    depends = asdict(options) | {"huggins": __version__, "label_column": column}
    del depends["labels"]
    depends["targets"] = "" if targets is None else _digest(targets)
    return depends


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _with_labels(options: Options, targets: Path, folder: Path, column: str) -> Options:
    place = (folder / "labels").absolute()
    place.mkdir(exist_ok=True)
    if not (place / "done").exists():
        rows = compile_table(targets, place, column)
        _log.info("%s: %d rows with labels", targets, rows)
        (place / "done").write_text("")
    return replace(options, labels=str(place))


def _parts(
    paths: Iterable[str],
    folder: Path,
    options: Options,
    workers: Workers,
    state: State,
    watch: Callable[[State], None] | None,
) -> list[About]:
    """Make the missing parts, and return the contents of all."""
    abouts: dict[int, About] = {}
    under_way: dict[Future[About], Chunk] = {}

    def note(chunk: Chunk, about: About) -> None:
        abouts[chunk.number] = about
        state.inputs += about.inputs
        state.spectra += about.total
        state.skipped += len(about.skipped)
        if watch is not None:
            watch(state)

    def settle() -> None:
        ended, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in ended:
            chunk = under_way.pop(future)
            note(chunk, _result(future, chunk))

    place = str(folder.absolute())
    with executor(workers) as (pool, most):
        try:
            for chunk in chunks(paths):
                about = read_about(part_path(folder, chunk.number))
                if about is not None:
                    if about.digest != chunk.digest:
                        raise _other_inputs(folder, f"from {chunk.paths[0]} on")
                    state.resumed += about.inputs
                    note(chunk, about)
                    continue
                while len(under_way) >= most:
                    settle()
                under_way[pool.submit(build_chunk, chunk, place, options)] = chunk
            while under_way:
                settle()
        except BaseException:
            for future in under_way:
                future.cancel()
            raise
    return [abouts[number] for number in range(len(abouts))]


def _result(future: Future[About], chunk: Chunk) -> About:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise OutputError(
            f"a worker has died at {chunk.paths[0]} or one of the {len(chunk.paths) - 1} "
            "inputs behind it, perhaps for lack of memory: use fewer --jobs"
        ) from error


def _other_inputs(folder: Path, detail: str) -> InputError:
    return InputError(
        f"{folder}: cannot resume, because the inputs are not those of the interrupted run "
        f"({detail}): give the same ones, or leave out --resume"
    )
