"""A small set of simulated spectra in files, classified with the shipped network, on a page."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import huggins
from factories import Truth, write_boss_spec
from huggins.demo.mocks import load
from huggins.view.inspections import Inspections
from huggins.view.results import Results
from huggins.view.serve import Server
from huggins.view.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Which of the shipped mocks are in the set, in order, and whether the pipeline knows them.
CHOSEN = ("QSO", "BAL", "F", "GAL", "M", "QSO")


@dataclass
class Set:
    folder: Path
    table: Path
    classes: list[str]
    redshifts: list[float]

    def __len__(self) -> int:
        return len(self.classes)


@pytest.fixture(scope="session")
def mocks() -> list[huggins.demo.example.Example]:
    return load()


@pytest.fixture(scope="session")
def spectra_set(tmp_path_factory: pytest.TempPathFactory, mocks) -> Set:
    folder = tmp_path_factory.mktemp("set")
    pool = list(mocks)
    paths, examples = [], []
    for number, name in enumerate(CHOSEN):
        example = next(e for e in pool if e.cls == name)
        pool.remove(example)
        s = example.spectrum
        truth = Truth(
            s.loglam.astype(np.float32),
            s.flux.astype(np.float32),
            s.ivar.astype(np.float32),
            np.zeros(len(s), np.int32),
            fiberid=number + 1,
            ra=120.0 + number,
            cls="STAR" if name in "FM" else "GALAXY" if name == "GAL" else "QSO",
            z=example.z if number != len(CHOSEN) - 1 else 0.5,  # the pipeline is wrong there
        )
        paths.append(write_boss_spec(folder / f"spec-7102-56666-{number + 1:04d}.fits", truth))
        examples.append(example)
    table = huggins.classify([str(path) for path in paths])
    out = folder / "results.fits"
    table.write(out)
    return Set(folder, out, [e.cls for e in examples], [float(e.z or 0.0) for e in examples])


@pytest.fixture
def results(spectra_set: Set) -> Results:
    return Results.read(spectra_set.table)


@pytest.fixture
def inspections(tmp_path: Path) -> Iterator[Inspections]:
    kept = Inspections(tmp_path / "kept.sqlite", "ada")
    yield kept
    kept.close()


@pytest.fixture
def session(results: Results, inspections: Inspections) -> Session:
    return Session(results, inspections)


@pytest.fixture
def server(session: Session) -> Iterator[Server]:
    server = Server(session)
    server.start()
    yield server
    server.stop()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Asks a server as a browser would, or not quite."""

    def __init__(self, server: Server) -> None:
        self.port, self.token = server.port, server.token
        self.host = f"127.0.0.1:{server.port}"

    def ask(self, path: str, method="GET", body=None, *, token=True, **headers: str) -> Answer:
        sent = {"Host": self.host} | {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            sent["X-Huggins-Token"] = self.token
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            got = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, got, answer.read())

    def get(self, path: str, **more) -> Answer:
        return self.ask(path, **more)

    def post(self, path: str, body, **more) -> Answer:
        return self.ask(path, "POST", body, **more)


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server)
