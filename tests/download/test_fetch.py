import base64
import hashlib
import os

import pytest

from huggins.download import fetch
from huggins.errors import DownloadError, OutputError
from local_server import LocalServer, unused_url

CONTENT = b"SIMPLE  =" + os.urandom(200_000)


@pytest.fixture
def server():
    server = LocalServer()
    server.files["/a.fits"] = CONTENT
    yield server
    server.close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "folder" / "a.fits"


def leftovers(path):
    return [entry.name for entry in path.parent.glob(".*")]


def get(server, target, **options):
    return fetch(server.url + "/a.fits", target, timeout=0.5, pause=0.01, **options)


def test_file_arrives_with_its_checksum_beside_it(server, target):
    assert get(server, target) == target
    assert target.read_bytes() == CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert target.with_name("a.fits.sha256").read_text() == f"{digest}  a.fits\n"
    assert leftovers(target) == []


def test_second_call_asks_nobody(server, target):
    get(server, target)
    get(server, target)
    assert server.requests == ["/a.fits"]


def test_file_damaged_on_disk_is_fetched_again(server, target):
    get(server, target)
    target.write_bytes(CONTENT[:-1] + b"?")
    get(server, target)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_file_that_changed_at_its_source_is_refused(server, target):
    get(server, target)
    target.unlink()
    server.files["/a.fits"] = b"another file"
    with pytest.raises(DownloadError, match=r"has changed since.*delete .*a\.fits\.sha256"):
        get(server, target)
    assert not target.exists()
    assert leftovers(target) == []


def test_file_without_a_record_is_not_trusted(server, target):
    get(server, target)
    target.with_name("a.fits.sha256").unlink()
    target.write_bytes(b"half a fi")
    get(server, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["truncate", "503", "429", "empty"])
def test_passing_fault_is_overcome(server, target, fault):
    server.faults["/a.fits"] = [fault, fault]
    get(server, target, attempts=3)
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncate", "after 100004 "),
        ("503", "answers 503"),
        ("empty", "empty file"),
    ],
)
def test_lasting_fault_is_an_error_and_leaves_nothing(server, target, fault, message):
    server.faults["/a.fits"] = [fault] * 5
    with pytest.raises(DownloadError, match=message) as caught:
        get(server, target, attempts=2)
    assert caught.value.answered
    assert len(server.requests) == 2
    assert list(target.parent.iterdir()) == []


def test_absent_file_is_asked_for_once(server, target):
    with pytest.raises(DownloadError, match="answers 404") as caught:
        fetch(server.url + "/b.fits", target, timeout=0.5)
    assert caught.value.answered
    assert server.requests == ["/b.fits"]


def test_silent_server_is_given_up_and_counts_as_no_network(server, target):
    server.stall_seconds = 0.6
    server.faults["/a.fits"] = ["stall"]
    with pytest.raises(DownloadError, match=r"no answer within 0\.1 s") as caught:
        fetch(server.url + "/a.fits", target, timeout=0.1)
    assert not caught.value.answered


def test_no_server_is_no_network(target):
    with pytest.raises(DownloadError, match="cannot be reached") as caught:
        fetch(unused_url() + "/a.fits", target, timeout=0.5)
    assert not caught.value.answered


def test_login_page_is_not_taken_for_the_file(server, target):
    server.files["/a.fits"] = b"<!doctype html><title>Hotel</title>"
    with pytest.raises(DownloadError, match="a login page may have answered"):
        get(server, target, begins=b"SIMPLE  =")
    assert list(target.parent.iterdir()) == []


def test_folder_that_is_a_file_is_an_output_error(server, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        get(server, tmp_path / "taken" / "a.fits")


def test_other_schemes_are_refused(tmp_path):
    (tmp_path / "secret").write_text("")
    with pytest.raises(DownloadError, match="only http and https"):
        fetch((tmp_path / "secret").as_uri(), tmp_path / "copy")


def test_proxy_of_the_environment_is_asked(server, target, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//user:p%40ss@"))
    url = "http://archive.invalid/a.fits"
    server.files[url] = CONTENT
    fetch(url, target, timeout=0.5)
    assert target.read_bytes() == CONTENT
    assert server.requests == [url]
    words = base64.b64encode(b"user:p@ss").decode()
    headers = {name.lower(): value for name, value in server.headers[0].items()}
    assert headers["proxy-authorization"] == f"Basic {words}"
