"""`huggins templates`: collect the public templates that mocks are made from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huggins.cli import SOME_FAILED, options
from huggins.cli.options import LOGGER


class Action(StrEnum):
    """What to do with templates."""

    FETCH = "fetch"
    LIST = "list"


@options.with_messages
def templates(
    action: Annotated[
        Action,
        typer.Argument(
            metavar="fetch|list",
            help="fetch: download them and write stars.h5, quasars.h5, galaxies.h5 and bal.h5. "
            "list: where they come from, with licences and what is to be cited.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        options.output("FOLDER", "Folder of the files; what was downloaded stays in it."),
    ] = Path("templates"),
    overwrite: options.Overwrite = False,
) -> int:
    """Collect public templates of stars, quasars and galaxies, for simulate and train."""
    from huggins.templates import SOURCES, fetch_templates

    if action is Action.LIST:
        for source in SOURCES:
            print(f"{source.name}: {source.home}")
            files = ", ".join(f"{name}.h5" for name in source.gives)
            print(f"  for {files}; about {source.size:g} MB")
            print(f"  licence: {source.licence}")
            print(f"  cite: {source.credit}")
            if source.package:
                print(f"  {source.package} by pip, SHA-256 {source.sha256}")
            for addresses in source.files.values():
                print(f"  {addresses[0]}")
        return 0
    with options.resumable("what was downloaded is kept, and the same command goes on"):
        done = fetch_templates(output, overwrite=overwrite, progress=LOGGER.info)
    for what, why in done.failed.items():
        LOGGER.warning("%s: %s", what, why)
    for name in done.unlike:
        LOGGER.warning("left out, it is not the template that huggins was made with: %s", name)
    LOGGER.info(
        "%d templates are those that huggins was made with; %d have nothing to compare with",
        done.compared - len(done.unlike),
        done.unknown,
    )
    for name, count in done.counts.items():
        if count:
            LOGGER.info("wrote %s, %d templates", done.folder / f"{name}.h5", count)
        else:
            LOGGER.warning(
                "%s was not written; mocks take from what ships with huggins in its place",
                done.folder / f"{name}.h5",
            )
    print(output)
    return SOME_FAILED if done.failed or done.unlike else 0
