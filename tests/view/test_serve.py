import socket
import time

import pytest

from huggins.errors import InputError, OutputError
from huggins.view.serve import Server, server_of


def test_a_taken_port_is_named(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"127.0.0.1:{port}.*--port"):
            Server(session, port=port)


def test_ports_are_ports(session):
    with pytest.raises(InputError, match="from 0 to 65535"):
        Server(session, port=70000)


@pytest.mark.parametrize(("host", "private"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_only_loopback_is_private(session, host, private):
    server = Server(session, host)
    server._socket.close()
    assert server.private is private


def test_stopping_ends_the_thread(session):
    server = Server(session)
    server.start()
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 10
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", server.port), timeout=2).close()


def test_tokens_differ(session):
    one, other = Server(session), Server(session)
    assert one.token != other.token
    assert len(one.token) >= 32
    for server in (one, other):
        server._socket.close()


def test_the_same_set_gets_the_same_address_again(session, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = server_of(session, "127.0.0.1", 0)
    first._socket.close()
    again = server_of(session, "127.0.0.1", 0)
    assert again.url == first.url
    [kept] = (tmp_path / "state").rglob("*.json")
    assert kept.stat().st_mode & 0o077 == 0
    # It is taken now: another port, the same token.
    third = server_of(session, "127.0.0.1", 0)
    assert (third.port != again.port, third.token) == (True, again.token)
    for server in (again, third):
        server._socket.close()
    kept.write_text('{"port": "x", "token": "short"}')
    fresh = server_of(session, "127.0.0.1", 0)
    fresh._socket.close()
    assert len(fresh.token) >= 32
