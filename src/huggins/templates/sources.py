"""The public places of the templates: addresses, licences, and how what comes is verified.

Files are named at a fixed commit, so an address always means the same bytes. Where a checksum
could be measured it is here; of the other files the spectra are compared, after reading, with
the shapes of those that huggins was made with (`huggins.templates.shapes`), and the first
download's SHA-256 is kept beside the file, so that a later one that differs is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: Where public repositories serve single files.
RAW: Final = "https://raw.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Source:
    """Templates from one place.

    Attributes
    ----------
    name
        As in the column ``source`` of stars.h5.
    home
        Page to read about it and to cite.
    licence
        Of the place that serves the files; the spectra themselves are to be credited.
    credit
        Papers.
    gives
        Files of templates that it contributes to, such as ``stars``.
    files : dict of str to tuple of str
        Name of each file on disk, and the addresses behind `RAW` to try, in order.
    package
        Requirement, such as ``name==1.0``, of a package of the Python package index that holds
        the files; pip fetches it.
    archive, sha256
        Name of that package's file, and its SHA-256.
    size
        Rough size of all files in 1e6 bytes.
    """

    name: str
    home: str
    licence: str
    credit: str
    gives: tuple[str, ...]
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    package: str = ""
    archive: str = ""
    sha256: str = ""
    size: float = 0.0


_PYHAMMER: Final = {
    "3c9092e6e09b71899aaa8a4524921dd03a236c9f": (
        "A1 B9 F0_+0.5_Dwarf F0_-1.5_Dwarf F1_+0.0_Dwarf F1_-0.5_Dwarf F1_-1.0_Dwarf "
        "F1_-1.5_Dwarf F1_-2.0_Dwarf F2_+0.0_Dwarf F2_-1.0_Dwarf F3_+0.0_Dwarf "
        "F3_-1.5_Dwarf F4_+0.0_Dwarf F4_-0.5_Dwarf F4_-1.0_Dwarf F4_-1.5_Dwarf "
        "F5_+0.0_Dwarf F6_+0.0_Dwarf F7_-1.0_Dwarf F7_-1.5_Dwarf F7_-2.0_Dwarf "
        "F8_-2.0_Dwarf O5 O7 L0 L3"
    ),
    "03c9930265ce70762898365f81fe00ca212af1b1": ("A2"),
    "3ec3da541f20a0daf72c5393ad0fe0ec690b8c8e": (
        "A3_+0.0_Dwarf A4_-1.0_Dwarf A6_-1.0_Dwarf A8_+0.5_Dwarf"
    ),
    "f8628e636c257edac6f1c594ddf84e0e72302614": (
        "A3_+0.5_Dwarf A6_+0.0_Dwarf A6_+0.5_Dwarf A7_+0.0_Dwarf A7_+0.5_Dwarf "
        "A8_-0.5_Dwarf A9_-2.0_Dwarf B1 B4 B5 B8 O9"
    ),
    "f902104bf73da6059d530f0c3f2238e190a44d9e": (
        "A3_-0.5_Dwarf A6_-0.5_Dwarf A7_-0.5_Dwarf A7_-2.0_Dwarf"
    ),
    "7f6f3903f7b41cbf55f773c80d67f5d56ae16319": ("A9_+0.0_Dwarf F7_+0.0_Dwarf"),
    "c990553fe96624a3989157d3cfed3ce02a2a55c7": ("F2_-1.5_Dwarf F8_-1.5_Dwarf"),
    "eaedd979c90a14479cb1e041543d379964066b1d": ("F3_-0.5_Dwarf F8_-0.5_Dwarf"),
    "8138f1c323c4568fa7cc5d2946b03b41fbe2b9fa": ("F3_-1.0_Dwarf F6_-1.0_Dwarf"),
    "a530c159ff77cebcdbcf6d727b3640212e31cb6b": ("F5_-2.0_Dwarf"),
    "58cbff7f2dbc682e82818ee9959fbc08d10c10c2": ("L1 L6"),
}
_CALSPEC: Final = {
    "40f02be92c0e329ae9cb79637c3e15a44424b93c": "10lac_stis_007 feige110_stisnic_008",
    "49dee80621afc316a99ed0516237d5ecaa5adc51": "bd_75d325_stis_006 hd93521_stis_007",
    "8d38af2c0a94186d2dbb6ab08df5756c47bd79f1": (
        "agk_81d266_stisnic_007 g191b2b_stiswfcnic_004"
    ),
    "9b764d4a2860cfece60ca2bd2264439e87ece962": "gd153_stiswfcnic_004",
    "0eb207d976db2ffb2d2dd482a3949001426b3ecf": "hz2_005",
    "ae3446d49eb716e9cdd46dae1906a781892b9bef": "2m003618_stiswfcnic_006",
}
_CROSS_CORRELATION: Final = "A_1 A_2 B BWD C_1 C_3 F_1 F_2 G_1 G_2 K KloZ M1 M3 M5 M8 WD WDmag"
_KINNEY: Final = "bulge elliptical s0 sa sb sc starb1 starb2 starb3 starb4 starb5 starb6"
_IDLSPEC2D: Final = "sdss/idlspec2d/bfc117a8689581fc769a2e9ab965c6cdc710e9ea/templates"
_BARAK: Final = "nhmc/Barak/43b70f5177937cbceaf084fb5b69757ac4ba6dbc/barak/data/templates"
_TESTDATA: Final = (
    "desihub/desisim-testdata/fcc01dcfe50c1f6fc163e01533ecb3de2d169c1d/"
    "desi/spectro/templates/basis_templates"
)


def _of(
    repository: str, folder: str, ending: str, by_commit: dict[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return the addresses of files that are listed by commit."""
    return {
        f"{name}{ending}": (f"{repository}/{commit}/{folder}/{name}{ending}",)
        for commit, names in by_commit.items()
        for name in names.split()
    }


#: All places, the most important first.
SOURCES: Final = (
    Source(
        "miles",
        "https://github.com/sdss/mangadap",
        "BSD-3-Clause (the package)",
        "MILES: Sanchez-Blazquez et al. 2006, MNRAS 371, 703; Falcon-Barroso et al. 2011, A&A "
        "532, A95. BC03: Bruzual & Charlot 2003, MNRAS 344, 1000. MaStar: Maraston et al. "
        "2020, MNRAS 496, 2962",
        ("stars", "galaxies"),
        package="sdss-mangadap==4.5.0",
        archive="sdss_mangadap-4.5.0-py3-none-any.whl",
        sha256="b8478bb24c32fe736fa6a2881805458719281862313838f8b032f3c10527ff34",
        size=122,
    ),
    Source(
        "idlspec2d",
        "https://github.com/sdss/idlspec2d",
        "none stated in the repository; public data of SDSS (www.sdss.org/collaboration)",
        "Bolton et al. 2012, AJ 144, 144",
        ("stars", "quasars"),
        {
            name: (f"{_IDLSPEC2D}/{name}",)
            for name in ("spEigenStar-55734.fits", "spEigenQSO-55732.fits")
        },
        size=6,
    ),
    Source(
        "desisim-testdata",
        "https://github.com/desihub/desisim-testdata",
        "BSD-3-Clause (desihub)",
        "Quasars: Paris et al. 2012, A&A 548, A66. BAL: Niu 2020, Guo & Martini 2019, ApJ 879, "
        "72",
        ("quasars", "bal"),
        {
            "bal_templates_v3.0-lite.fits": (f"{_TESTDATA}/v3.2/bal_templates_v3.0-lite.fits",),
            "qso_templates_v2.0-lite.fits": tuple(
                f"{_TESTDATA}/{version}/qso_templates_v2.0-lite.fits"
                for version in ("v3.2", "v3.1", "v3.0", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2")
            ),
        },
        size=2,
    ),
    Source(
        "redrock-archetypes",
        "https://github.com/desihub/redrock-archetypes",
        "BSD-3-Clause (desihub)",
        "Bailey et al. (redrock)",
        ("quasars",),
        {
            "rrarchetype-qso.fits": (
                "desihub/redrock-archetypes/0da2727cd5e5b5f9986fb3ed30c976e708c376a4/"
                "rrarchetype-qso.fits",
            )
        },
        size=4,
    ),
    Source(
        "selsing2016",
        "https://github.com/jselsing/QuasarComposite",
        "none stated in the repository; credit the paper",
        "Selsing et al. 2016, A&A 585, A87",
        ("quasars",),
        {
            "Selsing2015.dat": (
                "jselsing/QuasarComposite/1a564e32094ab5e9f600cc2a7ba28d7644700e0f/"
                "Selsing2015.dat",
            )
        },
        size=1,
    ),
    Source(
        "sdss-cc",
        "https://github.com/nhmc/Barak",
        "BSD-3-Clause",
        "Cross-correlation templates of SDSS (classic.sdss.org/dr5/algorithms/spectemplates)",
        ("stars",),
        {
            f"star{name}.fits": (f"{_BARAK}/sdss/star{name}.fits",)
            for name in _CROSS_CORRELATION.split()
        },
        size=2,
    ),
    Source(
        "kinney-calzetti",
        "https://github.com/nhmc/Barak",
        "BSD-3-Clause",
        "Kinney et al. 1996, ApJ 467, 38; Calzetti et al. 1994, ApJ 429, 582",
        ("galaxies",),
        {
            f"{name}_template.ascii": (f"{_BARAK}/kc96/{name}_template.ascii",)
            for name in _KINNEY.split()
        },
        size=1,
    ),
    Source(
        "calspec",
        "https://github.com/pypeit/PypeIt",
        "BSD-3-Clause",
        "CALSPEC: Bohlin, Gordon & Tremblay 2014, PASP 126, 711",
        ("stars",),
        {
            **_of("pypeit/PypeIt", "pypeit/data/standards/calspec", ".fits.gz", _CALSPEC),
            **_of(
                "pypeit/PypeIt",
                "data/standards/calspec",
                ".fits.gz",
                {"962bd98f719abf351e8bc3d752ba6cf8c5c8ab62": "feige66_002 lb227_004"},
            ),
        },
        size=3,
    ),
    Source(
        "pyhammer",
        "https://github.com/BU-hammerTeam/PyHammer",
        "MIT as its page states; its file of the licence was not seen",
        "Kesseli et al. 2017, ApJS 230, 16",
        ("stars",),
        _of("BU-hammerTeam/PyHammer", "resources/templates", ".fits", _PYHAMMER),
        size=6,
    ),
)
