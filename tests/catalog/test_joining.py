"""Joining rows against the plain way, on random tables."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from huggins.catalog.joining import merge
from huggins.catalog.targets import NO_TARGETID, Targets, Words

BROAD = ("", "STAR", "GALAXY", "QSO")
WHO = ("pipeline", "visual")

row = st.fixed_dictionaries(
    {
        "table": st.integers(0, 2),
        "fiber": st.integers(-1, 4),
        "target": st.integers(0, 3),
        "broad": st.sampled_from(BROAD),
        "trust": st.integers(0, 3),
        "who": st.sampled_from(WHO),
        "z": st.sampled_from([np.nan, 0.1, 0.1005, 2.0]),
        "sn": st.sampled_from([np.nan, 3.0, 7.0]),
    }
)


def as_targets(rows):
    words = Words()
    columns = {
        "PLATE": np.full(len(rows), 100, np.int32),
        "MJD": np.full(len(rows), 55000, np.int32),
        "FIBERID": np.array([r["fiber"] for r in rows], np.int32),
        "TARGETID": np.array([r["target"] or NO_TARGETID for r in rows], np.int64),
        "CLASS": words.codes(r["broad"] for r in rows),
        "SUBCLASS": np.zeros(len(rows), np.int32),
        "TRUST": np.array([r["trust"] for r in rows], np.int16),
        "LABEL_FROM": words.codes(r["who"] for r in rows),
        "CATALOG": words.codes(f"t{r['table']}" for r in rows),
        "Z": np.array([r["z"] for r in rows], np.float64),
        "SN_MEDIAN": np.array([r["sn"] for r in rows], np.float32),
    }
    return Targets(words, columns, len(rows))


def plain(rows):
    """One dict a spectrum, the way a person would join them."""
    spectra = {}
    for number, r in enumerate(rows):
        key = ("f", r["fiber"]) if r["fiber"] >= 0 else ("t", r["target"] or -number - 1)
        spectra.setdefault(key, []).append((number, r))
    joined = []
    for several in spectra.values():
        several.sort(
            key=lambda n: (-n[1]["trust"], n[1]["who"] != "visual", n[1]["table"], n[0])
        )
        winner = several[0][1]
        sn = [r["sn"] for _, r in several if np.isfinite(r["sn"])]
        conflict, other = "", ""
        for _, r in several[1:]:
            differs = []
            if winner["broad"] and r["broad"] and r["broad"] != winner["broad"]:
                differs.append("class")
            if abs(winner["z"] - r["z"]) > 0.01 * (1 + winner["z"]):
                differs.append("z")
            if differs:
                conflict, other = " ".join(differs), f"t{r['table']}"
                break
        joined.append(
            (
                several[0][0],
                {
                    "CLASS": winner["broad"],
                    "TRUST": winner["trust"],
                    "SN": sn[0] if sn else None,
                    "CONFLICT": conflict,
                    "OTHER_CATALOG": other,
                    "CATALOGS": {f"t{r['table']}" for _, r in several},
                },
            )
        )
    return [spectrum for _, spectrum in sorted(joined, key=lambda j: j[0])]


@given(rows=st.lists(row, min_size=1, max_size=25))
def test_merging_is_the_plain_joining(rows):
    rows = sorted(rows, key=lambda r: r["table"])
    source = np.array([r["table"] for r in rows], np.int32)
    merged = merge(as_targets(rows), source, ["a", "b", "c"], first=True)
    said = [
        {
            "CLASS": merged.text("CLASS")[i],
            "TRUST": int(merged.get("TRUST")[i]),
            "SN": None if merged.missing("SN_MEDIAN")[i] else float(merged.get("SN_MEDIAN")[i]),
            "CONFLICT": merged.text("CONFLICT")[i],
            "OTHER_CATALOG": merged.text("OTHER_CATALOG")[i],
            "CATALOGS": set(merged.text("CATALOGS")[i].split()),
        }
        for i in range(len(merged))
    ]
    assert said == plain(rows)
