"""The shapes by which fetched templates are recognised.

    python -m experiments.template_shapes ../shared/data/templates

writes ``src/huggins/templates/shapes.npz`` from the templates that the shipped network was
trained with.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from huggins.runs.files import replacing
from huggins.templates.assemble import shapes_in
from huggins.templates.shapes import SHAPES


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m experiments.template_shapes")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    for name in ("stars", "quasars", "galaxies", "bal"):
        with h5py.File(given.folder / f"{name}.h5") as file:
            found.update(shapes_in(file, name))
    with replacing(SHAPES) as stream:
        np.savez_compressed(
            stream,
            names=np.array(list(found)),
            shapes=np.stack(list(found.values())).astype(np.float16),
        )
    print(f"{SHAPES}: {len(found)} shapes")


if __name__ == "__main__":
    main()
