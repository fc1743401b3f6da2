"""The command's manners: help, usage errors, exit statuses, start-up."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from huggins import __version__, cli
from huggins.cli.help import EXAMPLES
from huggins.errors import InputError


def run(capsys, *argv: str) -> tuple[int, str, str]:
    status = cli.main(argv)
    out, err = capsys.readouterr()
    return status, out, err


def test_help_lists_every_verb(capsys):
    status, out, err = run(capsys, "--help")
    assert (status, err) == (0, "")
    for verb in cli.VERBS:
        assert f"  {verb} " in out
    assert run(capsys) == (0, out, "")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(capsys, verb):
    status, out, err = run(capsys, verb, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: huggins {verb} ")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_has_an_example_and_no_types(capsys, verb):
    _, out, _ = run(capsys, verb, "--help")
    assert out.rstrip().splitlines()[-2:] == ["Example:", f"  {EXAMPLES[verb]}"]
    assert EXAMPLES[verb].startswith(f"huggins {verb} ")
    assert not re.search(r"<(list|int|str|float|path)|\{|x>=", out)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_the_same_switches(capsys, verb):
    _, out, _ = run(capsys, verb, "--help")
    for switch in ("-q, --quiet", "-v, --verbose", "--log FILE"):
        assert f"  {switch} " in out


def test_help_cuts_no_summary(capsys):
    _, out, _ = run(capsys, "--help")
    assert "..." not in out.partition("Commands:")[2]


def test_jobs_of_verbs_that_fit_nothing_speak_of_no_fits(capsys):
    for verb in ("shrink", "simulate", "build", "download"):
        _, out, _ = run(capsys, verb, "--help")
        assert "fits" not in out.partition("--jobs")[2].partition("\n  -q")[0]


@pytest.mark.parametrize(
    ("line", "found"),
    [("huggins cl", "classify"), ("huggins classify --no-re", "--no-redshift")],
)
def test_completion(capsys, monkeypatch, line, found):
    monkeypatch.setenv("_HUGGINS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    status, out, _ = run(capsys)
    assert (status, out.split()) == (0, [found])


def test_completion_is_shown_for_the_shell_that_asks():
    argv = [sys.executable, "-c", "import sys; from huggins.cli import main; sys.exit(main())"]
    process = subprocess.run(
        ["bash", "-c", shlex.join([*argv, "--show-completion"]) + "; exit $?"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0
    assert "_HUGGINS_COMPLETE=complete_bash" in process.stdout


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"huggins {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["clasify", "x.fits"], "No such command 'clasify'"),
        (["--colour"], "No such option: --colour"),
        (["classify"], "Missing argument 'INPUT"),
        (["classify", "--jbos", "2", "x.fits"], "No such option: --jbos"),
        (["classify", "--jobs", "two", "x.fits"], "Invalid value for '--jobs'"),
        (["classify", "--jobs", "-1", "x.fits"], "Invalid value for '--jobs'"),
        (["classify", "--batch-size", "0", "x.fits"], "Invalid value for '--batch-size'"),
        (["classify", "--threshold", "2", "x.fits"], "Invalid value for '--threshold'"),
        (["info"], "Missing argument 'INPUT"),
    ],
)
def test_wrong_usage_is_one_line_with_a_remedy(capsys, argv, message):
    status, out, err = run(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.startswith("huggins: ")
    assert message in err
    assert "(see `huggins" in err
    assert err.endswith("--help`)\n")
    assert err.count("\n") == 1


def test_interrupt(capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("huggins.inference.Inputs", interrupted)
    assert run(capsys, "info", "x.fits") == (130, "", "huggins: interrupted\n")


def test_an_error_of_ours_is_one_line(capsys, monkeypatch):
    def fail(*args, **kwargs):
        raise InputError("a folder\nwithout spectra")

    monkeypatch.setattr("huggins.inference.Inputs", fail)
    assert run(capsys, "info", "x") == (2, "", "huggins: a folder without spectra\n")


@pytest.mark.parametrize("verb", ["evaluate", "catalog", "plot", "build"])
def test_a_name_that_is_too_long_for_the_system_is_one_line(capsys, tmp_path, verb):
    status, out, err = run(capsys, verb, "x" * 300, "-o", str(tmp_path / ("y" * 300)))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("huggins.inference.Inputs", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["info", "x"])


@pytest.mark.parametrize(
    ("rows", "failed", "expected"), [(5, 0, 0), (5, 1, 1), (5, 5, 2), (0, 0, 2)]
)
def test_status(rows, failed, expected):
    assert cli.status(rows, failed) == expected


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


SLOW = {"numpy", "onnxruntime", "astropy", "h5py", "arro3", "matplotlib", "rich", "torch"}


def test_importing_huggins_imports_nothing_slow():
    assert not modules_after("import huggins") & (SLOW | {"typer"})


def test_help_imports_nothing_slow():
    code = "from huggins.cli import main\nmain(['--help'])"
    assert not modules_after(code) & SLOW
