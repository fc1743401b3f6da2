"""The pages of the comparison: figures as data, tables, a picture; and the disagreements."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.score import FIGURES
from huggins.evaluate.residuals import velocity

if TYPE_CHECKING:
    from benchmarks.peers.answers import Answers
    from benchmarks.peers.inputs import Truth

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
#: Peers in the order of the tables, with their names there.
NAMES = {
    "huggins": "huggins",
    "huggins_network": "huggins, network alone",
    "pipeline": "survey's pipeline",
    "redrock": "redrock 0.21",
    "seed": "network of 2019 (seed)",
    "linefinder": "line finder after QuasarNET",
    "trees": "boosted trees on PCA",
}
_TABLES = (
    ("Classes", ("class", "found", "pure", "subclass", "bal", "bal_pure", "not_bal")),
    ("Redshifts", ("z_qso", "z_qso_6000", "z_gal", "z_star")),
    ("Warnings", ("reliable", "class_reliable", "right_reliable", "sky")),
)
_SAMPLES = {
    "real": "Real spectra of BOSS and SDSS-I, folds 0 and 1",
    "visual": "Of these, the visually inspected ones",
    "mock": "Simulated spectra of held-back templates, 13 classes evenly, S/N 1 to 40",
}
_DRAWN = ("class", "found", "pure", "z_qso", "class_reliable")
_BLOCK = "<!-- {name} BEGIN -->\n.*?<!-- {name} END -->"
# What is seen in the pictures, by the end of the file's name.
_SEEN = {
    "7102-56666-0177": "The person saw a galaxy at z = 0.528, and the pipeline agrees.",
    "7102-56666-0232": "A faint star, for the pipeline a quasar at 1.76.",
    "7102-56666-0318": "A faint star, for the pipeline a galaxy.",
    "7102-56666-0388": "A star, for the pipeline a galaxy at 0.24.",
    "7102-56666-0542": "A star, for the pipeline a galaxy at redshift 0.",
    "7102-56666-0810": "A faint star, for the pipeline a quasar at 2.16.",
    "9581-57783-0437": "The pipeline says z = 5.487; Hα, Hβ and [O III] stand at 0.207.",
    "4836-55689-0537": "At S/N 2.2 broad lines are hard to see; the redshift is the same.",
    "2114-53848-0443": "The redshift is the same, and Hα has a broad base.",
    "0295-51585-0596": "The redshift is the same; whether an active nucleus makes a galaxy a "
    "quasar is a matter of where the border is drawn.",
}

# Sections of spectra that nobody has inspected but whose lines leave no doubt.
_JUDGED = {"9581-57783-0437": 1}


def write(result: dict[str, Any], truths: list[Truth], peers: dict[str, Answers]) -> None:
    """Write ``docs/results/peers.*`` and ``docs/results/disagreements.*``."""
    (RESULTS / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    _put(RESULTS / "peers.md", "PEERS", tables(result))
    draw(result, RESULTS / "peers.png")
    print(tables(result))


def _put(page: Path, name: str, block: str) -> None:
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(_BLOCK.format(name=name), re.DOTALL)
    made = f"<!-- {name} BEGIN -->\n{block}\n<!-- {name} END -->"
    if not pattern.search(text):
        raise SystemExit(f"{page}: there is no block {name}")
    page.write_text(pattern.sub(lambda _: made, text), encoding="utf-8")


def tables(result: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    peers = {name: result["peers"][name] for name in NAMES if name in result["peers"]}
    parts = []
    for sample, title in _SAMPLES.items():
        parts.append(f"## {title}\n")
        most = max(peer[sample]["n"] for peer in peers.values())
        parts.append(f"{most} spectra, empty sky included.{_fewer(peers, sample, most)}\n")
        for heading, keys in _TABLES:
            shown = [k for k in keys if any(k in peer[sample] for peer in peers.values())]
            if not shown:
                continue
            parts.append(f"| {heading} | " + " | ".join(FIGURES[k] for k in shown) + " |")
            parts.append("|---" * (len(shown) + 1) + "|")
            for name, peer in peers.items():
                cells = [_cell(peer[sample].get(key)) for key in shown]
                if any(cells):
                    parts.append(f"| {NAMES[name]} | " + " | ".join(cells) + " |")
            parts.append("")
    parts += ["## Time and memory\n", *_costs(peers)]
    return "\n".join(parts)


def _fewer(peers: dict[str, Any], sample: str, most: int) -> str:
    """Say which peers answered on fewer spectra, and why."""
    said = ""
    for name, peer in peers.items():
        n = peer[sample]["n"]
        if 0 < n < most and name == "pipeline":
            said += f" The survey's pipeline: the {n} whose label is not its own."
        elif 0 < n < most:
            said += f" {NAMES[name]}: only the first {n}, since it takes so long."
    return said


def _cell(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return ""
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} % ({low} to {high}), {rate['count']} of {rate['n']}"


def _costs(peers: dict[str, Any]) -> list[str]:
    lines = ["| | processor time a spectrum | largest memory |", "|---|---|---|"]
    for name, peer in peers.items():
        cost = peer["cost"]
        if cost:
            seconds = cost["processor_seconds"]
            time = f"{1e3 * seconds:.2g} ms" if seconds < 0.2 else f"{seconds:.2g} s"
            lines.append(f"| {NAMES[name]} | {time} | {cost['memory_mb']:.0f} MB |")
    return lines


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw the most important figures, peers beside one another, real beside simulated."""
    from matplotlib.figure import Figure

    peers = [name for name in NAMES if name in result["peers"]]
    figure = Figure(figsize=(11.0, 6.4), dpi=110, layout="constrained")
    panels = figure.subplots(2, len(_DRAWN), sharey=True)
    for line, sample in zip(panels, ("real", "mock"), strict=True):
        for axes, key in zip(line, _DRAWN, strict=True):
            for place, name in enumerate(peers):
                rate = result["peers"][name][sample].get(key)
                if rate is None:
                    continue
                colour = "#1f4e8c" if name.startswith("huggins") else "#8a93a1"
                reach = [[rate["value"] - rate["low"]], [rate["high"] - rate["value"]]]
                axes.errorbar(
                    [rate["value"]], [place], xerr=np.abs(reach), fmt="o", color=colour,
                    capsize=2, markersize=4,
                )  # fmt: skip
            axes.set_yticks(range(len(peers)), [NAMES[name] for name in peers], fontsize=8)
            axes.set_ylim(len(peers) - 0.5, -0.5)
            axes.grid(visible=True, axis="x", color="#dfe3e9", linewidth=0.7)
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.set_major_formatter("{x:.0%}")
            axes.tick_params(axis="x", labelsize=7.5)
            if sample == "real":
                axes.set_title(_wrapped(FIGURES[key]), fontsize=8.5, loc="left")
        line[0].set_ylabel("real spectra" if sample == "real" else "simulated spectra")
    figure.savefig(path, metadata={"Software": "huggins benchmarks.peers"})


def _wrapped(text: str, width: int = 24) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def disagreements(table: Path, labels: Path) -> None:
    """Write the page of spectra on which pipeline and huggins differ, with their pictures.

    Parameters
    ----------
    table
        Results of all spectra of the labels, as FITS.
    labels
        Folder of ``labels.csv``.
    """
    cases = sorted(_cases(table, labels))
    folder = RESULTS / "disagreements"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    parts = []
    titles = {
        1: "The survey's pipeline is wrong, we are right",
        2: "We are wrong, the survey's pipeline is right",
        3: "We differ from the pipeline, and nobody has looked",
        4: "Both are wrong",
    }
    for group, title in titles.items():
        mine = [case for case in cases if case[0] == group]
        if mine:
            parts.append(f"## {title} ({len(mine)})\n")
        for _, path, text, said in mine:
            stem = Path(path).name.split(".")[0]
            picture = folder / f"{stem}.png"
            command = [sys.executable, "-m", "huggins", "plot", path, "-o", str(picture), "-q"]
            subprocess.run([*command, "--overwrite"], check=True)
            _shrink(picture)
            seen = next((s for key, s in _SEEN.items() if key in stem), "")
            parts += [f"### {stem}\n", text, seen if seen else ""]
            parts.append(f"\n![{stem}: {said}](disagreements/{stem}.png)\n")
    _put(RESULTS / "disagreements.md", "DISAGREEMENTS", "\n".join(parts))


def _shrink(path: Path, width: int = 1100) -> None:
    """Make a picture a third of its size: fewer pixels, and a palette."""
    from PIL import Image

    with Image.open(path) as image:
        height = round(image.height * width / image.width)
        small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    small.quantize(128).save(path, optimize=True)


def _cases(table: Path, labels: Path) -> list[tuple[int, str, str, str]]:
    from astropy.table import Table

    from huggins.train.labelled import read_labels

    results = {Path(row["FILE"]).resolve(): row for row in Table.read(table)}
    cases = []
    for row in read_labels(labels, None, trust=2):
        found = results.get((labels / row["path"]).resolve())
        visual = row["label_from"] == "visual"
        if found is None or row["class3"] in ("SKY", "UNKNOWN", ""):
            continue
        if not visual and row["fold"] not in ("0", "1"):
            continue
        z = float(row["z"] or "nan")
        ours = _answer(found, "", row["class3"], z)
        theirs = _answer(found, "PIPE_", row["class3"], z)
        if ours[1] and theirs[1]:
            continue
        group = 3 if not visual else 4 if not ours[1] and not theirs[1] else 1 if ours[1] else 2
        group = next((g for key, g in _JUDGED.items() if key in row["path"]), group)
        truth = f"{'Seen by eye' if visual else 'Label'}: {row['class3']}" + (
            "" if row["class3"] == "STAR" else f" at z = {z:.4f}"
        )
        fold = "" if row["fold"] in ("0", "1") else " Training or calibration has seen it."
        noise = f"S/N {float(found['SN_MEDIAN']):.1f}"
        text = f"{truth}. Pipeline: {theirs[0]}. huggins: {ours[0]}. {noise}.{fold}"
        cases.append((group, str(labels / row["path"]), text, f"huggins says {ours[0]}"))
    return cases


def _answer(row: Any, prefix: str, cls: str, z: float) -> tuple[str, bool]:
    """Return what one says, and whether it is right: CLASS, and z within 3000 km/s."""
    masked = np.ma.is_masked
    kind = "" if masked(row[f"{prefix}CLASS"]) else str(row[f"{prefix}CLASS"]).strip()
    if not kind:
        return "nothing in the file", True
    found = np.nan if masked(row[f"{prefix}Z"]) else float(row[f"{prefix}Z"])
    warned = not masked(row[f"{prefix}ZWARNING"]) and int(row[f"{prefix}ZWARNING"]) != 0
    near = cls == "STAR" or bool(abs(velocity(found, z)) <= 3000.0)
    said = f"{kind} at z = {found:.4f}" + (", with a warning" if warned else "")
    return said, kind == cls and near


if __name__ == "__main__":
    disagreements(Path(sys.argv[1]), Path(sys.argv[2]))
