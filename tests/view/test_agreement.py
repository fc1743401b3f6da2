import math

import pytest

from huggins.errors import InputError
from huggins.view.agreement import agreement, cohen, merge
from huggins.view.inspections import Inspection


def of(scanner, answers, **more):
    return [
        Inspection(f"{i}[0]", scanner, cls, 4, z, **more) for i, (cls, z) in enumerate(answers)
    ]


def test_kappa_by_hand():
    # 20 spectra: both yes 9, both no 6, only the first yes 2, only the second yes 3.
    # p = 15/20; the first says yes 11/20, the second 12/20;
    # e = 11/20 * 12/20 + 9/20 * 8/20 = 132/400 + 72/400 = 0.51; kappa = 0.24 / 0.49.
    yes, no = "QSO", "GAL"
    pairs = [(yes, yes)] * 9 + [(no, no)] * 6 + [(yes, no)] * 2 + [(no, yes)] * 3
    kappa, error = cohen(pairs)
    assert kappa == pytest.approx(0.24 / 0.49)
    assert error == pytest.approx(math.sqrt(0.75 * 0.25 / 20) / 0.49)


def test_kappa_is_one_zero_and_undefined_where_it_must_be():
    assert cohen([("QSO", "QSO"), ("GAL", "GAL")])[0] == 1.0
    assert cohen([("QSO", "QSO"), ("QSO", "GAL"), ("GAL", "QSO"), ("GAL", "GAL")])[0] == 0.0
    assert math.isnan(cohen([("QSO", "QSO")] * 5)[0])
    assert math.isnan(cohen([])[0])


def test_who_differs_in_class_or_redshift():
    ada = of("ada", [("QSO", 2.0), ("QSO", 2.0), ("GAL", 0.3), ("F", None)])
    ben = of("ben", [("QSO", 2.001), ("QSO", 2.1), ("QSO", 0.3), ("F", 0.0)])
    found = agreement([*ada, *ben], "ada", "ben")
    # 2.0 and 2.001 are 100 km/s apart, 2.0 and 2.1 9,800.
    assert found.differ == ("1[0]", "2[0]", "3[0]")
    assert found.redshifts_differ == 2
    assert found.low <= found.kappa <= found.high <= 1.0


def test_one_without_inspections_is_named():
    with pytest.raises(InputError, match="'ben' has inspected nothing"):
        agreement(of("ada", [("QSO", 1.0)]), "ada", "ben")


def test_merging_two():
    ada = of("ada", [("QSO", 2.0), ("QSO", 2.0), ("GAL", 0.3)], issues="R", comment="broad")
    ben = of("ben", [("QSO", 2.002), ("GAL", 2.0)], issues="C")
    both = merge([*ada, *ben], "ada", "ben")
    assert [(m.key, m.scanner) for m in both] == [("0[0]", "ada+ben"), ("2[0]", "ada")]
    assert both[0].z == pytest.approx(2.001)
    assert (both[0].issues, both[0].comment) == ("CR", "broad")
    with pytest.raises(InputError, match="two inspectors"):
        merge(ada, "ada")
