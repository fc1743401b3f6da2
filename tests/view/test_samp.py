"""A round trip through astropy's own hub: the table goes out, rows go both ways."""

import threading
import time

import pytest
from astropy.table import Table

from huggins.errors import HugginsError
from huggins.view.exchange import write_votable
from huggins.view.samp import Samp

samp = pytest.importorskip("astropy.samp")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    hub = samp.SAMPHubServer(
        web_profile=False, addr="127.0.0.1", lockfile=str(tmp_path / "samp")
    )
    hub.start()
    yield hub
    hub.stop()


def wait(test, seconds=10.0):
    end = time.monotonic() + seconds
    while not test() and time.monotonic() < end:
        time.sleep(0.02)
    return test()


def test_without_a_hub_it_says_what_to_start(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    with pytest.raises(HugginsError, match="start TOPCAT"):
        Samp(lambda row: None).connect()


@pytest.mark.slow
def test_the_table_goes_out_and_rows_go_both_ways(hub, results):
    opened, got, highlighted = [], [], []
    ours = Samp(opened.append)
    other = samp.SAMPIntegratedClient(name="topcat", addr="127.0.0.1")
    other.connect()
    lock = threading.Lock()

    def loaded(key, sender, kind, params, extra):
        with lock:
            got.append(dict(params))

    def pointed(key, sender, kind, params, extra):
        with lock:
            highlighted.append(int(params["row"]))

    other.bind_receive_notification("table.load.votable", loaded)
    other.bind_receive_notification("table.highlight.row", pointed)
    rows = [4, 2, 0]
    try:
        ours.send_table(lambda path: write_votable(results.take(rows), path), rows, "set")
        assert ours.connected
        assert wait(lambda: got)
        table = Table.read(got[0]["url"].removeprefix("file://"), format="votable")
        assert [str(f) for f in table["FILE"]] == [results.location(row)[0] for row in rows]
        ours.highlight(2)
        assert wait(lambda: highlighted == [1])
        ours.highlight(5)  # not part of what was sent
        other.notify_all(
            {
                "samp.mtype": "table.highlight.row",
                "samp.params": {"table-id": got[0]["table-id"], "row": "2"},
            }
        )
        assert wait(lambda: opened == [0])
        for wrong in ("99", "-1", "x"):
            other.notify_all(
                {
                    "samp.mtype": "table.highlight.row",
                    "samp.params": {"table-id": got[0]["table-id"], "row": wrong},
                }
            )
        other.notify_all(
            {
                "samp.mtype": "table.highlight.row",
                "samp.params": {"table-id": "another", "row": "1"},
            }
        )
        time.sleep(0.3)
        assert opened == [0]
        assert highlighted == [1]
    finally:
        other.disconnect()
        ours.close()
    assert not ours.connected
