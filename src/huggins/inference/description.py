"""What a weights file or the redshift basis holds, in words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from huggins.inference.network import load_model
from huggins.redshift import load_basis

if TYPE_CHECKING:
    from pathlib import Path

    from huggins.redshift import Basis
    from huggins.weights import Metadata, RedshiftGrid


def describe(path: Path) -> list[tuple[str, str]]:
    """Return the contents of a weights file (``.onnx``) or basis (``.npz``): heading, text."""
    content = path.read_bytes()
    if path.suffix == ".npz":
        name, rows = path.stem, _of_basis(load_basis(path))
    else:
        metadata = load_model(path).metadata
        name, rows = metadata.name, _of_network(metadata)
    return [
        ("name", name),
        ("file", path.name),
        ("hash", hashlib.sha256(content).hexdigest()[:16]),
        ("size", f"{len(content) / 1e6:.2f} MB"),
        *rows,
    ]


def one_line(path: Path) -> str:
    """Return name, hash, size and contents on one line."""
    rows = dict(describe(path))
    if path.suffix == ".npz":
        count = sum(int(rows[name].split()[0]) for name in ("quasar", "galaxy", "star"))
        contents = f"{count} templates  redshift"
    else:
        able = "class" if rows["redshift"] == "none" else "class and redshift"
        contents = f"{len(rows['classes'].split())} classes  {able}"
    return f"{path.stem:12} {rows['hash']}  {rows['size']:>8}  {contents}"


def _of_network(meta: Metadata) -> list[tuple[str, str]]:
    contract, grid = meta.contract, meta.contract.grid
    first, last = (10.0**edge for edge in (grid.edges[0], grid.edges[-1]))
    rows = [
        ("exported by", f"huggins {meta.version}"),
        ("classes", " ".join(meta.classes)),
        ("channels", " ".join(contract.channels)),
        ("normalisation", contract.normalisation),
        ("noise", contract.noise),
        ("grid", f"{grid.size} pixels of {grid.step:.6g} dex, {first:.0f} to {last:.0f} A"),
        ("redshift", "none" if meta.redshift is None else _bins(meta.redshift)),
        ("temperature", f"{meta.temperature:.3f}"),
        ("redshift temperature", f"{meta.redshift_temperature:.3f}"),
        ("redshift error scale", f"{meta.redshift_error_scale:.3f}"),
        ("threshold", f"{meta.threshold:.3f}"),
        ("threshold of NONE", f"{meta.none_threshold:.3f}"),
    ]
    return rows + [(f"data: {key}", _in_words(value)) for key, value in meta.data.items()]


def _of_basis(basis: Basis) -> list[tuple[str, str]]:
    rows = [
        (name, f"{len(part.vectors)} vectors, z {part.z_min:g} to {part.z_max:g}")
        for name, part in (("quasar", basis.quasar), ("galaxy", basis.galaxy))
    ]
    star = basis.star
    rows.append(("star", f"{len(star.vectors)} archetypes, |v| below {star.velocity:g} km/s"))
    return rows + [(f"made: {key}", str(value)) for key, value in basis.made.items()]


def _bins(redshift: RedshiftGrid) -> str:
    end = redshift.start + redshift.step * redshift.size
    return f"{redshift.size} bins in ln(1 + z) from {redshift.start:g} to {end:g}"


def _in_words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
