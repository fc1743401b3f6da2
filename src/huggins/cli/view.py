"""`huggins view`: look at classified spectra on a page, and correct them."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import Annotated, Final

import typer

from huggins.cli import options
from huggins.cli.options import LOGGER

# Seconds to wait for what is still being loaded at Ctrl-C.
_PATIENCE: Final = 3.0


@options.with_messages
def view(
    inputs: options.ViewInputs,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0: any free one.")
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Address to listen on; at any other, other machines see the page."
        ),
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the browser.")
    ] = False,
    inspections: options.Inspections = None,
    scanner: Annotated[
        str,
        typer.Option(
            "--scanner", metavar="NAME", help="Who inspects; your user name if not given."
        ),
    ] = "",
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide the inspections of others.")
    ] = False,
    where: options.Where = "",
    model: options.Model = "huggins",
) -> int:
    """Show classified spectra on a page in the browser, to inspect and correct them.

    The first line of output is the page's address. The page is served until Ctrl-C; inspections
    are stored as they are made.
    """
    from huggins.view.open import open_session, results_of
    from huggins.view.serve import announce, server_of
    from huggins.view.session import warm_up

    warming = [threading.Thread(target=warm_up, args=(model,), daemon=True)]
    warming[0].start()
    results, classification = results_of(inputs, model=model, where=where)
    session = open_session(
        results,
        inspections=inspections,
        scanner=scanner,
        blind=blind,
        model=model,
        classification=classification,
    )
    with closing(session):
        with suppress(KeyboardInterrupt):
            server = server_of(session, host, port)
            if not server.private:
                LOGGER.warning(
                    "everybody who can reach %s and has the URL can see and change this set, "
                    "over an unencrypted connection: an SSH tunnel is safer",
                    host,
                )
            warming.append(threading.Thread(target=session.warm, daemon=True))
            warming[1].start()
            announce(server.url)
            if not no_browser:
                server.open_browser()
            server.run()
        for thread in warming:  # Python must not end while one of them is in compiled code
            thread.join(_PATIENCE)
    return 0
