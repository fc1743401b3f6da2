"""A process that fits: batches come on standard input, answers go to standard output.

`huggins.inference.fitting` starts it, as ``python -m huggins.inference.worker``, and says why.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO

from huggins.inference.fitting import fit, load_fitter, without_solutions


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer batches until the source ends."""
    fitter = load_fitter()
    while True:
        try:
            # Only what our own parent wrote.
            task = pickle.load(source)  # noqa: S301
        except (EOFError, pickle.UnpicklingError):  # the parent is gone
            return
        try:
            keep, *rest = task
            found = fit(fitter, *rest)
            answer: object = found if keep else without_solutions(found)
        except Exception:
            answer = traceback.format_exc()
        pickle.dump(answer, sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()


if __name__ == "__main__":
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
