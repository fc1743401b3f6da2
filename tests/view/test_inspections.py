import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from huggins.errors import InputError, OutputError
from huggins.view.inspections import Inspection, Inspections


def made(key="a[0]", scanner="ada", cls="QSO", quality=4, z=2.5, **more):
    return Inspection(key, scanner, cls, quality, z, **more)


def test_the_newest_of_a_scanner_counts(inspections):
    inspections.add(made(quality=1))
    inspections.add(made(quality=3, comment="better"))
    [seen] = inspections.newest()
    assert (seen.quality, seen.comment) == (3, "better")
    assert seen.date.endswith("+00:00")


def test_undo_brings_back_the_one_before_and_only_ones_own(inspections):
    inspections.add(made(quality=1))
    inspections.add(made(quality=3))
    inspections.add(made(scanner="ben", quality=2))
    assert inspections.undo() == "a[0]"
    assert inspections.of("a[0]").quality == 1
    assert inspections.undo() == "a[0]"
    assert inspections.undo() is None
    assert inspections.of("a[0]").scanner == "ben"


def test_ones_own_come_before_those_of_others(inspections):
    inspections.add(made(scanner="ben", quality=2))
    assert inspections.visible()["a[0]"].scanner == "ben"
    inspections.add(made(quality=1))
    inspections.add(made(scanner="ben", quality=3))
    assert inspections.visible()["a[0]"].scanner == "ada"
    assert inspections.visible("ben")["a[0]"].quality == 3
    assert inspections.of("a[0]", "eve").scanner in ("ada", "ben")


def test_a_blind_scanner_sees_nothing_of_others(tmp_path):
    with closing(Inspections(tmp_path / "x.sqlite", "ada", blind=True)) as kept:
        kept.add(made(scanner="ben"))
        assert kept.visible() == {}
        assert kept.of("a[0]") is None
        assert kept.of("a[0]", "ben").scanner == "ben"


def test_extend_stores_all_or_none(inspections):
    bad = made(key="b[0]")
    object.__setattr__(bad, "cls", None)
    with pytest.raises(OutputError, match="not stored"):
        inspections.extend([made(), bad])
    assert inspections.newest() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cls": "PULSAR"}, "none of the classes"),
        ({"quality": 5}, "from 0 to 4"),
        ({"quality": -1}, "from 0 to 4"),
        ({"issues": "RX"}, "letters of RCS"),
        ({"z": 20.5}, "between -1 and 20"),
        ({"z": float("nan")}, "between -1 and 20"),
        ({"comment": "x" * 501}, "at most 500"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        made(**wrong)


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "no.sqlite"
    path.write_bytes(b"this is no database, however long it may be" * 50)
    with pytest.raises(OutputError, match="--inspections"):
        Inspections(path, "ada")


def test_two_connections_write_to_one_file(tmp_path):
    path = tmp_path / "x.sqlite"
    with closing(Inspections(path, "ada")) as one, closing(Inspections(path, "ben")) as other:
        for i in range(20):
            one.add(made(key=f"{i}[0]"))
            other.add(made(key=f"{i}[0]", scanner="ben"))
        assert len(one.newest()) == 40


@pytest.mark.slow
def test_nothing_is_lost_when_the_process_is_killed(tmp_path):
    path = tmp_path / "x.sqlite"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from huggins.view.inspections import Inspection, Inspections\n"
        f"kept = Inspections(Path({str(path)!r}), 'ada')\n"
        "for i in range(100000):\n"
        "    kept.add(Inspection(f'{i}[0]', 'ada', 'QSO', 4, 1.0))\n"
        "    print(i, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as run:
        said = -1
        for line in run.stdout:
            said = int(line)
            if said == 40:
                run.send_signal(signal.SIGKILL)
                break
        said = max([said, *(int(line) for line in run.stdout if line.endswith("\n"))])
    with closing(Inspections(path, "ada")) as kept:
        keys = {i.key for i in kept.newest()}
    assert {f"{i}[0]" for i in range(said + 1)} <= keys
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_file_is_made_with_the_first_inspection(tmp_path):
    path = tmp_path / "x.sqlite"
    with closing(Inspections(path, "ada")) as kept:
        assert (kept.newest(), kept.visible(), kept.undo()) == ([], {}, None)
        assert not path.exists()
        with closing(Inspections(path, "ben")) as other:
            other.add(made(scanner="ben"))
        assert [i.scanner for i in kept.newest()] == ["ben"]
    with pytest.raises(OutputError, match="is no folder"):
        Inspections(tmp_path / "gone" / "x.sqlite", "ada")
