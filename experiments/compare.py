"""``python -m experiments.compare OUT SPECTRA CONFIG...``: networks side by side.

Every network is trained on as many spectra, drawn the same way, and measured on the same ones.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from huggins.inference import load_model
from huggins.train.config import read_config
from huggins.train.experiment import run
from huggins.train.networks import build, contract_of
from huggins.train.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggins.train.config import Config

_COLUMNS: Final = (
    "network", "weights", "file, MB", "learned a second", "classified a second",
    "macro recall, mocks of S/N 5 and above", "S/N 2 to 5",
    "CLASS, visual BOSS", "CLASS, trust 2 BOSS and SDSS-I", "LAMOST star letter",
    "quasar z within 0.02 (1 + z)",
)  # fmt: skip
#: Mocks from held-back templates that each is measured on.
MOCKS: Final = 10_000


def shortened(config: Config, spectra: int) -> Config:
    """Return the experiment with the number of steps for so many spectra."""
    steps = max(1, spectra // config.batch)
    return replace(
        config,
        name=f"{config.name}-{spectra}",
        steps=steps,
        warmup=min(config.warmup, max(1, steps // 10)),
        every=max(1, steps // 4),
    )


def measured(config: Config, runs: Path, mocks: int = MOCKS) -> dict[str, Any]:
    """Train one network and measure it."""
    network = build(config)
    count = sum(parameter.numel() for parameter in network.parameters())
    began = time.monotonic()
    path = run(config, runs, progress=lambda line: print(line, file=sys.stderr, flush=True))
    seconds = time.monotonic() - began
    figures = report(config, path, mocks)
    return {
        "network": config.network,
        "spectra": config.steps * config.batch,
        "parameters": count,
        "bytes": path.stat().st_size,
        "seconds": round(seconds, 1),
        "training speed": training_speed(config),
        "inference speed": inference_speed(path, config),
        "redshift": load_model(path).metadata.redshift is not None,
        **figures,
    }


def training_speed(config: Config) -> float:
    """Training spectra per second of CPU time on one thread, batches ready; best of three.

    Processor time, because it is the same on a machine that has other things to do.
    """
    torch.set_num_threads(1)
    network = build(config).train()
    contract, count = contract_of(config), config.batch
    x = torch.randn(count, len(contract.channels), contract.grid.size)
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        for _ in range(2):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.bfloat16):
                scores, redshift = network(x)
            value = scores.float().square().mean()
            if redshift is not None:
                value = value + redshift.float().square().mean()
            value.backward()
        best = max(best, 2 * count / (time.process_time() - began))
    return best


def inference_speed(path: Path, config: Config, batch: int = 256) -> float:
    """Spectra per second of processor time through ONNX Runtime, one thread; best of five."""
    model = load_model(path, threads=1)
    contract = contract_of(config)
    shape = (batch, len(contract.channels), contract.grid.size)
    x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    model.run(x)
    best = 0.0
    for _ in range(5):
        began = time.process_time()
        for _ in range(4):
            model.run(x)
        best = max(best, 4 * batch / (time.process_time() - began))
    return best


def table(results: Sequence[dict[str, Any]]) -> str:
    """Return the comparison as a Markdown table, fractions in percent with their counts."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for result in results:
        cells = [
            result["network"],
            f"{result['parameters']:,}",
            f"{result['bytes'] / 1e6:.1f}",
            f"{result['training speed']:.0f}",
            f"{result['inference speed']:.0f}",
            *(f"{100 * result['mocks'][b]['macro recall']:.1f}" for b in ("5-40", "2-5")),
        ]
        for name in _COLUMNS[7:]:
            rate = result["real"][name]
            known = rate["n"] and (result["redshift"] or " z " not in name)
            cells.append(
                f"{100 * rate['value']:.1f} ({rate['count']}/{rate['n']})" if known else "-"
            )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Train, measure, and write comparison.json and .md into OUT after each network."""
    out, spectra, *configs = argv or sys.argv[1:]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for path in configs:
        results.append(measured(shortened(read_config(path), int(spectra)), folder))
        text = json.dumps(results, indent=1) + "\n"
        (folder / "comparison.json").write_text(text, encoding="utf-8")
        (folder / "comparison.md").write_text(table(results), encoding="utf-8")
    sys.stdout.write(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
