"""Where the surveys' archives keep their files.

The rules were compared with those of the sdss-access package (see the tests). Where releases
differ in a way that is not documented, several addresses are given, to be tried in turn.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from huggins.errors import InputError
from huggins.specobjid import FIRST_BOSS_PLATE, LEGACY, VERSION

#: The Science Archive Server of SDSS.
SDSS: Final = "https://data.sdss.org/sas"

#: ``lite``: a spectrum without its single exposures; ``full``: with them; ``spPlate``: all
#: spectra of a plate; ``spZbest``: the redshifts of a plate.
Kind = Literal["lite", "full", "spPlate", "spZbest"]

#: Reductions of the BOSS spectrographs in each release, for targets that name none.
#: https://www.sdss4.org/dr17/spectro/pipeline/ and the pages of the other releases.
RUN2D: Final = {
    "dr9": "v5_4_45",
    "dr10": "v5_5_12",
    "dr11": "v5_6_5",
    "dr12": "v5_7_0",
    "dr13": "v5_9_0",
    "dr14": "v5_10_0",
    "dr15": "v5_10_0",
    "dr16": "v5_13_0",
    "dr17": "v5_13_2",
    "dr18": "v6_0_4",
    "dr19": "v6_1_3",
}
#: First and last releases that exist or that sdss-access knows.
_RELEASES: Final = (8, 20)
_LAST_PLATE_RELEASE: Final = 17  # SDSS-V counts fields, not plates


def release_number(release: str) -> int:
    """Return the number of a data release.

    Raises
    ------
    InputError
        If there is no such release.

    >>> release_number("DR17")
    17
    """
    match = re.fullmatch(r"dr(\d+)", release.strip().lower())
    number = int(match[1]) if match else 0
    first, last = _RELEASES
    if not first <= number <= last:
        raise InputError(f"unknown data release {release!r}: give one of dr{first} to dr{last}")
    return number


def reductions(plate: int, release: str) -> tuple[str, ...]:
    """Return the reductions that a spectrum of unknown RUN2D may be in, likeliest first.

    Raises
    ------
    InputError
        If the release has none, or its reduction is not known.
    """
    number = release_number(release)
    if plate < FIRST_BOSS_PLATE and number <= _LAST_PLATE_RELEASE:
        return LEGACY
    try:
        return (RUN2D[f"dr{number}"],)
    except KeyError:
        raise InputError(
            f"no reduction of the BOSS spectrographs is known in dr{number}: give --run2d, or "
            "a table with a column RUN2D"
        ) from None


def addresses(
    plate: int,
    mjd: int,
    target: int | str,
    run2d: str,
    *,
    release: str = "dr17",
    kind: Kind = "lite",
    base: str = SDSS,
) -> tuple[str, ...]:
    """Return where a file of SDSS may be, likeliest address first.

    Parameters
    ----------
    plate
        Plate, or field of SDSS-V.
    mjd
        Night.
    target
        Fibre, or catalogue identifier of SDSS-V; of no account for files of a plate.
    run2d
        Version of the reduction: ``26``, ``103`` or ``104`` for SDSS-I and II, ``v5_...`` for
        BOSS and eBOSS, ``v6_...`` for SDSS-V.
    release
        ``dr8`` to ``dr20``.
    kind
        Which file.
    base
        Root of the archive.

    Raises
    ------
    InputError
        If there is no such release, reduction or kind of file.

    >>> addresses(3586, 55181, 500, "v5_13_2")[0][27:]
    'r17/eboss/spectro/redux/v5_13_2/spectra/lite/3586/spec-3586-55181-0500.fits'
    """
    number = release_number(release)
    run2d = run2d.strip()
    match = VERSION.fullmatch(run2d)
    if run2d not in LEGACY and match is None:
        raise InputError(
            f"unknown reduction {run2d!r}: it must be 26, 103, 104 or like v5_13_2"
        )
    root = f"{base.rstrip('/')}/dr{number}"
    if match and int(match[1]) >= 6:
        return _sdss5(
            f"{root}/spectro/boss/redux/{run2d}", plate, mjd, str(target), run2d, kind
        )
    survey = "sdss" if match is None else "boss" if number <= 12 else "eboss"
    redux = f"{root}/{survey}/spectro/redux/{run2d}"
    folder, name = f"{plate:04d}", f"{plate:04d}-{mjd}"
    if kind == "spPlate":
        return (f"{redux}/{folder}/spPlate-{name}.fits",)
    if kind == "spZbest":
        # In the folder of the one-dimensional pipeline's version, which mostly is RUN2D's.
        return (
            f"{redux}/{folder}/{run2d}/spZbest-{name}.fits",
            f"{redux}/{folder}/spZbest-{name}.fits",
        )
    file = f"{folder}/spec-{name}-{int(target):04d}.fits"
    if kind == "lite":
        return (f"{redux}/spectra/lite/{file}",)
    # The folder "full" came with DR14 for BOSS; the older files lie in none.
    places = (f"{redux}/spectra/full/{file}", f"{redux}/spectra/{file}")
    return places if survey == "eboss" and number >= 14 else places[::-1]


def _sdss5(
    redux: str, field: int, mjd: int, target: str, run2d: str, kind: Kind
) -> tuple[str, ...]:
    """Addresses of SDSS-V, whose folders change with the reduction."""
    if kind not in ("lite", "full"):
        raise InputError(f"SDSS-V has no {kind} files: fetch single spectra (lite or full)")
    minor = int(run2d.split("_")[1])
    if minor == 0:  # DR18: not padded, the target to 11 digits
        folder, name = f"{field}p", f"spec-{field}-{mjd}-{target.zfill(11)}.fits"
        plain = f"spec-{field}-{mjd}-{target}.fits"
        names = dict.fromkeys((name, plain))
        return tuple(f"{redux}/spectra/{kind}/{folder}/{mjd}/{each}" for each in names)
    folder, name = f"{field:06d}", f"spec-{field:06d}-{mjd}-{target}.fits"
    if minor == 1:
        return (f"{redux}/spectra/{kind}/{folder}/{mjd}/{name}",)
    group = f"{field // 1000:03d}XXX"
    return (f"{redux}/spectra/daily/{kind}/{group}/{folder}/{mjd}/{name}",)


def sdss_spec_url(
    plate: int, mjd: int, fiber: int, run2d: str, *, base: str = SDSS, lite: bool = True
) -> str:
    """Return the likeliest address of a spectrum of SDSS-I to SDSS-IV in data release 17.

    >>> sdss_spec_url(266, 51630, 38, "26")[-70:]
    'dr17/sdss/spectro/redux/26/spectra/lite/0266/spec-0266-51630-0038.fits'
    """
    kind: Kind = "lite" if lite else "full"
    return addresses(plate, mjd, fiber, run2d, kind=kind, base=base)[0]
