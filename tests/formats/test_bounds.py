"""Files that lie about their size, and archives that expand without end: memory stays bounded.

All are read in one child process that may take 256 MiB more than it has when it starts,
and in which packed files may grow to 32 MiB instead of 256.
"""

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
import pytest

import factories as make
from huggins.errors import ReadError
from huggins.formats import open_bytes, read

_CHILD = """
import json, resource, sys, warnings
from pathlib import Path
import numpy as np
import h5py, astropy.io.fits, astropy.io.votable
from huggins.fits import source
from huggins.formats import open_file
from huggins.errors import ReadError
warnings.simplefilter("error")
source._ALWAYS = 32 << 20
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), -1))
found = {}
for path in sys.argv[1:]:
    items = list(open_file(path))
    found[Path(path).name] = [
        item.what if isinstance(item, ReadError) else f"{len(item)} pixels" for item in items
    ]
print(json.dumps(found))
"""
#: Cards of the table of a BOSS spectrum of 120 pixels, and the lies.
_LIES = {
    "rows": (b"NAXIS2  =                  120", b"NAXIS2  =       90000000000000"),
    "width": (b"NAXIS1  =                   32", b"NAXIS1  =        9000000000000"),
    "no rows": (b"NAXIS2  =                  120", b"NAXIS2  =                    0"),
    "heap": (b"PCOUNT  =                    0", b"PCOUNT  =        9000000000000"),
    "element": (b"TFORM1  = 'E       '", b"TFORM1  = '999999E '"),
    "heap in a form": (b"TFORM1  = 'E       '", b"TFORM1  = '1PE(9)  '"),
    "fields": (b"TFIELDS =                    8", b"TFIELDS =                  999"),
    "groups": (b"GCOUNT  =                    1", b"GCOUNT  =            900000000"),
}


def _huge(packed) -> bytes:
    """64 MiB of nothing, packed."""
    if packed == "gz":
        part = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        return b"".join([*(part.compress(bytes(1 << 24)) for _ in range(4)), part.flush()])
    part = bz2.BZ2Compressor() if packed == "bz2" else lzma.LZMACompressor(preset=0)
    return b"".join([*(part.compress(bytes(1 << 24)) for _ in range(4)), part.flush()])


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the child says of each file."""
    folder = tmp_path_factory.mktemp("bounds")
    content = make.write_boss_spec(folder / "whole", make.make_truth(120)).read_bytes()
    at = content.index(b"XTENSION")
    for name, (old, new) in _LIES.items():
        damaged = content[:at] + content[at:].replace(old, new, 1)
        assert damaged != content, name
        (folder / f"{name}.fits").write_bytes(damaged)
    for kind in ("gz", "bz2", "xz"):
        (folder / f"bomb.{kind}").write_bytes(_huge(kind))
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.fits", "w", force_zip64=True) as file:
            for _ in range(4):
                file.write(bytes(1 << 24))
        archive.writestr("b.fits", content)
    (folder / "bomb.tar.gz").write_bytes(_huge("gz"))
    (folder / "holes.tar").write_bytes(_sparse(content))
    (folder / "members.gz").write_bytes(gzip.compress(b"") * 10_000 + gzip.compress(content))
    image = make.write_spplate(folder / "plate", np.ones((2, 60)), np.ones((2, 60)))
    image = image.read_bytes().replace(
        b"NAXIS2  =                    2", b"NAXIS2  =          99999999999", 1
    )
    (folder / "plate.fits").write_bytes(image)
    with h5py.File(folder / "claims.h5", "w") as file:
        file.create_dataset("flux", (1 << 40, 4000), "f4", chunks=(1, 4000))
        file.create_dataset("wavelength", data=np.linspace(4e3, 9e3, 4000))
    votable = (
        b"<VOTABLE><RESOURCE><TABLE nrows='4294967296'><FIELD name='wave' datatype='double'/>"
    )
    votable += (
        b"<FIELD name='flux' datatype='char' arraysize='*'/><DATA><TABLEDATA><TR><TD>1</TD>"
    )
    votable += b"<TD>2</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    (folder / "claims.vot").write_bytes(b"<?xml version='1.0'?>" + votable)
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, "
    header += b"'shape': (99999999999,), }"
    (folder / "claims.npy").write_bytes(header.ljust(127) + b"\n" + bytes(800))
    files = sorted(p for p in folder.iterdir() if p.suffix and p.name != "whole")
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _sparse(content: bytes) -> bytes:
    """A tar archive with a member of 8 GiB of which nothing is there, as GNU tar writes it."""
    info = tarfile.TarInfo("a.fits")
    info.size = 8 << 30
    info.pax_headers = {
        "size": "0",
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(8 << 30), "GNU.sparse.realsize": str(8 << 30),
    }  # fmt: skip
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(info)
            whole = tarfile.TarInfo("b.fits")
            whole.size = len(content)
            archive.addfile(whole, io.BytesIO(content))
        return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", _LIES)
def test_headers_that_lie_are_errors(name, answers):
    (what,) = answers[f"{name}.fits"]
    assert (
        "fetch" in what or "no known format" in what or "no pixels" in what or "random" in what
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bomb.gz", "unpacks to more than 32 MiB"),
        ("bomb.bz2", "unpacks to more than 32 MiB"),
        ("bomb.xz", "unpacks to more than 32 MiB"),
        ("bomb.zip", "unpacks to more than 32 MiB"),
        ("bomb.tar.gz", "unpacks to more than 32 MiB"),
        ("holes.tar", "truncated"),
        ("plate.fits", "truncated"),
        ("claims.h5", "damaged (it promises"),
        ("claims.vot", "promises 4294967296 rows"),
        ("claims.npy", "truncated"),
        ("members.gz", "120 pixels"),
    ],
)
def test_what_expands_is_stopped_and_said(name, words, answers):
    assert words in answers[name][0]


def test_a_heap_that_the_library_would_read_forever_is_refused(tmp_path):
    path = tmp_path / "texts.h5"
    with h5py.File(path, "w") as file:
        file["flux"], file["wavelength"] = np.ones((2, 50)), np.linspace(4e3, 5e3, 50)
        file.create_dataset("object_id", data=["one", "two"], dtype=h5py.string_dtype())
    assert [s.targetid for s in read(path)] == ["one", "two"]
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL") + 16
    while int.from_bytes(content[at : at + 2], "little"):  # to the free space
        at += 16 + -(-int.from_bytes(content[at + 8 : at + 16], "little") // 8) * 8
    content[at + 8 : at + 16] = bytes(8)
    (error,) = open_bytes(bytes(content))
    assert isinstance(error, ReadError)
    assert "its texts" in error.what
