"""The help of the command and of its verbs: an example, and no types of Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A line to copy, for each verb. `tests/docs/test_lines_run.py` runs them.
EXAMPLES: Final = {
    "classify": "huggins classify spectra/ -o results.fits",
    "info": "huggins info spec-7102-56666-0082.fits",
    "plot": "huggins plot spec-7102-56666-0082.fits -o picture.png",
    "view": "huggins view results.fits",
    "report": "huggins report results.fits -o page.html",
    "demo": "huggins demo --offline",
    "catalog": "huggins catalog specObj-dr17.fits -o targets.parquet",
    "download": "huggins download targets.parquet -o spectra",
    "shrink": "huggins shrink spectra/ -o small",
    "build": "huggins build spectra/ -o train.h5 --targets targets.parquet",
    "labels": "huggins labels targets.parquet --visual Superset_DR12Q.fits -o suspects.csv",
    "templates": "huggins templates list",
    "simulate": "huggins simulate -n 1000 -o mocks.h5 --templates TEMPLATES",
    "train": "huggins train configs/huggins.toml",
    "evaluate": "huggins evaluate results.fits --truth labels.csv -o report",
    "export": "huggins export runs/huggins/last.pt -o exported",
    "models": "huggins models show huggins",
}
# What stands for a value that has no name of its own.
_VALUES: Final = {"int": "N", "float": "X", "str": "NAME", "path": "PATH"}


def _value(kind: re.Match[str]) -> str:
    """Return the placeholder of a type as Typer writes it, such as ``<int range>``."""
    word = re.sub(r"^list\[(.*)\]$", r"\1", kind[1]).removesuffix(" range")
    return f" {_VALUES.get(word.lower(), word)}"


def _without_types(record: tuple[str, str], *, argument: bool) -> tuple[str, str]:
    name, text = record
    name = re.sub(r" <([^<>]+)>$", "" if argument else _value, name)
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)\]$", r"\1 to \2]", text)
    return name, re.sub(r"(?:; |  \[)x>=[\d.]+\]$", lambda end: "]" * (end[0][0] == ";"), text)


class Verb(TyperCommand):
    """A verb, whose help ends with an example."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the name in the usage, without braces round an argument."""
        pieces = super().collect_usage_pieces(ctx)
        return [re.sub(r"^\{(.*?)(?:\.\.\.)?\}", r"\1", piece) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options."""
        records: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                argument = parameter.param_type_name == "argument"
                records[argument].append(_without_types(record, argument=argument))
        for argument, title in ((True, "Arguments"), (False, "Options")):
            if records[argument]:
                with formatter.section(title):
                    formatter.write_dl(records[argument])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example."""
        if self.name in EXAMPLES:
            with formatter.section("Example"):
                formatter.write(f"{'':{formatter.current_indent}}{EXAMPLES[self.name]}\n")


class Verbs(TyperGroup):
    """The command, which describes each verb by a whole sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs, each with the first paragraph of its help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._described(ctx)))

    def _described(self, ctx: Any) -> Iterator[tuple[str, str]]:
        for name in self.list_commands(ctx):
            verb = self.get_command(ctx, name)
            if verb is not None and not verb.hidden:
                yield name, " ".join((verb.help or "").partition("\n\n")[0].split())
