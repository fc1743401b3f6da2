"""What is fuzzed: every target makes inputs from a random generator, and tries them.

A target is made once in the process that runs it. `attempt` returns what came of an input, in a
word for the statistics, and raises where the package did what it must not.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from hardening import whole
from hardening.damage import damaged

if TYPE_CHECKING:
    from random import Random


class Readers:
    """The bytes of every format of spectra, damaged, through `huggins.formats`."""

    share = 0.74

    def __init__(self, folder: Path) -> None:
        self.files = whole.spectra(folder)
        self.files |= whole.archives(self.files)
        self.names = list(self.files)

    def make(self, random: Random) -> tuple[str, bytes]:
        """Return a name and the content of an input."""
        name = random.choice(self.names)
        return name, damaged(self.files[name], random)

    def attempt(self, name: str, content: bytes) -> str:
        """Read it; anything but spectra and `ReadError` is a finding."""
        import numpy as np

        from huggins.errors import ReadError
        from huggins.formats import open_bytes

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = list(open_bytes(content, "damaged"))
        assert found, "neither a spectrum nor an error"
        for item in found:
            if isinstance(item, ReadError):
                assert item.what.strip(), "an error without a message"
                assert len(item.what) < 2000, "a message of more than 2000 characters"
                continue
            assert len(item.flux) == len(item.ivar) == len(item.loglam), "lengths differ"
            assert np.all(np.isfinite(item.loglam)), "wavelengths that are not finite"
            assert np.all(np.diff(item.loglam) >= 0), "wavelengths do not ascend"
            assert np.any(item.good), "no good pixel"
        good = sum(not isinstance(item, ReadError) for item in found)
        return "spectra" if good == len(found) else "errors" if not good else "both"


class Tables:
    """The bytes of every kind of table, damaged, through `huggins.tables` and the lists."""

    share = 0.12

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = whole.tables(folder)
        self.names = list(self.files)
        root = Path(__file__).resolve().parent.parent
        self.files["experiment.toml"] = (root / "configs" / "huggins.toml").read_bytes()
        self.names.append("experiment.toml")

    make = Readers.make

    def attempt(self, name: str, content: bytes) -> str:
        """Read it; anything but columns and a `HugginsError` is a finding."""
        from huggins.errors import HugginsError
        from huggins.tables.read import open_table, read_columns
        from huggins.train.config import read_config

        path = self.folder / f"damaged{name}"
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                if name.endswith(".toml"):
                    read_config(path)
                    return "config"
                read_columns(path)
                table = open_table(path)
                for chunk in table.chunks(["Z", "TARGETID", "FILE"]):
                    for column, take in (
                        ("Z", chunk.number), ("TARGETID", chunk.integer), ("FILE", chunk.text)
                    ):  # fmt: skip
                        if column in chunk:
                            take(column)
        except HugginsError as error:
            said = str(error)
        else:
            return "columns"
        assert said.strip(), "an error without a message"
        return "errors"


class Command:
    """The command line: verbs, options and values of every kind, right and wrong."""

    share = 0.06
    #: A right call of every verb, to which wrong things are added.
    right: ClassVar = {
        "classify": ("good.fits", "-o", "out.csv"),
        "info": ("good.fits",),
        "plot": ("good.fits", "-o", "out.png"),
        "catalog": ("list.fits", "-o", "targets.fits"),
        "shrink": ("good.fits", "-o", "small"),
        "build": ("good.fits", "-o", "set.h5"),
        "labels": ("list.fits", "list.csv"),
        "simulate": ("-n", "2", "-o", "mocks.h5"),
        "evaluate": ("list.fits", "--truth", "list.csv", "-o", "report"),
        "export": ("good.fits",),
        "models": (),
        "report": ("list.fits", "-o", "page"),
    }
    #: Verbs that serve, fetch or train, of which only the parsing is tried.
    long: ClassVar = {"view", "download", "train", "demo"}

    def __init__(self, folder: Path) -> None:
        import typer

        from huggins.cli import VERBS, _command

        os.chdir(folder)
        files = whole.spectra(folder)
        Path("good.fits").write_bytes(files["boss"])
        Path("bad.fits").write_bytes(files["boss"][:5000])
        Path("text.csv").write_bytes(files["CSV with ivar"])
        for ending, content in whole.tables(folder).items():
            Path(f"list{ending}").write_bytes(content)
        Path("empty").mkdir()
        self.options: dict[str, list[str]] = {}
        for verb in VERBS:
            command = _command([verb]).commands[verb]
            self.options[verb] = [
                name for p in command.params for name in p.opts if name.startswith("-")
            ]
        self.verbs = list(VERBS)
        self.values = (
            *("good.fits", "bad.fits", "text.csv", "empty", "no.fits", "list.fits", "list.csv"),
            *("list.vot", "list.jsonl", "list.parquet", "", "-", "--", "."),
            *("/dev/null", "/proc/self/mem", "good.fits[0]", "good.fits[", "sparcl:1", "a\nb"),
            *(
                "\udcff.fits",
                "\u00fc.fits",
                "x" * 300,
                "0",
                "1",
                "-1",
                "1.5",
                "nan",
                "inf",
                "1e9",
            ),
            *("9" * 30, "Z > 1", "Z >", "__import__('os')", "Z == 'a' and", "QSO", "auto"),
            *(
                "huggins",
                "fits",
                "csv",
                "out.fits",
                "out.csv",
                "out",
                "a=b",
                "flux=wave",
                "0:2",
            ),
            *("http://127.0.0.1:1/", "file:///etc/passwd", "%s%n", "*.fits", "@list.csv"),
        )
        self._typer = typer

    def make(self, random: Random) -> tuple[str, bytes]:
        """Return a verb and its arguments in JSON."""
        verb = random.choice((*self.verbs, "nonsense", "--version", "--help"))
        args = [verb]
        if random.random() < 0.5:
            args += self.right.get(verb, ())
        for _ in range(random.randrange(6 if len(args) == 1 else 3)):
            kind = random.random()
            if kind < 0.45 and verb in self.options:
                args.append(random.choice(self.options[verb]))
            elif kind < 0.5:
                args.append(random.choice(("--nonsense", "-x", "--output=", "-o", "--jobs=2x")))
            if random.random() < 0.7:
                args.append(random.choice(self.values))
        if len(args) > 1 and random.random() < 0.2:
            args[random.randrange(1, len(args))] = random.choice(self.values)
        if verb in self.long:
            args = [verb, "--no-such-option", *args[1:]]
        return verb, json.dumps(args).encode()

    def attempt(self, name: str, content: bytes) -> str:
        """Call the command; a traceback or another exit status is a finding."""
        from huggins.cli import main

        args = json.loads(content)
        out, err = io.StringIO(), io.StringIO()
        folder = Path.cwd()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(args)
            finally:
                os.chdir(folder)
                logging.getLogger("huggins").handlers.clear()
        assert status in (0, 1, 2), f"exit status {status}"
        if status == 2 and not {"-q", "--quiet"} & set(args):
            assert err.getvalue().strip(), "exit status 2 without a message"
        assert "Traceback" not in err.getvalue(), "a traceback on the terminal"
        return f"status {status}"


class Page:
    """The server of the page: routes, methods, headers and bodies of every kind."""

    share = 0.08

    def __init__(self, folder: Path) -> None:
        from huggins.demo.mocks import load
        from huggins.view.app import create_app
        from huggins.view.inspections import Inspections
        from huggins.view.results import Results
        from huggins.view.session import Session

        spectra = [example.spectrum for example in load()[:3]]
        results = Results.of_spectra(spectra)
        self.session = Session(results, Inspections(folder / "kept.sqlite", "ada"))
        self.app = create_app(self.session, "secret", {"127.0.0.1:1"})
        self.loop = asyncio.new_event_loop()
        self.paths = (
            *("/", "/api/session", "/api/columns/{word}", "/api/spectrum/{row}", "/api/order"),
            *("/api/spectrum/{row}/model?z={word}&class={word}", "/api/spectrum/{row}/why"),
            *("/api/spectrum/{row}/similar?n={word}", "/api/thumbnails?rows={row},{word}"),
            *("/api/map", "/api/inspections", "/api/undo", "/api/agreement", "/static/{word}"),
            *("/api/export?format={word}", "/api/import?name={word}", "/api/samp/{word}"),
            *("/api/classify?name={word}", "/api/figure/{row}?format={word}", "/{word}"),
        )
        self.words = (
            *(
                "0",
                "1",
                "2",
                "3",
                "-1",
                "99999999999999999999",
                "9" * 5000,
                "1.5",
                "nan",
                "inf",
            ),
            *("-inf", "1e400", "", "QSO", "GALAXY", "STAR", "F", "csv", "fits", "png", "pdf"),
            *("svg", "zip", "ecsv", "../../etc/passwd", "%2e%2e/", "\x00", "\u0663", "\u00b2"),
            *(
                "Z",
                "CLASS",
                "ERROR",
                "FILE",
                "spectra.fits",
                "x.csv",
                "marz",
                "prospect",
                "app.js",
            ),
            *(
                "send",
                "connect",
                "hub",
                "table",
                "spectrum",
                "a" * 3000,
                "<script>",
                "'; drop",
                "\ud800",
            ),
        )
        self.files = list(whole.spectra(folder).values())
        for content in whole.tables(folder).values():
            self.files.append(content)

    def make(self, random: Random) -> tuple[str, bytes]:
        """Return a route and the request in JSON."""

        def word() -> str:
            return quote(
                random.choice(self.words),
                safe="/" if random.random() < 0.2 else "",
                errors="surrogatepass",
            )

        path = random.choice(self.paths)
        while "{" in path:
            path = path.replace("{word}", word(), 1).replace(
                "{row}", str(random.choice((0, 1, 2, 0, 1, 2, 3, -1, 10**30))), 1
            )
        route = path.partition("?")[0]
        method = random.choice(
            ("GET", "GET", "GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD")
        )
        headers = {"host": "127.0.0.1:1", "x-huggins-token": "secret"}
        if random.random() < 0.15:
            headers[
                random.choice(
                    (
                        "host",
                        "x-huggins-token",
                        "origin",
                        "cookie",
                        "x-huggins-scanner",
                        "content-length",
                        "accept-encoding",
                        "range",
                    )
                )
            ] = word()
        if random.random() < 0.2:
            headers["x-huggins-scanner"] = word()
        body = b""
        if method == "POST":
            body = self._body(route, random)
        request = [method, path, headers, body.decode("latin-1")]
        return route.split("/")[-1][:12] or "page", json.dumps(request).encode()

    def _body(self, route: str, random: Random) -> bytes:
        if route in ("/api/import", "/api/classify") and random.random() < 0.8:
            return damaged(random.choice(self.files), random)

        def value(depth: int = 0) -> Any:
            kind = random.randrange(9)
            if kind == 0 and depth < 3:
                return [value(depth + 1) for _ in range(random.randrange(4))]
            if kind == 1 and depth < 3:
                return {random.choice(self.words)[:30]: value(depth + 1) for _ in range(2)}
            if kind < 5:
                return random.choice(
                    (0, 1, 2, -1, 4, 1.5, 10**30, 1e308, -0.0, float("nan"), float("inf"))
                )
            if kind < 8:
                return random.choice(self.words)
            return random.choice((None, True, False))

        keys = (
            "row",
            "rows",
            "quality",
            "class",
            "z",
            "comment",
            "format",
            "merged",
            "hub",
            "ra",
            "dec",
            "name",
            "time",
            "key",
            "flags",
        )
        made = {key: value() for key in random.sample(keys, random.randrange(len(keys)))}
        if random.random() < 0.5:
            made |= {"row": random.randrange(3), "quality": random.randrange(5), "class": "QSO"}
        content = json.dumps(made).encode()
        return damaged(content, random) if random.random() < 0.2 else content

    def attempt(self, name: str, content: bytes) -> str:
        """Ask; an exception or a status of 500 and above is a finding."""
        method, path, headers, body = json.loads(content)
        status, answer = self.loop.run_until_complete(
            self._ask(method, path, headers, body.encode("latin-1"))
        )
        assert 200 <= status < 500, f"status {status}: {answer[:300]!r}"
        return f"status {status}"

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        from urllib.parse import unquote

        route, _, query = path.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(route, errors="replace"),
            "raw_path": route.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"), "root_path": "",
            "headers": [
                (k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()
            ],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1),
        }  # fmt: skip
        sent: list[Any] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if given:
                return given.pop()
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        answer = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        return sent[0]["status"], answer


TARGETS: dict[str, Any] = {
    "readers": Readers,
    "tables": Tables,
    "command": Command,
    "page": Page,
}
sys.setrecursionlimit(3000)
