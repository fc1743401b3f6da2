"""Output files that are whole or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from huggins.errors import InputError, OutputError
from huggins.runs.ours import written_by_huggins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


@contextmanager
def replacing(path: Path, mode: str = "wb", **open_kwargs: Any) -> Iterator[Any]:
    """Open a temporary file that takes the place of `path` once it is complete.

    Parameters
    ----------
    path
        Final name of the file. If writing fails, a file of this name is left as it was.
    mode, **open_kwargs
        As of the built-in `open`.

    Yields
    ------
    file
        In the folder of `path`. It is synced to disk before it is renamed.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with temporary_path(path) as temporary, temporary.open(mode, **open_kwargs) as file:
        yield file


@contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """Return a temporary name, to be written to, that takes the place of `path` at the end.

    For libraries that want a name; see `replacing`. The suffix is that of `path`. If nothing
    was written, `path` is left as it was.
    """
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        if temporary.exists():
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, **open_kwargs: Any) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path, "w", **{"encoding": "utf-8", **open_kwargs}) as file:
        file.write(text)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as file:
        file.write(data)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return what to raise where a file or folder cannot be written."""
    reason = error.strerror or error
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "free space or name another output" if full else "name another output"
    return OutputError(f"{path}: cannot be written: {reason}; {remedy}")


def check_writable(
    path: Path,
    extensions: Iterable[str] | None = None,
    *,
    inputs: Iterable[str | Path] = (),
    columns: Callable[[Sequence[str]], bool] | None = None,
    kind: str = "table",
    same_kind: Callable[[Path], bool] | None = None,
    hint: str = "",
    overwrite: bool = False,
) -> None:
    """Check that an output can be written and that nothing is lost by it, before the work.

    Parameters
    ----------
    path
        The output file.
    extensions
        Those that stand for a format, such as ``.fits``; None allows any.
    inputs
        What the work reads: none of it is replaced.
    columns
        Whether a table without metadata (CSV, JSON lines) that has these columns is of ours;
        see `huggins.runs.ours.same_columns`.
    kind
        What the file is called in messages.
    same_kind
        Whether a file of ours is of this kind; None: any file of ours may be replaced.
    hint
        What else tells the format, for the message of an ending that is missing or unknown.
    overwrite
        Replace an input, and a file that huggins did not write.

    Raises
    ------
    InputError
        If the extension stands for no format.
    OutputError
        If the folder does not exist or is read-only, the path is a folder, or a file is there
        that is an input or not of ours.
    """
    check_no_folder(path)
    if extensions is not None:
        extensions = list(extensions)
        if extension_of(path) not in extensions:
            ending = path.suffix
            what = f"unknown kind of {kind} {ending!r}" if ending else "the ending is missing"
            raise InputError(
                f"{path}: {what}: the name must end in {', '.join(extensions)}{hint}"
            )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}: make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: folder {path.parent} is read-only: name another output")
    if not overwrite:
        check_replaceable(path, inputs=inputs, columns=columns, kind=kind, same_kind=same_kind)


def check_no_folder(path: Path) -> None:
    """Check that an output that is a file is not a folder.

    Raises
    ------
    OutputError
        If it is one.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder: name a file in it")


def check_distinct(outputs: Mapping[str, Path | None]) -> None:
    """Check that no two outputs are one file, of which the later would replace the earlier.

    Parameters
    ----------
    outputs
        Paths by the option that names them; None and ``-`` stand for no file.

    Raises
    ------
    OutputError
        If two of them are one.
    """
    seen: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None or str(path) == "-":
            continue
        first = seen.setdefault(os.path.realpath(path), option)
        if first != option:
            raise OutputError(
                f"{path}: {first} and {option} name the same file: give each a name of its own"
            )


def check_replaceable(
    path: Path,
    *,
    inputs: Iterable[str | Path] = (),
    columns: Callable[[Sequence[str]], bool] | None = None,
    kind: str = "table",
    same_kind: Callable[[Path], bool] | None = None,
) -> None:
    """Check that a file is not there, or is one of ours that may be replaced.

    Parameters
    ----------
    path, inputs, columns, kind, same_kind
        As for `check_writable`.

    Raises
    ------
    OutputError
        If the file is an input, huggins did not write it, or it is of another kind.
    """
    if not path.exists():
        return
    remedy = "name another output, or add --overwrite to replace it"
    for name in inputs:
        with suppress(OSError):
            if path.samefile(name):
                raise OutputError(f"{path}: is an input too: {remedy}")
    try:
        ours = path.is_file() and written_by_huggins(path, columns)
        other = ours and same_kind is not None and path.stat().st_size and not same_kind(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    if not ours:
        # The shell puts the first match of a pattern behind -o, and the rest among the inputs.
        raise OutputError(f"{path}: exists and is no output of huggins: {remedy}")
    if other:
        raise OutputError(
            f"{path}: exists and is another output of huggins, no {kind}: {remedy}"
        )


def extension_of(path: Path) -> str:
    """Return the extension that tells the format, in lower case, without ``.gz`` behind it.

    >>> from pathlib import Path
    >>> extension_of(Path("a/t.CSV.gz")), extension_of(Path("t.fits"))
    ('.csv', '.fits')
    """
    name = path.name.lower()
    return os.path.splitext(name.removesuffix(".gz"))[1]  # noqa: PTH122
