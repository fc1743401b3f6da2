import csv
import errno
import hashlib
import re
import threading
import time

import pytest

from huggins.download import Checksums, FileRequest, Settings, Unusable, download
from huggins.download.manifest import Manifest
from huggins.errors import DownloadError, OutputError, ReadError
from local_server import LocalServer, unused_url

QUICK = {"timeout": 0.4, "pause": 0.01, "attempts": 3}


def content(name, size=30_000):
    return b"SIMPLE  =" + hashlib.shake_256(name.encode()).digest(size)


@pytest.fixture
def server():
    server = LocalServer()
    for i in range(10):
        server.files[f"/f{i}.fits"] = content(f"f{i}")
    yield server
    server.close()


def wanted(server, *names):
    return [FileRequest((f"{server.url}/{name}.fits",), f"a/{name}.fits") for name in names]


def everything(server):
    return wanted(server, *(f"f{i}" for i in range(10)))


def get(items, folder, *, arrive=None, watch=None, **options):
    return download(items, folder, Settings(**QUICK | options), arrive=arrive, watch=watch)


def missing(folder):
    path = folder / "missing.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["path"].removeprefix("a/"): row for row in csv.DictReader(file)}


def entry(folder, path):
    with Manifest(folder) as manifest:
        return manifest.get(path)


def check_whole(server, folder, *names):
    for name in names:
        assert (folder / "a" / name).read_bytes() == server.files[f"/{name}"]


def hidden(folder):
    return sorted(path.name for path in folder.rglob(".*") if path.name != ".manifest.lock")


def test_files_arrive_and_the_manifest_knows_them(server, tmp_path):
    state = get(everything(server), tmp_path / "new" / "x")
    assert (state.done, state.failed, state.absent) == (10, 0, 0)
    assert state.received == state.kept == sum(map(len, server.files.values()))
    check_whole(server, tmp_path / "new" / "x", *(f"f{i}.fits" for i in range(10)))
    got = entry(tmp_path / "new" / "x", "a/f3.fits")
    digest = hashlib.sha256(server.files["/f3.fits"]).hexdigest()
    assert got.url == got.source == f"{server.url}/f3.fits"
    assert (got.status, got.size, got.sha256) == ("done", 30_009, digest)
    assert (got.kept_size, got.kept_sha256) == (30_009, digest)
    assert missing(tmp_path / "new" / "x") == {}
    assert hidden(tmp_path) == []


def test_it_says_who_it_is(server, tmp_path):
    get(wanted(server, "f0"), tmp_path)
    assert server.headers[0]["User-Agent"].startswith("huggins/")


def test_second_run_asks_nobody(server, tmp_path):
    get(everything(server), tmp_path)
    asked = len(server.requests)
    state = get(everything(server), tmp_path)
    assert (state.done, state.had) == (0, 10)
    assert len(server.requests) == asked


def test_connections_are_used_again(server, tmp_path):
    get(everything(server), tmp_path, jobs=2)
    assert server.connections <= 2


def test_server_that_closes_idle_connections_is_asked_anew(server, tmp_path):
    server.faults["/f1.fits"] = ["drop"]
    state = get(wanted(server, "f0", "f1", "f2"), tmp_path, jobs=1)
    assert state.done == 3


FAULTS = ["truncate", "nolength", "short", "empty", "drop", "stall", "429", "503", "500"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_that_passes_is_overcome(server, tmp_path, fault):
    server.stall_seconds = 0.6
    # What arrives damaged in the same way twice is damaged in the archive.
    server.faults["/f1.fits"] = [fault] * (1 if fault in ("short", "nolength") else 2)
    state = get(wanted(server, "f0", "f1", "f2"), tmp_path, arrive=whole(server))
    assert (state.done, state.failed) == (3, 0)
    check_whole(server, tmp_path, "f0.fits", "f1.fits", "f2.fits")
    assert hidden(tmp_path) == []


def whole(server):
    """What the command does about files of too few bytes: it looks into them."""

    def arrive(part, place):
        if part.stat().st_size != len(server.files[f"/{place.name}"]):
            raise ReadError("the file is truncated: fetch it again", str(part))
        part.replace(place)

    return arrive


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("truncate", r"broken off after \d+ of 30009 bytes"),
        ("nolength", "the file is truncated"),
        ("short", "the file is truncated"),
        ("empty", "empty file"),
        ("drop", "closed the connection without an answer"),
        ("stall", r"no answer within 0\.4 s"),
        ("pause", r"the connection broke after \d+ bytes: it said nothing more"),
        ("503", "answers 503 Service Unavailable"),
        ("403", "answers 403 Forbidden"),
    ],
)
def test_fault_that_lasts_is_listed_with_its_reason_and_the_rest_arrives(
    server, tmp_path, fault, reason
):
    server.stall_seconds = 0.6
    server.faults["/f1.fits"] = [fault] * 9
    state = get(wanted(server, "f0", "f1", "f2"), tmp_path, arrive=whole(server))
    assert (state.done, state.failed) == (2, 1)
    check_whole(server, tmp_path, "f0.fits", "f2.fits")
    assert list(missing(tmp_path)) == ["f1.fits"]
    assert missing(tmp_path)["f1.fits"]["status"] == "failed"
    assert re.search(reason, missing(tmp_path)["f1.fits"]["reason"])
    assert not (tmp_path / "a/f1.fits").exists()
    assert hidden(tmp_path) == []


@pytest.mark.slow
def test_everything_at_once_is_whole_or_missing(server, tmp_path):
    server.stall_seconds = 0.6
    for i, fault in enumerate(FAULTS):
        server.faults[f"/f{i}.fits"] = [fault] * (1 if i % 2 else 9)
    items = [*everything(server), *wanted(server, "g", "h")]
    state = get(items, tmp_path, arrive=whole(server))
    lost = missing(tmp_path)
    assert set(lost) == {"f0.fits", "f2.fits", "f4.fits", "f6.fits", "f8.fits"} | {
        "g.fits",
        "h.fits",
    }
    assert (state.done, state.failed, state.absent) == (5, 5, 2)
    check_whole(server, tmp_path, *(f"f{i}.fits" for i in (1, 3, 5, 7, 9)))
    server.faults.clear()
    state = get(items, tmp_path)
    assert (state.done, state.had, state.absent) == (5, 5, 2)
    assert set(missing(tmp_path)) == {"g.fits", "h.fits"}


def test_no_server_is_a_reason(server, tmp_path):
    gone = FileRequest((f"{unused_url()}/f.fits",), "a/f.fits")
    state = get([FileRequest((f"{server.url}/f1.fits",), "a/f1.fits")], tmp_path)
    assert state.answered
    items = [FileRequest((f"{server.url}/f2.fits",), "a/f2.fits"), gone]
    state = get(items, tmp_path, jobs=1)
    assert (state.done, state.failed) == (1, 1)
    assert "cannot be reached: Connection refused" in missing(tmp_path)["f.fits"]["reason"]


def test_without_a_network_a_run_gives_up_early(tmp_path):
    url = unused_url()
    items = [FileRequest((f"{url}/f{i}.fits",), f"a/f{i}.fits") for i in range(100)]
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="no server has answered: is there a network"):
        get(items, tmp_path, attempts=5)
    assert time.monotonic() - begun < 10


def test_absent_file_is_sought_at_the_next_address(server, tmp_path):
    urls = (f"{server.url}/full/f1.fits", f"{server.url}/f1.fits")
    state = get([FileRequest(urls, "a/f1.fits")], tmp_path)
    assert state.done == 1
    assert entry(tmp_path, "a/f1.fits").url == urls[1]
    check_whole(server, tmp_path, "f1.fits")


def test_absent_file_is_asked_for_once_an_address(server, tmp_path):
    urls = (f"{server.url}/full/g.fits", f"{server.url}/g.fits")
    state = get([FileRequest(urls, "a/g.fits")], tmp_path)
    assert (state.absent, state.failed) == (1, 0)
    assert server.requests == ["/full/g.fits", "/g.fits"]
    assert missing(tmp_path)["g.fits"]["status"] == "absent"
    assert missing(tmp_path)["g.fits"]["reason"].count("answers 404") == 2


def test_file_that_moved_is_followed_and_recorded(server, tmp_path):
    server.moved["/old.fits"] = "/middle.fits"
    server.moved["/middle.fits"] = f"{server.url}/f2.fits"
    get(wanted(server, "old"), tmp_path)
    assert (tmp_path / "a/old.fits").read_bytes() == server.files["/f2.fits"]
    got = entry(tmp_path, "a/old.fits")
    assert (got.url, got.source) == (f"{server.url}/old.fits", f"{server.url}/f2.fits")


def test_file_that_moved_to_nowhere_or_in_circles_is_a_reason(server, tmp_path):
    server.moved["/old.fits"] = "/gone.fits"
    server.moved["/x.fits"] = "/x.fits"
    state = get(wanted(server, "old", "x"), tmp_path)
    assert (state.absent, state.failed) == (1, 1)
    assert f"404 Not Found at {server.url}/gone.fits" in missing(tmp_path)["old.fits"]["reason"]
    assert "moved more than 8 times" in missing(tmp_path)["x.fits"]["reason"]


@pytest.mark.slow
def test_wait_that_the_server_asks_for_is_kept_by_all(server, tmp_path):
    server.faults["/f0.fits"] = ["429:1"]
    get(everything(server), tmp_path, jobs=1)
    assert server.requests[:2] == ["/f0.fits", "/f0.fits"]
    assert server.times[1] - server.times[0] >= 1.0


@pytest.mark.slow
def test_wait_of_one_thread_holds_the_others(server, tmp_path):
    server.faults["/f0.fits"] = ["503:1"]
    server.linger = 0.05
    get(everything(server), tmp_path, jobs=2)
    answered = server.times[0] + 0.05
    early = [when for when in server.times if answered + 0.2 < when < server.times[0] + 1.0]
    assert early == []


def test_wait_that_is_too_long_is_a_reason(server, tmp_path):
    server.faults["/f0.fits"] = ["503:3600"]
    begun = time.monotonic()
    get(wanted(server, "f0"), tmp_path)
    assert time.monotonic() - begun < 5
    assert "asks to wait for 3600 s" in missing(tmp_path)["f0.fits"]["reason"]


@pytest.mark.slow
def test_pauses_grow(server, tmp_path):
    server.faults["/f0.fits"] = ["503"] * 4
    get(wanted(server, "f0"), tmp_path, pause=0.1, attempts=5)
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert len(gaps) == 4
    for i, gap in enumerate(gaps):
        assert 0.1 * 2**i * 0.5 <= gap < 0.1 * 2**i * 1.5 + 0.3


@pytest.mark.slow
@pytest.mark.parametrize("limit", [{"jobs": 2}, {"jobs": 6, "per_host": 2}])
def test_requests_at_a_time_are_bounded(server, tmp_path, limit):
    server.linger = 0.05
    get(everything(server), tmp_path, **limit)
    assert server.most == 2


@pytest.mark.slow
def test_requests_to_a_host_keep_their_distance(server, tmp_path):
    get(everything(server)[:5], tmp_path, delay=0.1)
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert min(gaps) > 0.05
    assert server.times[-1] - server.times[0] > 0.35


LARGE = content("large", 3_000_000)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["truncate", "pause"])
def test_large_file_goes_on_where_it_broke_off(server, tmp_path, fault):
    server.files["/large.fits"] = LARGE
    server.stall_seconds = 0.6
    server.faults["/large.fits"] = [fault, fault]
    state = get(wanted(server, "large"), tmp_path)
    assert state.done == 1
    check_whole(server, tmp_path, "large.fits")
    first, second = (int(headers["Range"][6:-1]) for headers in server.headers[1:])
    assert 1_000_000 < first <= 1_500_005
    assert first < second <= 2_250_010
    assert state.received == len(LARGE)
    assert hidden(tmp_path) == []


def test_later_run_goes_on_inside_a_large_file(server, tmp_path):
    server.files["/large.fits"] = LARGE
    server.faults["/large.fits"] = ["truncate"]
    assert get(wanted(server, "large"), tmp_path, attempts=1).failed == 1
    assert hidden(tmp_path) == [".large.fits.part", ".large.fits.part.json"]
    state = get(wanted(server, "large"), tmp_path)
    assert state.done == 1
    assert state.received < 0.6 * len(LARGE)
    check_whole(server, tmp_path, "large.fits")
    got = entry(tmp_path, "a/large.fits")
    assert got.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_large_file_that_changed_meanwhile_begins_anew(server, tmp_path):
    server.files["/large.fits"] = LARGE
    server.faults["/large.fits"] = ["truncate"]
    get(wanted(server, "large"), tmp_path, attempts=1)
    server.files["/large.fits"] = content("other", 2_000_000)
    assert get(wanted(server, "large"), tmp_path).done == 1
    check_whole(server, tmp_path, "large.fits")


def test_other_piece_than_asked_for_is_not_believed(server, tmp_path):
    server.files["/large.fits"] = LARGE
    server.faults["/large.fits"] = ["truncate", "other"]
    assert get(wanted(server, "large"), tmp_path).done == 1
    check_whole(server, tmp_path, "large.fits")


def test_server_without_versions_sends_large_files_anew(tmp_path):
    server = LocalServer(etags=False)
    try:
        server.files["/large.fits"] = LARGE
        server.faults["/large.fits"] = ["truncate"]
        assert get(wanted(server, "large"), tmp_path).done == 1
        check_whole(server, tmp_path, "large.fits")
        assert all("Range" not in headers for headers in server.headers)
    finally:
        server.close()


def sums(server, *names, kind="sha1", folder=""):
    return [
        f"{hashlib.new(kind, server.files[f'/{name}']).hexdigest()}  {folder}{name}"
        for name in names
    ]


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_published_checksum_that_agrees(server, tmp_path, kind):
    checksums = Checksums()
    checksums.add(sums(server, "f0.fits", "f1.fits", kind=kind, folder="./"), "list")
    assert get(wanted(server, "f0", "f1", "f2"), tmp_path, checksums=checksums).done == 3


def test_published_checksum_that_differs_is_damage(server, tmp_path):
    checksums = Checksums()
    checksums.add(sums(server, "f0.fits"), "list")
    server.files["/f0.fits"] = content("changed")
    state = get(wanted(server, "f0"), tmp_path, checksums=checksums)
    assert state.failed == 1
    assert len(server.requests) == 3
    assert "its checksum is not" in missing(tmp_path)["f0.fits"]["reason"]
    assert not (tmp_path / "a/f0.fits").exists()


def test_file_that_changed_at_its_source_is_refused_unless_accepted(server, tmp_path):
    get(wanted(server, "f0"), tmp_path)
    (tmp_path / "a/f0.fits").unlink()
    server.files["/f0.fits"] = content("new")
    assert get(wanted(server, "f0"), tmp_path).failed == 1
    assert "--accept-changed takes" in missing(tmp_path)["f0.fits"]["reason"]
    # Also at the third run: a failure does not make it forget what it fetched first.
    assert get(wanted(server, "f0"), tmp_path).failed == 1
    assert get(wanted(server, "f0"), tmp_path, accept_changed=True).done == 1
    check_whole(server, tmp_path, "f0.fits")


def test_file_cut_off_on_disk_is_fetched_again(server, tmp_path):
    get(wanted(server, "f0"), tmp_path)
    (tmp_path / "a/f0.fits").write_bytes(b"")
    assert get(wanted(server, "f0"), tmp_path).done == 1
    check_whole(server, tmp_path, "f0.fits")


def test_file_damaged_on_disk_is_found_by_verify(server, tmp_path):
    get(wanted(server, "f0"), tmp_path)
    (tmp_path / "a/f0.fits").write_bytes(content("other"))
    assert get(wanted(server, "f0"), tmp_path).had == 1
    assert get(wanted(server, "f0"), tmp_path, verify=True).done == 1
    check_whole(server, tmp_path, "f0.fits")


def test_login_page_is_no_file(server, tmp_path):
    server.files["/f0.fits"] = b"<html>Please log in</html>"
    assert get(wanted(server, "f0"), tmp_path).failed == 1
    assert "login page" in missing(tmp_path)["f0.fits"]["reason"]
    assert len(server.requests) == 1


def used(folder):
    return sum(path.stat().st_size for path in (folder / "a").rglob("*"))


def test_budget_is_never_exceeded_and_a_later_run_goes_on(server, tmp_path):
    highest = 0

    def arrive(part, place):
        nonlocal highest
        highest = max(highest, used(tmp_path))
        part.replace(place)

    state = get(everything(server), tmp_path, arrive=arrive, budget=100_000)
    assert state.full
    assert (state.done, state.failed) == (3, 7)
    assert highest <= 100_000
    assert used(tmp_path) == 3 * 30_009
    assert hidden(tmp_path) == []
    assert "budget of 100000 bytes" in missing(tmp_path)["f9.fits"]["reason"]
    state = get(everything(server), tmp_path, budget=200_000)
    assert (state.had, state.done) == (3, 3)
    assert get(everything(server), tmp_path).done == 4


def test_budget_counts_what_is_kept_of_files_that_shrink(server, tmp_path):
    def shrink(part, place):
        place.write_bytes(part.read_bytes()[:3_000])
        part.unlink()

    state = get(everything(server), tmp_path, arrive=shrink, budget=60_000)
    assert (state.done, state.kept) == (10, 30_000)
    assert not state.full
    got = entry(tmp_path, "a/f0.fits")
    kept = hashlib.sha256(server.files["/f0.fits"][:3_000]).hexdigest()
    assert (got.size, got.kept_size, got.kept_sha256) == (30_009, 3_000, kept)
    assert got.sha256 == hashlib.sha256(server.files["/f0.fits"]).hexdigest()
    assert get(everything(server), tmp_path, verify=True).had == 10


def test_budget_holds_for_servers_that_do_not_say_the_size(server, tmp_path):
    server.files["/big.fits"] = content("big", 400_000)
    server.faults["/big.fits"] = ["nolength"]
    state = get(wanted(server, "big"), tmp_path, budget=100_000)
    assert state.full
    assert used(tmp_path) == 0


def test_file_asked_for_twice_is_fetched_once(server, tmp_path):
    items = wanted(server, "f0", "f0", "f1", "g", "g") + wanted(server, "f0", "g")
    state = get(items, tmp_path, jobs=2)
    assert (state.done, state.absent, state.repeated) == (2, 1, 4)
    assert sorted(server.requests) == ["/f0.fits", "/f1.fits", "/g.fits"]


def test_target_that_stands_for_no_file_is_counted_and_said(server, tmp_path, caplog):
    items = [Unusable("row 3", "plate -1: no such spectrum can exist"), *wanted(server, "f0")]
    state = get(items, tmp_path)
    assert (state.done, state.unusable, state.seen) == (1, 1, 2)
    assert "row 3: plate -1: no such" in caplog.text


def test_interrupted_run_keeps_what_is_done_and_the_next_goes_on(server, tmp_path):
    def until_ctrl_c():
        yield from everything(server)[:6]
        while not all((tmp_path / f"a/f{i}.fits").exists() for i in range(6)):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(until_ctrl_c(), tmp_path)
    state = get(everything(server), tmp_path)
    assert (state.had, state.done) == (6, 4)
    assert len(server.requests) == 10


@pytest.mark.slow
def test_interrupt_does_not_wait_for_a_server_that_says_nothing(server, tmp_path):
    server.stall_seconds = 2.0
    server.faults["/f0.fits"] = ["stall"]

    def until_ctrl_c():
        yield from wanted(server, "f0")
        while not server.requests:
            time.sleep(0.01)
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        get(until_ctrl_c(), tmp_path, timeout=30)
    assert time.monotonic() - begun < 1.5
    assert missing(tmp_path) == {}


def test_full_disk_ends_the_run_with_what_is_done_kept(server, tmp_path):
    count = 0

    def arrive(part, place):
        nonlocal count
        count += 1
        if count > 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(place))
        part.replace(place)

    with pytest.raises(OutputError, match="No space left on device: free space; what is done"):
        get(everything(server), tmp_path, arrive=arrive, jobs=1)
    state = get(everything(server), tmp_path)
    assert (state.had, state.done) == (4, 6)


def test_place_that_cannot_be_written_is_a_reason(server, tmp_path):
    (tmp_path / "a").write_text("no folder")
    assert get(wanted(server, "f0"), tmp_path).failed == 1
    assert "cannot be written" in missing(tmp_path)["f0.fits"]["reason"]


def test_two_processes_do_not_share_a_folder(server, tmp_path):
    with Manifest(tmp_path), pytest.raises(OutputError, match="another huggins is writing it"):
        get(everything(server), tmp_path)


def test_damaged_manifest_is_an_error_that_says_what_to_do(server, tmp_path):
    (tmp_path / "manifest.sqlite").write_bytes(b"no data base at all" * 100)
    with pytest.raises(OutputError, match="move it away"):
        get(everything(server), tmp_path)


def test_manifest_of_another_version_is_refused(tmp_path, server):
    import sqlite3

    base = sqlite3.connect(tmp_path / "manifest.sqlite")
    base.execute("PRAGMA user_version=99")
    base.close()
    with pytest.raises(OutputError, match="of version 99"):
        get(everything(server), tmp_path)


@pytest.mark.slow
def test_state_is_told_while_it_runs(server, tmp_path):
    server.linger = 0.02
    seen = []
    get(everything(server), tmp_path, jobs=1, watch=lambda state: seen.append(state.done))
    assert seen == sorted(seen)
    assert seen[-1] == 10
    assert len(set(seen)) > 3


def test_no_thread_is_left_over(server, tmp_path):
    before = threading.active_count()
    get(everything(server), tmp_path)
    names = [t.name for t in threading.enumerate() if t.name.startswith("huggins")]
    assert names == []
    assert threading.active_count() <= before + 10  # the server's own
