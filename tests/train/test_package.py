"""What goes with a network, and what it takes to replace the shipped one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from huggins.cli import main
from huggins.errors import InputError, ModelError
from huggins.inference import load_model
from huggins.inference.verification import record, verify
from huggins.train.checkpoint import State, save
from huggins.train.networks import build
from huggins.train.package import into_package, not_worse
from huggins.weights import find
from tiny_model import write_model


@pytest.fixture
def checkpoint(own, tmp_path):
    weights = build(own).state_dict()
    save(tmp_path / "last.pt", State(own, 6, weights, weights, {}))
    return tmp_path / "last.pt"


def test_a_checkpoint_becomes_all_that_is_shipped(checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["export", str(checkpoint), "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out / "own.onnx")
    assert sorted(path.name for path in out.iterdir()) == [
        "own.json", "own.md", "own.onnx", "own.safetensors",
    ]  # fmt: skip
    assert all(check.good for check in verify(out / "own.onnx"))
    card = (out / "own.md").read_text()
    assert "| data: real spectra | 28 |" in card
    assert '"real_share": 1.0' in card
    # From safetensors, without the data, the same again.
    again = tmp_path / "again"
    assert main(["export", str(out / "own.safetensors"), "-o", str(again)]) == 0
    assert load_model(again / "own.onnx").metadata == load_model(out / "own.onnx").metadata


def test_shipped_weights_become_a_folder_for_a_hub(tmp_path, capsys):
    """The same network three times: as ONNX, as safetensors, and from these as ONNX again."""
    hub = tmp_path / "hub"
    assert main(["export", "seed", "-o", str(hub)]) == 0
    assert sorted(path.name for path in hub.iterdir()) == [
        "README.md", "seed.json", "seed.onnx", "seed.safetensors",
    ]  # fmt: skip
    assert (hub / "seed.onnx").read_bytes() == find("seed").read_bytes()
    assert all(check.good for check in verify(hub / "seed.onnx"))
    model_card = pytest.importorskip("huggingface_hub").ModelCard.load(hub / "README.md")
    assert model_card.data.license == "bsd-3-clause"
    assert "astronomy" in model_card.data.tags
    assert "# Model card: seed" in model_card.text
    assert main(["export", str(hub / "seed.safetensors"), "-o", str(tmp_path / "again")]) == 0
    again, first = load_model(tmp_path / "again" / "seed.onnx"), load_model("seed")
    rng = np.random.default_rng(1)
    flux = rng.normal(5.0, 1.0, (3, first.metadata.contract.grid.size)).astype(np.float32)
    ivar = np.ones_like(flux)
    np.testing.assert_allclose(
        again.predict(flux, ivar).probabilities,
        first.predict(flux, ivar).probabilities,
        atol=1e-5,
    )
    capsys.readouterr()
    assert main(["export", "seed"]) == 2
    assert "-o FOLDER is missing" in capsys.readouterr().err
    # Its own folder may be written again; another's card may not.
    assert main(["export", "seed", "-o", str(hub)]) == 0
    (hub / "README.md").write_text("mine")
    assert main(["export", "seed", "-o", str(hub)]) == 2
    assert (hub / "README.md").read_text() == "mine"


def test_what_cannot_be_exported_is_said(checkpoint, own, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("no")
    assert main(["export", str(tmp_path / "a.txt")]) == 2
    assert "export takes a .pt checkpoint" in capsys.readouterr().err
    gone = replace(own, data=replace(own.data, spectra=str(tmp_path / "gone")))
    weights = build(own).state_dict()
    save(checkpoint, State(gone, 6, weights, weights, {}))
    assert main(["export", str(checkpoint)]) == 2
    assert "gone/labels.csv: there is no such file" in capsys.readouterr().err
    assert main(["export", str(checkpoint), "--comparison", "r.json"]) == 2
    assert main(["export", str(checkpoint), "--into-package"]) == 2
    assert "export it first" in capsys.readouterr().err


def paired(gained, lost, p):
    return {"n": 300, "only_new": gained, "only_old": lost, "p_value": p}


def report(tmp_path, model, n=300, **changes):
    content = {
        "about": {"model": {"name": "tiny", "hash": load_model(model).hash}},
        "comparison": {
            "n": n,
            "classes": paired(4, 2, 0.69),
            "subclasses": paired(9, 3, 0.15),
            "redshifts": {"QSO": paired(1, 0, 1.0), "STAR": {"n": 0}},
        }
        | changes,
    }
    path = tmp_path / "report.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def candidate(tmp_path):
    path = write_model(tmp_path / "tiny.onnx")
    record(path)
    return path


def test_weights_that_are_not_worse_replace_the_shipped(candidate, tmp_path):
    shipped = tmp_path / "weights"
    shipped.mkdir()
    path, said = into_package(candidate, report(tmp_path, candidate), shipped)
    assert path == shipped / "tiny.onnx"
    assert all(check.good for check in verify(path))
    assert said[0] == "CLASS: 4 gained, 2 lost of 300, p = 0.69"
    assert len(said) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": paired(2, 20, 0.0001)}, "are worse: CLASS: 2 gained, 20 lost"),
        ({"redshifts": {"QSO": paired(0, 9, 0.004)}}, "worse: redshift of QSO"),
        ({"n": 60}, "of 60 spectra: 100 are the least"),
    ],
)
def test_weights_that_are_worse_are_refused(candidate, tmp_path, changes, message):
    shipped = tmp_path / "weights"
    shipped.mkdir()
    with pytest.raises(InputError, match=message):
        into_package(candidate, report(tmp_path, candidate, **changes), shipped)
    assert list(shipped.iterdir()) == []


def test_it_takes_a_comparison_of_these_weights(candidate, tmp_path):
    with pytest.raises(InputError, match="show that the new weights are not worse"):
        into_package(candidate, None, tmp_path)
    other = write_model(tmp_path / "other.onnx", seed=5)
    with pytest.raises(InputError, match="not of these weights"):
        into_package(candidate, report(tmp_path, other), tmp_path)
    empty = tmp_path / "empty.json"
    empty.write_text('{"comparison": null}')
    with pytest.raises(InputError, match="no comparison in it"):
        into_package(candidate, empty, tmp_path)


def test_weights_without_a_good_record_are_refused(candidate, tmp_path):
    candidate.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="record"):
        into_package(candidate, report(tmp_path, candidate), tmp_path)


def test_the_report_of_evaluate_is_understood(candidate, tmp_path):
    """The keys are those that `huggins evaluate --compare` writes."""
    from dataclasses import fields

    from huggins.evaluate import Paired
    from huggins.evaluate.comparison import Comparison

    assert {"n", "classes", "subclasses", "redshifts"} <= {f.name for f in fields(Comparison)}
    assert {"n", "only_new", "only_old", "p_value"} <= {f.name for f in fields(Paired)}
    content = json.loads(report(tmp_path, candidate).read_text())
    assert len(not_worse(content, load_model(candidate).hash, candidate)) == 3
