"""``python -m huggins.train CONFIG``: run an experiment; with ``--report``, measure weights."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from huggins.errors import HugginsError
from huggins.train import read_config, report, run, run_folds


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; 0 where all went well, 2 where not."""
    parser = argparse.ArgumentParser(prog="python -m huggins.train", description=__doc__)
    parser.add_argument("config", help="TOML file of the experiment")
    parser.add_argument("--runs", default="runs", help="folder of the results")
    parser.add_argument("--resume", action="store_true", help="go on where it stopped")
    parser.add_argument(
        "--report", metavar="WEIGHTS", help="do not train: measure these weights, as JSON"
    )
    arguments = parser.parse_args(argv)
    try:
        config = read_config(arguments.config)
        if arguments.report:
            figures = report(config, Path(arguments.report))
            sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        else:
            go = run if config.data.folds else run_folds
            go(config, arguments.runs, resume=arguments.resume, say=_say)
    except HugginsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
