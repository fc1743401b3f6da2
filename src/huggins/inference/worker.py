"""A process that classifies: tasks come on standard input, answers go to standard output.

`huggins.inference.crew` starts it, and says why.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
import traceback
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from huggins.errors import HugginsError, ModelError
from huggins.inference.network import Model


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer tasks until the source ends."""
    tasks: SimpleQueue[Any] = SimpleQueue()
    # So that a task can be sent while another is done.
    threading.Thread(target=_receive, args=(source, tasks), daemon=True).start()
    setup = tasks.get()
    if setup is None:
        return
    path, known, settings, level = setup
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    log = logging.getLogger("huggins")
    log.setLevel(level)
    log.addHandler(QueueHandler(records))
    log.propagate = False
    model: Model | None = None
    while (task := tasks.get()) is not None:
        part, failure = None, ""
        try:
            if model is None:
                model = Model(Path(path), threads=1)
                if model.hash != known:
                    raise ModelError(f"{path}: was changed since it was loaded")
            part = task.part(model, settings)
        except HugginsError as error:
            failure = str(error)
        except MemoryError:
            failure = "not enough memory: give fewer --jobs; --resume keeps what is done"
        except Exception:
            failure = f"a mistake in huggins: report it: {traceback.format_exc()}"
        said = [records.get() for _ in range(records.qsize())]
        pickle.dump((part, said, failure), sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()


def _receive(source: BinaryIO, tasks: SimpleQueue[Any]) -> None:
    """Queue what comes, and None at the end."""
    try:
        while True:
            # Only what our own parent wrote.
            tasks.put(pickle.load(source))  # noqa: S301
    except (EOFError, pickle.UnpicklingError):  # the parent is gone
        tasks.put(None)


def main() -> None:
    """Work for the parent until it has no more to do, or is gone."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
