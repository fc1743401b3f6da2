"""`huggins models`: the networks that ship, what they are, and whether they are sound."""

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


def models(
    action: Annotated[
        Action,
        typer.Argument(
            help="list: one line a model. show: all that it says of itself. verify: hash, "
            "description, and that it computes what it did when it was exported."
        ),
    ] = Action.LIST,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|PATH]...",
            help="Shipped models or .onnx files; all that ship where none is given.",
            show_default=False,
        ),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log: options.Log = None,
) -> int:
    """List models, show what they say of themselves, or verify them."""
    from huggins.weights import available, find

    options.start_logging(quiet=quiet, verbose=verbose, log=log)
    paths = [find(name) for name in names or available()]
    if action is Action.VERIFY:
        from huggins.inference.record import verify

        bad = 0
        for path in paths:
            for check in verify(path):
                bad += not check.good
                word = "ok " if check.good else "BAD"
                print(f"{path.stem}  {word}  {check.name}: {check.found}")
        return NOTHING_DONE if bad else 0
    from huggins.inference import load_model
    from huggins.inference.about import of_model, one_line

    for path in paths:
        model = load_model(path)
        if action is Action.LIST:
            print(one_line(model, path))
            continue
        for name, value in of_model(model, path):
            print(f"{name:22} {value}")
        print()
    return 0
