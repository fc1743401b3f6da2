"""`huggins models`: list, describe and verify the shipped networks and the redshift basis."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from huggins.cli import NOTHING_DONE, options


class Action(StrEnum):
    """What to do with models."""

    LIST = "list"
    SHOW = "show"
    VERIFY = "verify"


@options.with_messages
def models(
    action: Annotated[
        Action,
        typer.Argument(
            metavar="list|show|verify",
            help="list: one line per model. show: its full description. verify: checksum, "
            "description, and the same output as when it was exported.",
        ),
    ] = Action.LIST,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|PATH",
            help="Shipped models, basis (the templates of the redshift fit), or files; all "
            "that are shipped by default.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """List, describe or verify the networks and the redshift basis."""
    from huggins.weights import BASIS, available, find

    paths = [
        BASIS if name == BASIS.stem else find(name)
        for name in names or (*available(), BASIS.stem)
    ]
    if action is Action.VERIFY:
        from huggins.inference.verification import verify

        bad = 0
        for path in paths:
            for check in verify(path):
                bad += not check.good
                word = "ok " if check.good else "BAD"
                print(f"{path.stem}  {word}  {check.name}: {check.detail}")
        return NOTHING_DONE if bad else 0
    from huggins.inference.description import describe, one_line

    for path in paths:
        if action is Action.LIST:
            print(one_line(path))
            continue
        for name, value in describe(path):
            print(f"{name:22} {value}")
        print()
    return 0
