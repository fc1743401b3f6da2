"""`huggins info`: what a file is and holds."""

from __future__ import annotations

from huggins.cli import SOME_FAILED, options, status
from huggins.cli.options import LOGGER


@options.with_messages
def info(
    files: options.Inputs,
    air: options.Air = False,
    targetid: options.TargetIds = None,
    fiber: options.Fibers = None,
    rows: options.Rows = None,
    columns: options.ColumnNames = None,
) -> int:
    """Describe files: their format, spectra and identity."""
    from huggins.formats.describe import describe
    from huggins.inference import Inputs
    from huggins.inference.chosen import chosen

    selection = chosen(targetid or (), fiber or (), rows)
    names = options.column_names(columns)
    count = failed = damaged = 0
    found = Inputs(files)
    for path in found:
        count += 1
        lines, errors = describe(path, air=air, selection=selection, columns=names)
        if not lines:
            failed += 1
            LOGGER.error("%s: %s", path, errors[0].what)
            continue
        damaged += bool(errors)
        print(path)
        for heading, text in lines:
            print(f"  {heading:9} {text}")
    return status(count, failed) or (SOME_FAILED if damaged or found.missed else 0)
