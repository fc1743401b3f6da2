import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggins.errors import InputError
from huggins.tables.columns import Columns, from_lists
from huggins.tables.match import match

ROLES = {
    name: name
    for name in (
        "path",
        "index",
        "plate",
        "mjd",
        "fiberid",
        "specobjid",
        "targetid",
        "ra",
        "dec",
    )
}


def results(**columns):
    return Columns("results.fits", from_lists(columns))


def truth(**columns):
    return Columns("truth.csv", from_lists(columns))


def roles(table):
    return {role: name for role, name in ROLES.items() if name in table}


def pairs(ours, theirs, by="auto"):
    found = match(ours, theirs, roles(theirs), by=by)
    return found.by, list(zip(found.rows.tolist(), found.truth_rows.tolist(), strict=True))


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("/data/boss/a.fits", "boss/a.fits"),
        ("../shared/boss/a.fits", "boss/a.fits"),
        ("boss/a.fits", "/elsewhere/boss/a.fits"),
        ("a.fits", "boss/a.fits"),
        ("./boss//a.fits", "boss/a.fits"),
        ("caf\u00e9/a.fits", "caf\\xe9/a.fits"),  # as a FITS table has it
    ],
)
def test_the_shorter_path_ends_the_longer(file, path):
    assert pairs(results(FILE=[file], INDEX=[0]), truth(path=[path])) == ("path", [(0, 0)])


@pytest.mark.parametrize(
    ("file", "path"),
    [("x/a.fits", "y/a.fits"), ("aa.fits", "a.fits"), ("x/a.fits.gz", "x/a.fits")],
)
def test_other_paths_do_not_match(file, path):
    with pytest.raises(InputError, match="has its truth in"):
        match(results(FILE=[file], INDEX=[0]), truth(path=[path]), {"path": "path"})


def test_the_index_counts():
    ours = results(FILE=["p.fits"] * 3, INDEX=[0, 1, 2])
    assert pairs(ours, truth(path=["p.fits"] * 2, index=[2, 1]))[1] == [(1, 1), (2, 0)]
    assert pairs(ours, truth(path=["p.fits"]))[1] == [(0, 0)]


def test_unmatched_are_counted():
    found = match(
        results(FILE=["a", "b", "c"], INDEX=[0, 0, 0]), truth(path=["b", "d"]), {"path": "path"}
    )
    assert (found.unmatched, found.unmatched_truth) == (2, 1)


def test_two_truths_for_one_result_are_ambiguous_unless_one_is_the_same_path():
    ours = results(FILE=["a.fits"], INDEX=[0])
    theirs = truth(path=["x/a.fits", "y/a.fits"])
    with pytest.raises(
        InputError, match=r"ambiguous match by path: row 1 .* rows 1, 2 of truth"
    ):
        match(ours, theirs, roles(theirs))
    same = truth(path=["x/a.fits", "a.fits"])
    assert pairs(ours, same)[1] == [(0, 1)]


def test_two_results_for_one_truth_are_ambiguous():
    ours = results(FILE=["x/a.fits", "y/a.fits"], INDEX=[0, 0])
    theirs = truth(path=["a.fits"])
    with pytest.raises(InputError, match="rows 1, 2 of results"):
        match(ours, theirs, roles(theirs))


def test_by_plate_mjd_fibre():
    ours = results(PLATE=[7102, 7102, None], MJD=[56666] * 3, FIBERID=[1, 2, 3])
    theirs = truth(plate=[7102, 7102], mjd=[56666] * 2, fiberid=[2, 9])
    assert pairs(ours, theirs) == ("plate", [(1, 0)])
    twice = truth(plate=[7102] * 2, mjd=[56666] * 2, fiberid=[2, 2])
    with pytest.raises(InputError, match="ambiguous match by PLATE-MJD-FIBERID"):
        match(ours, twice, roles(twice))


def test_by_targetid_several_spectra_share_a_truth_and_text_meets_number():
    ours = results(TARGETID=["39627652591521793", "5", "5", None])
    theirs = truth(targetid=[5, 39627652591521793, None])
    assert pairs(ours, theirs) == ("targetid", [(0, 1), (1, 0), (2, 0)])


def test_by_sky_within_one_arcsecond():
    second = 1.0 / 3600.0
    # At declination 60 degrees 1.9 arcseconds of right ascension are 0.95 on the sky.
    ours = results(RA=[10.0, 20.0, 359.9999, None], DEC=[0.0, 60.0, 0.0, 0.0])
    theirs = truth(
        ra=[10.0 + 1.1 * second, 20.0 + 1.9 * second, 359.9999 - 360.0], dec=[0.0, 60.0, 0.0]
    )
    assert pairs(ours, theirs) == ("sky", [(1, 1), (2, 2)])


def test_two_truths_within_an_arcsecond_are_ambiguous():
    theirs = truth(ra=[10.0, 10.0001], dec=[0.0, 0.0])
    with pytest.raises(InputError, match="ambiguous match by sky position"):
        match(results(RA=[10.00005], DEC=[0.0]), theirs, roles(theirs))


@given(
    st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90)), min_size=1, max_size=12),
    st.floats(0.0, 360.0),
)
def test_a_shift_below_the_radius_matches_wherever_it_is(points, angle):
    ra, dec = np.array(points).T
    # Points further apart than any shift, or the match would rightly be ambiguous.
    keep = [0]
    for i in range(1, len(ra)):
        if all(separation(ra[i], dec[i], ra[k], dec[k]) > 5.0 for k in keep):
            keep.append(i)
    ra, dec = ra[keep], dec[keep]
    shift = 0.9 / 3600.0
    moved = np.clip(dec + shift * np.cos(np.radians(angle)), -90, 90)
    across = shift * np.sin(np.radians(angle)) / np.maximum(np.cos(np.radians(moved)), 1e-9)
    aside = np.where(np.abs(dec) < 89.0, ra + across, ra)
    found = match(
        results(RA=aside.tolist(), DEC=moved.tolist()),
        truth(ra=ra.tolist(), dec=dec.tolist()),
        {"ra": "ra", "dec": "dec"},
    )
    assert found.truth_rows.tolist() == list(range(len(ra)))


def separation(ra1, dec1, ra2, dec2):
    """Arcseconds between two positions (haversine)."""
    r1, d1, r2, d2 = np.radians([ra1, dec1, ra2, dec2])
    h = np.sin((d2 - d1) / 2) ** 2 + np.cos(d1) * np.cos(d2) * np.sin((r2 - r1) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(min(1.0, h)))) * 3600.0


def test_auto_takes_the_first_way_that_works():
    ours = results(FILE=["a"], INDEX=[0], PLATE=[1], MJD=[2], FIBERID=[3])
    theirs = truth(path=["b"], plate=[1], mjd=[2], fiberid=[3])
    assert pairs(ours, theirs)[0] == "plate"


def test_nothing_found_says_what_was_tried():
    ours = results(FILE=["x/a"], INDEX=[0])
    theirs = truth(path=["b"], ra=[1.0], dec=[1.0])
    with pytest.raises(InputError) as error:
        match(ours, theirs, roles(theirs))
    said = str(error.value)
    assert "by path: none of 1 ('x/a' against 'b', ...)" in said
    assert "truth.csv has no plate" in said
    assert "by sky: results.fits has no RA" in said
    assert "--column ROLE=NAME" in said


def test_an_unknown_way_is_refused():
    with pytest.raises(InputError, match="'name' is none of auto, path"):
        match(results(FILE=["a"]), truth(path=["a"]), {"path": "path"}, by="name")


def test_specobjid_alone():
    ours = results(SPECOBJID=["5855818157717954560", "5855818157717954561", ""], RA=[1.0] * 3)
    assert pairs(ours, truth(specobjid=[5855818157717954561, 0])) == ("specobjid", [(1, 0)])
    assert pairs(ours, truth(specobjid=["5855818157717954560"]))[1] == [(0, 0)]


def test_identifiers_that_lost_digits_are_not_compared():
    ours = results(SPECOBJID=["5855818157717954560"], RA=[1.0], DEC=[2.0])
    theirs = truth(specobjid=["5.855818157717955e+18"], ra=[1.0], dec=[2.0])
    assert pairs(ours, theirs) == ("sky", [(0, 0)])
    with pytest.raises(InputError, match=r"row 1: specobjid .* was rounded"):
        pairs(ours, theirs, by="specobjid")
