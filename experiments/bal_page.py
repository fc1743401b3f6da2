"""The tables that ``python -m experiments.bal --page`` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN: Final = "<!-- BEGIN python -m experiments.bal -->"
END: Final = "<!-- END bal -->"
# Rows of the table: title, name in the report, and whether the last column says the same.
_ROWS: Final = (
    ("BI above 200 km/s, S/N above 3: called BAL",
     "behind troughs of BI > 200, S/N > 3, called BAL", False),
    ("BI of these within 20 % or 2 sigma", "BI of these within 20 % or 2 sigma", False),
    ("the same spectra without added noise: called BAL", "the same, at the S/N of the quasar",
     False),
    ("real quasars of trust 3 without BAL: not called BAL",
     "real QSO of trust 3, not called BAL", True),
    ("real quasars of trust 2 without BAL: not called BAL",
     "real QSO of trust 2, not called BAL", True),
    ("quasars without BAL, noise added: not called BAL",
     "QSO with noise added, not called BAL", True),
    ("narrow absorption (mock), S/N above 2: not called BAL",
     "narrow absorption, S/N > 2, not called BAL", True),
    ("real BAL quasars (visual): called BAL", "real BAL", True),
)  # fmt: skip


def as_markdown(result: dict[str, Any], samples: Sequence[str]) -> str:
    """Return the tables of a result of `experiments.bal`; `samples` are its columns."""
    parts = [result[name] for name in samples]
    lines = [f"| | {' | '.join(samples)} |", "|---" * (len(samples) + 1) + "|"]
    for title, name, once in _ROWS:
        cells = [_rate(part["network and measurement"][name]) for part in parts]
        if once:
            cells[-1] = ""
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for title, who in (
        ("expected calibration error of P_BAL", "network and measurement"),
        ("the same of the network alone", "network alone"),
    ):
        errors = [f"{part[who]['calibration error']:.3f}" for part in parts]
        lines.append(f"| {title} | {' | '.join(errors)} |")
    for sn in parts[0]["redshifts"]:
        cells = [_velocity(part["redshifts"][sn]) for part in parts]
        title = f"redshift with trough minus that without, {sn}: bias, scatter in km/s"
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines.append("")
    for name, got in result["eight epochs of one quasar"].items():
        lines.append(
            f"Eight epochs of one quasar behind one trough, {name}: rms of the redshifts "
            f"{got['rms of eight epochs, median']:.0f} km/s in the median of {got['quasars']} "
            f"quasars, 90 % below {got['90 % below']:.0f}."
        )
    return "\n".join(lines) + "\n"


def _rate(got: dict[str, Any]) -> str:
    if not got["n"]:
        return ""
    value, low, high = (100.0 * got[name] for name in ("value", "low", "high"))
    return f"{value:.0f} % ({low:.0f} to {high:.0f}), {got['count']} of {got['n']}"


def _velocity(got: dict[str, Any]) -> str:
    return f"{got['bias']:+.0f} ({got['its error']:.0f}), {got['scatter']:.0f}"
