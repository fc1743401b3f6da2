"""The shipped models: their files and the metadata of a weights file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import ModelError
from huggins.prepare.contract import InputContract

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Version of the metadata below; a file of another version is refused, never misread.
FORMAT: Final = 1
#: Key of the ONNX metadata under which `Metadata` is stored, as JSON.
KEY: Final = "huggins"
DEFAULT: Final = "huggins"
_HERE = Path(__file__).parent
#: Rest-frame templates of the redshift fit.
BASIS: Final = _HERE / "basis.npz"


@dataclass(frozen=True, slots=True)
class RedshiftGrid:
    """Bins of a network's redshift distribution, of equal width in ln(1 + z)."""

    start: float = -0.005
    step: float = 0.002
    size: int = 992

    @property
    def centres(self) -> NDArray[np.float64]:
        """ln(1 + z) of the bins' centres, shape (size,)."""
        return self.start + self.step * (np.arange(self.size, dtype=np.float64) + 0.5)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a weights file: all that is needed to use it.

    Attributes
    ----------
    name, version
        Name of the model and the huggins version that exported it.
    classes
        Meaning of the class scores, in order: the 13 classes and, where the network was taught
        it, ``NONE`` for everything else (empty sky, a dead fibre).
    contract
        How its input is prepared.
    redshift
        Bins of the redshift scores; None where the network gives none.
    temperature, redshift_temperature
        What the scores are divided by before the softmax, which calibrates probabilities.
    redshift_error_scale
        Factor on the width of the redshift distribution that makes it a 1-sigma error.
    threshold
        PROB below which a result is not to be relied on.
    none_threshold
        Probability of ``NONE`` above which a result is not to be relied on.
    data
        Hash and description of the training data.
    trained
        The command, configuration and figures of the training.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    contract: InputContract
    redshift: RedshiftGrid | None = None
    temperature: float = 1.0
    redshift_temperature: float = 1.0
    redshift_error_scale: float = 1.0
    threshold: float = 0.5
    none_threshold: float = 0.5
    data: dict[str, Any] = field(default_factory=dict)
    trained: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the text that goes into the weights file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Metadata:
        """Read what `to_json` wrote.

        Raises
        ------
        ModelError
            If the text is not this format's.
        """
        try:
            values = json.loads(text)
            version = values.pop("format")
            if version != FORMAT:
                raise ModelError(
                    f"the weights are of format {version}, this huggins reads format {FORMAT}: "
                    "install the huggins they were made for, or export them again"
                )
            values["contract"] = InputContract.from_dict(values["contract"])
            if values.get("redshift") is not None:
                values["redshift"] = RedshiftGrid(**values["redshift"])
            values["classes"] = tuple(values["classes"])
            return cls(**values)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"the weights carry no readable description: {error}") from error


def available() -> list[str]:
    """Return the names of the models that ship inside the package."""
    return sorted(path.stem for path in _HERE.glob("*.onnx"))


def find(model: str | Path = DEFAULT) -> Path:
    """Return the weights file of a shipped model's name, or of a path.

    Raises
    ------
    ModelError
        If there is no such model and no such file.
    """
    shipped = _HERE / f"{model}.onnx"
    if str(model) in available():
        return shipped
    path = Path(model)
    if path.is_file():
        return path
    raise ModelError(
        f"no model {str(model)!r}: shipped models are {', '.join(available())}; "
        "a path to an .onnx file exported by huggins works too"
    )
