"""`huggins download` in process and as a process, against a local archive."""

from __future__ import annotations

import csv
import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factories import make_truth, write_boss_spec, write_spplate
from huggins import cli
from huggins.download.manifest import Manifest
from huggins.formats import read
from local_server import LocalServer

FOLDER = "dr17/eboss/spectro/redux/v5_13_2/spectra/lite/3586"


def name(fibre):
    return f"{FOLDER}/spec-3586-55181-{fibre:04d}.fits"


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Ten spectra with exposures, under the addresses of files without them."""
    path = tmp_path_factory.mktemp("spec") / "x.fits"
    made = {}
    for fibre in range(1, 11):
        truth = make_truth(600, seed=fibre, plate=3586, mjd=55181, fiberid=fibre)
        made[f"/{name(fibre)}"] = write_boss_spec(path, truth, exposures=3).read_bytes()
    return made


@pytest.fixture
def server(files):
    """An archive of them."""
    server = LocalServer()
    server.files.update(files)
    yield server
    server.close()


@pytest.fixture
def run(capsys, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*argv, base=True):
        more = ["--base", server.url] if base else []
        status = cli.main(["download", *map(str, argv), *more])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return call


def words(*fibres):
    return [f"3586-55181-{fibre}" for fibre in fibres]


def test_words_become_files_in_the_archives_tree(run, server):
    status, out, err = run(*words(1, 2), "-o", "got")
    assert (status, out) == (0, "")
    for fibre in (1, 2):
        assert (Path("got") / name(fibre)).read_bytes() == server.files[f"/{name(fibre)}"]
    assert "2 files fetched (" in err
    assert "0 missing" in err
    status, _, err = run(*words(1, 2, 3), "-o", "got")
    assert "1 file fetched" in err
    assert "2 there already" in err


def test_list_and_standard_input(run, monkeypatch):
    import io

    Path("list.txt").write_text("# fibres\n3586-55181-1\nspec-3586-55181-0002.fits\n")
    assert run("list.txt", "-o", "a")[0] == 0
    assert run("@list.txt", "-o", "b")[0] == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("3586 55181 3\n"))
    assert run("-", "-o", "c")[0] == 0
    count = [len(list(Path(folder).rglob("*.fits"))) for folder in "abc"]
    assert count == [2, 2, 1]


def test_plain_addresses(run, server):
    status, _, _ = run(f"{server.url}/{name(1)}", "-o", "got", base=False)
    assert status == 0
    assert (Path("got/127.0.0.1") / name(1)).exists()


def test_what_is_missing_is_listed_and_the_status_says_so(run, server):
    server.faults[f"/{name(2)}"] = ["503"] * 9
    status, _, err = run(*words(1, 2, 99), "3586-55181-0", "-o", "got", "--attempts", 1)
    assert status == 1
    assert "1 file fetched" in err
    assert "2 missing (got/missing.csv says why), 1 row without a usable target" in err
    with Path("got/missing.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert rows[name(2)]["reason"] == "the server answers 503 Service Unavailable"
    assert rows[name(99)]["status"] == "absent"
    server.faults.clear()
    assert run(*words(1, 2), "-o", "got")[0] == 0
    assert not Path("got/missing.csv").exists()


def test_nothing_at_all_is_status_2(run):
    assert run(*words(98, 99), "-o", "got")[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["short", "nolength"])
def test_file_that_the_server_cuts_off_unsaid_is_noticed(run, server, fault):
    server.faults[f"/{name(1)}"] = [fault]
    assert run(*words(1), "-o", "got")[0] == 0
    assert (Path("got") / name(1)).read_bytes() == server.files[f"/{name(1)}"]


def test_shrink_on_arrival(run, server):
    assert run(*words(*range(1, 11)), "-o", "got", "--shrink")[0] == 0
    path = Path("got") / name(4)
    assert path.stat().st_size < len(server.files[f"/{name(4)}"]) / 2
    Path("whole.fits").write_bytes(server.files[f"/{name(4)}"])
    (one,), (two,) = read(path), read("whole.fits")
    assert one.flux.tobytes() == two.flux.tobytes()
    with Manifest(Path("got")) as manifest:
        entry = manifest.get(name(4))
    assert entry.sha256 == hashlib.sha256(server.files[f"/{name(4)}"]).hexdigest()
    assert entry.kept_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    _, _, err = run(*words(*range(1, 11)), "-o", "got", "--shrink", "--verify")
    assert "10 there already" in err
    assert cli.main(["info", "got", "--quiet"]) == 0


def test_budget(run, server):
    size = len(server.files[f"/{name(1)}"])
    status, _, err = run(
        *words(*range(1, 11)), "-o", "got", "--budget", f"{3.5 * size / 1e3}kB"
    )
    assert status == 1
    assert sum(path.stat().st_size for path in Path("got").rglob("*.fits")) <= 3.5 * size
    assert "3 files fetched" in err
    assert "7 missing" in err


def test_checksums(run, server):
    right = hashlib.sha1(server.files[f"/{name(1)}"]).hexdigest()
    lines = [f"{right}  {Path(name(1)).name}", f"{'0' * 40}  ./{Path(name(2)).name}"]
    Path("list.sha1sum").write_text("\n".join(lines))
    options = ("--checksums", "list.sha1sum", "--attempts", 1)
    status, _, err = run(*words(1, 2, 3), "-o", "got", *options)
    assert status == 1
    assert "its checksum is not 0000" in err
    assert not (Path("got") / name(2)).exists()


def test_plates(run, server, tmp_path):
    import numpy as np

    plate = write_spplate(tmp_path / "p.fits", np.ones((3, 99)), np.ones((3, 99)))
    root = "/dr17/eboss/spectro/redux/v5_13_2/3586"
    server.files[f"{root}/spPlate-3586-55181.fits"] = plate.read_bytes()
    server.files[f"{root}/spZbest-3586-55181.fits"] = plate.read_bytes()
    status, _, err = run(*words(1, 2, 3), "-o", "got", "--kind", "spPlate")
    assert status == 0
    assert "2 files fetched" in err
    assert "4 asked for twice" in err
    names = sorted(path.name for path in Path("got").rglob("sp*.fits"))
    assert names == ["spPlate-3586-55181.fits", "spZbest-3586-55181.fits"]
    assert len({path.parent for path in Path("got").rglob("sp*.fits")}) == 1


def test_list_for_wget(run, server):
    status, out, err = run(*words(1, 2), "--list", "wget")
    assert status == 0
    assert out.split() == [f"{server.url}/{name(1)}", f"{server.url}/{name(2)}"]
    assert "wget -x -nH" in err
    assert server.requests == []


def test_list_for_aria2c(run, server):
    Path("sums").write_text("0" * 40 + f"  {Path(name(1)).name}\n")
    status, out, _ = run(*words(1), "266-51630-38", "--list", "aria2c", "--checksums", "sums")
    assert status == 0
    lines = out.splitlines()
    assert lines[:3] == [
        f"{server.url}/{name(1)}",
        f"  out={name(1)}",
        f"  checksum=sha-1={'0' * 40}",
    ]
    assert len(lines[3].split("\t")) == 3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["absent.csv"], "absent.csv: there is no such file"),
        (["@absent"], "absent: there is no such file"),
        (["3586-55181-1", "--release", "dr3"], "unknown data release 'dr3'"),
        (["3586-55181-1", "--budget", "much"], "'much' is no size"),
        (["3586-55181-1", "--checksums", "absent"], "absent: cannot be read"),
        (["empty.txt"], "the list is empty"),
    ],
)
def test_wrong_usage(run, argv, message):
    Path("empty.txt").write_text("# nothing\n")
    status, out, err = run(*argv, "-o", "got")
    assert (status, out) == (2, "")
    assert message in err
    assert not Path("got").exists()


def command(server, *argv):
    code = "import sys; from huggins.cli import main; sys.exit(main())"
    more = ("-o", "got", "--base", server.url)
    return [sys.executable, "-c", code, "download", *argv, *more]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_run_that_is_ended_goes_on(run, server, how):
    server.linger = 0.1
    fibres = words(*range(1, 11))
    process = subprocess.Popen(
        command(server, *fibres, "--jobs", "1"), stderr=subprocess.PIPE, text=True
    )
    while len(server.requests) < 4 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    _, err = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on" in err
    assert 3 <= len(list(Path("got").rglob("*.fits"))) < 10
    server.linger = 0.0
    before = len(server.requests)
    assert run(*fibres, "-o", "got")[0] == 0
    for fibre in range(1, 11):
        assert (Path("got") / name(fibre)).read_bytes() == server.files[f"/{name(fibre)}"]
    # What was noted in the manifest is not fetched again; a kill may lose the last few notes.
    assert len(server.requests) - before <= (8 if how == signal.SIGINT else 10)
    assert list(Path("got").rglob(".*.part")) == []


def test_two_at_a_time_do_not_share_a_folder(run, server):
    server.linger = 0.3
    process = subprocess.Popen(command(server, *words(*range(1, 9)), "--jobs", "1"))
    while not server.requests and process.poll() is None:
        time.sleep(0.01)
    status, _, err = run(*words(9), "-o", "got")
    assert status == 2
    assert "got: another huggins is writing it" in err
    process.send_signal(signal.SIGINT)
    process.wait(20)


@pytest.mark.parametrize("end", ["fits", "csv", "parquet"])
def test_table_of_targets(run, server, end):
    import numpy as np
    from astropy.table import Table

    fibres = [1, 2, 3, 99]
    table = Table({"Plate": [3586] * 4, "MJD": [55181] * 4, "FIBERID": fibres, "Z": [1.5] * 4})
    table["RUN2D"] = np.array(["v5_13_2", "", "v5_13_2", "v5_13_2"])
    path = Path(f"targets.{end}")
    if end == "parquet":
        from arro3.core import Array
        from arro3.core import Table as Arrow
        from arro3.io import write_parquet

        columns = {name: Array.from_numpy(np.array(table[name])) for name in ("Plate", "MJD")}
        columns["FIBERID"] = Array.from_numpy(np.array(fibres))
        write_parquet(Arrow.from_pydict(columns), path)
    else:
        table.write(path)
    status, _, err = run(path, "-o", "got")
    assert status == 1
    assert "3 files fetched" in err
    assert "1 missing" in err
    assert sorted(path.name[-9:-5] for path in Path("got").rglob("*.fits")) == [
        "0001",
        "0002",
        "0003",
    ]


def test_file_that_is_neither_table_nor_list_is_refused_at_once(run):
    Path("train.h5").write_bytes(b"\x89HDF\r\n\x1a\n\0\0 3586-55181-500\n")
    status, _, err = run("train.h5", "-o", "out")
    assert status == 2
    assert "train.h5: is neither a table" in err
    assert err.count("\n") == 1


def test_table_without_the_columns_says_which_it_has(run):
    Path("t.csv").write_text("RA,DEC,PLATE\n1,2,3\n")
    status, _, err = run("t.csv", "-o", "got")
    assert status == 2
    assert "t.csv: there is no column MJD" in err
    assert "the columns are RA, DEC, PLATE" in err


def test_masked_and_overflowing_identifiers_are_named(run, server):
    Path("t.csv").write_text(
        "PLATE,MJD,FIBERID\n3586,55181,1\n,55181,2\n3586,55181,\n9999999,55181,3\n"
    )
    status, _, err = run("t.csv", "-o", "got")
    assert status == 1
    assert "t.csv: row 2: plate -1" in err
    assert "t.csv: row 3: plate 3586, MJD 55181, fibre missing" in err
    assert "t.csv: row 4: plate 9999999" in err
    assert "3 rows without a usable target" in err
    assert len(server.requests) == 1
