"""Gradient-boosted trees on principal components: runs where scikit-learn is, without huggins.

``python _trees.py INPUT.npz OUT.csv`` learns and writes class, probability and redshift of each
spectrum of the test; the redshifts of quasars and galaxies come from a regression of ln(1 + z).
"""

import csv
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

FLUX, ERRORS = 60, 12


def normalised(flux, ivar):
    """Flux over its median, 0 where there is no data; log of its relative error; its S/N."""
    good = ivar > 0
    level = np.array(
        [np.median(np.abs(f[g])) if g.any() else 1.0 for f, g in zip(flux, good, strict=False)]
    )
    level[level <= 0] = 1.0
    scaled = np.where(good, np.clip(flux / level[:, None], -3.0, 6.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(good, np.log10(np.clip(ivar**-0.5 / level[:, None], 1e-3, 1e3)), 1.0)
        ratio = np.where(good, flux * np.sqrt(ivar), np.nan)
    ratio[~good.any(axis=1)] = 0.0
    return scaled.astype("f4"), sigma.astype("f4"), np.nanmedian(ratio, axis=1)


def main(source: str, out: str) -> None:
    given = np.load(source)
    names = given["classes"].tolist()
    flux, sigma, ratio = normalised(given["flux"], given["ivar"])
    kind, z, weight = given["kind"], given["z"], given["weight"]
    begun = time.process_time()
    parts = [
        PCA(FLUX, svd_solver="randomized", random_state=0).fit(flux),
        PCA(ERRORS, svd_solver="randomized", random_state=0).fit(sigma),
    ]

    def features(flux, sigma, ratio):
        return np.hstack(
            [parts[0].transform(flux), parts[1].transform(sigma), np.arcsinh(ratio)[:, None]]
        )

    learned = features(flux, sigma, ratio)
    options = {"max_iter": 150, "learning_rate": 0.1, "early_stopping": True, "random_state": 0}
    trees = HistGradientBoostingClassifier(**options).fit(learned, kind, sample_weight=weight)
    redshifts = {}
    for broad, members in (("QSO", ("QSO", "BAL")), ("GAL", ("GAL",))):
        mine = np.isin(kind, [names.index(m) for m in members]) & np.isfinite(z)
        redshifts[broad] = HistGradientBoostingRegressor(**options).fit(
            learned[mine], np.log1p(z[mine]), sample_weight=weight[mine]
        )
    trained = time.process_time() - begun
    begun = time.process_time()
    test = features(*normalised(given["test_flux"], given["test_ivar"]))
    probability = trees.predict_proba(test)
    best = probability[:, : names.index("NONE")].argmax(axis=1)
    found = {name: np.expm1(one.predict(test)) for name, one in redshifts.items()}
    seconds = (time.process_time() - begun) / len(test)
    with Path(out).open("w", newline="") as file:
        writer = csv.writer(file)
        for i, at in enumerate(best):
            name = names[at]
            z = (
                found["QSO"][i]
                if name in ("QSO", "BAL")
                else found["GAL"][i]
                if name == "GAL"
                else 0.0
            )
            # A warning where the trees think it none of the classes, or are not sure.
            warned = probability[i, names.index("NONE")] > 0.2 or probability[i, at] < 0.5
            writer.writerow([name, probability[i, at], z, int(warned)])
    result = {
        "version": sklearn.__version__,
        "processor_seconds": seconds,
        "training_seconds": trained,
        "learned": len(kind),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    Path(out).with_suffix(".json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
