"""What a model says of itself, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from huggins.inference.network import Model


def of_model(model: Model, path: Path) -> list[tuple[str, str]]:
    """Return everything that a weights file says, as pairs of a heading and a text."""
    meta = model.metadata
    contract, grid, redshift = meta.contract, meta.contract.grid, meta.redshift
    first, last = (10.0**edge for edge in (grid.edges[0], grid.edges[-1]))
    rows = [
        ("name", meta.name),
        ("file", path.name),
        ("hash", model.hash),
        ("size", f"{path.stat().st_size / 1e6:.2f} MB"),
        ("exported by", f"huggins {meta.version}"),
        ("classes", " ".join(meta.classes)),
        ("channels", " ".join(contract.channels)),
        ("normalisation", contract.normalisation),
        ("noise", contract.noise),
        ("grid", f"{grid.size} pixels of {grid.step:.6g} dex, {first:.0f} to {last:.0f} A"),
        ("redshift", "none" if redshift is None else _bins(redshift)),
        ("temperature", f"{meta.temperature:.3f}"),
        ("redshift temperature", f"{meta.redshift_temperature:.3f}"),
        ("redshift error scale", f"{meta.redshift_error_scale:.3f}"),
        ("threshold", f"{meta.threshold:.3f}"),
        ("threshold of NONE", f"{meta.none_threshold:.3f}"),
    ]
    return rows + [(f"data: {key}", _in_words(value)) for key, value in meta.data.items()]


def one_line(model: Model, path: Path) -> str:
    """Return name, hash, size and abilities on one line."""
    meta = model.metadata
    able = "class and redshift" if meta.redshift is not None else "class"
    size = path.stat().st_size / 1e6
    return f"{path.stem:12} {model.hash}  {size:5.2f} MB  {len(meta.classes)} classes  {able}"


def _bins(redshift: Any) -> str:
    end = redshift.start + redshift.step * redshift.size
    return f"{redshift.size} bins in ln(1 + z) from {redshift.start:g} to {end:g}"


def _in_words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
