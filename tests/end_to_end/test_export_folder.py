"""An exported folder: it answers as the model file does, without torch, and what was changed in it is refused."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from command_line import command_here
from served_models import shop, texts
from sklearn.datasets import load_iris
from torch import nn

import netpick
from netpick.api.pages import write_export
from netpick.types import Array

WITHOUT_TORCH = """
import sys
from importlib.machinery import ModuleSpec


class Blocked:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name.split(".")[0] in ("torch", "onnx", "onnxscript", "sklearn") else None

    def create_module(self, spec):
        raise ImportError(f"{spec.name} is not here")

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Blocked())
"""


def child(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process in which torch cannot be imported."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH + code, *arguments],
        cwd=cwd, env=environment, text=True, capture_output=True, timeout=120,
    )  # fmt: skip


def table() -> pl.DataFrame:
    loaded = load_iris()
    columns = {f"c{i}": loaded.data[:, i] for i in range(4)}
    kinds = pl.Series("kind", ["thin" if width < 1 else "wide" for width in loaded.data[:, 3]])
    return pl.DataFrame({**columns, "kind": kinds, "species": [str(loaded.target_names[i]) for i in loaded.target]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def run(folder: Path) -> netpick.Run:
    return netpick.fit(table(), "species", models="mlp", prefer="network", steps=60, out=folder / "iris")


@pytest.fixture(scope="module")
def exported(run: netpick.Run) -> Path:
    """By the command, beside the model file."""
    done = command_here("export", "iris", "--to", "onnx", cwd=run.folder.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{Path('iris') / 'onnx'}\n", "")
    return run.folder / "onnx"


@pytest.fixture
def digits(served_folder: Path) -> Path:
    """A model of pictures, exported beside its file."""
    return served_folder / "digits"


def equal(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """The same class wherever the two likeliest differ by more than 1e-5; probabilities within 1e-5."""
    names = [name for name in one.columns if name.startswith("probability_")]
    a, b = one.select(names).to_numpy(), other.select(names).to_numpy()
    assert np.abs(a - b).max() <= 1e-5
    first, second = np.sort(a, axis=1)[:, -1], np.sort(a, axis=1)[:, -2]
    clear = first - second > 1e-5
    same = np.array(one["prediction"].to_list()) == np.array(other["prediction"].to_list())
    assert same[clear].all()
    assert clear.mean() > 0.99


def test_ten_thousand_rows_of_a_table_get_the_same_answers(run: netpick.Run, exported: Path) -> None:
    random = np.random.default_rng(0)
    rows = table().sample(10_000, with_replacement=True, seed=0).drop("species")
    rows = rows.with_columns(
        (pl.col(f"c{i}") + pl.Series(random.normal(0, 0.7, 10_000))).alias(f"c{i}") for i in range(4)
    )
    rows = rows.with_columns(
        pl.when(pl.Series(random.random(10_000) < 0.05)).then(None).otherwise("kind").alias("kind")
    )
    equal(run.model.predict(rows), netpick.load(exported).predict(rows))


def test_ten_thousand_pictures_get_the_same_answers(digits: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (10_000, 8, 8)).astype(np.uint8)
    equal(netpick.load(digits).predict(pictures), netpick.load(digits / "onnx").predict(pictures))


def test_an_exported_folder_answers_and_scores_without_torch(run: netpick.Run, exported: Path, folder: Path) -> None:
    table().write_csv(folder / "iris.csv")
    code = """
import json
import netpick
model = netpick.load(sys.argv[1])
answers = model.predict("iris.csv")
answers.write_parquet("answers.parquet")
print(json.dumps([model.engine.name, model.score("iris.csv")["accuracy"].value, list(model.labels), "torch" in sys.modules]))
"""
    done = child(code, str(exported), cwd=folder)
    assert done.returncode == 0, done.stderr
    name, accuracy, labels, loaded = json.loads(done.stdout)
    assert (name, loaded) == ("onnx", False)
    equal(run.model.predict(table()), pl.read_parquet(folder / "answers.parquet"))
    assert accuracy == pytest.approx(run.model.score(table())["accuracy"].value)
    assert labels == ["setosa", "versicolor", "virginica"]


def test_texts_pictures_and_forecasts_are_answered_without_torch(served_folder: Path, folder: Path) -> None:
    reviews, sales = texts().drop("label"), shop()
    reviews.write_csv(folder / "texts.csv")
    sales.write_csv(folder / "shop.csv")
    pictures = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
    np.savez(folder / "digits.npz", X=pictures)
    for name in ("texts", "shop"):
        write_export(served_folder / name, out=folder / f"{name}-graph")
    code = """
import netpick
import numpy as np
for name, graph in (("texts", "texts-graph"), ("shop", "shop-graph"), ("digits", sys.argv[1])):
    data = np.load("digits.npz")["X"] if name == "digits" else f"{name}.csv"
    netpick.load(graph).predict(data).write_parquet(f"{name}.parquet")
assert "torch" not in sys.modules
"""
    done = child(code, str(served_folder / "digits" / "onnx"), cwd=folder)
    assert done.returncode == 0, done.stderr
    models = {name: netpick.load(served_folder / name) for name in ("texts", "shop", "digits")}
    equal(models["texts"].predict(reviews), pl.read_parquet(folder / "texts.parquet"))
    equal(models["digits"].predict(pictures), pl.read_parquet(folder / "digits.parquet"))
    one, other = models["shop"].predict(sales), pl.read_parquet(folder / "shop.parquet")
    assert one.columns == other.columns
    for column in ("prediction", "low", "median", "high"):
        np.testing.assert_allclose(one[column].to_numpy(), other[column].to_numpy(), rtol=1e-5)


def test_a_network_of_ones_own_is_used_without_its_code(folder: Path) -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(7, 16), nn.Tanh(), nn.Linear(16, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.layers(x)
            return made

    made = netpick.fit(table(), "species", models=[Wide()], prefer="network", steps=20, out=folder / "own")
    with pytest.raises(netpick.RequestError, match="your own network"):
        write_export(made.folder)
    graph = write_export(made.folder, module=Wide())
    equal(netpick.load(made.folder, module=Wide()).predict(table()), netpick.load(graph).predict(table()))


def test_reading_encoding_answering_and_finishing_make_a_prediction(run: netpick.Run, exported: Path) -> None:
    for model in (run.model, netpick.load(exported)):
        source = model.read(table())
        arrays = model.encode(source)
        assert set(arrays) == {"vector", "codes"}
        answers = model.engine.outputs(arrays)
        assert answers.dtype == np.float32
        assert model.finish(answers, source).equals(model.predict(table()))


def test_the_folder_is_for_people_too(exported: Path) -> None:
    made = exported
    assert sorted(path.name for path in made.iterdir()) == [
        *("Containerfile", "README.md", "client.py", "model", "requirements.txt")
    ]
    needed = (made / "requirements.txt").read_text()
    assert "torch" not in needed
    assert "onnxruntime==" in needed
    assert "fastapi==" in needed
    container = (made / "Containerfile").read_text()
    assert "--no-deps" in container
    assert '"netpick", "serve", "model"' in container
    assert "setosa, versicolor" in (made / "README.md").read_text()
    client = (made / "client.py").read_text()
    assert len(client.splitlines()) <= 40
    compile(client, "client.py", "exec")


# --- what is refused -------------------------------------------------------------------------------------------------


def flip(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def extra(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"more")


def link(folder: Path) -> None:
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def device(folder: Path) -> None:
    (folder / "model.json").unlink()
    try:
        os.mknod(folder / "model.json", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may make devices")


def terabyte(name: str) -> Callable[[Path], None]:
    """Of holes, which take no room on the disk."""

    def change(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.truncate(1 << 40)

    return change


def other_graph(folder: Path) -> None:
    """Whole, with a manifest that fits, but not the graph of these answers."""
    import onnx

    from netpick.disk.strict import manifest_of

    model = onnx.load(folder / "model.onnx")
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim == 2:
            tensor.CopyFrom(onnx.numpy_helper.from_array(array * 2, tensor.name))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    names = list(json.loads((folder / "manifest.json").read_text())["members"])
    (folder / "manifest.json").write_bytes(manifest_of(1, {name: (folder / name).read_bytes() for name in names}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip("model.onnx"), "model.onnx does not have the checksum"),
        (flip("model.json"), "model.json does not have the checksum"),
        (flip("check.safetensors"), "check.safetensors does not have the checksum"),
        (flip("manifest.json"), "manifest|JSON"),
        (extra, "it holds .*weights.bin"),
        (link, "is a link|it holds"),
        (pipe("model.json"), "model.json is no regular file"),
        (device, "model.json is no regular file"),
        (pipe("check.safetensors"), "check.safetensors is no regular file"),
        (terabyte("model.onnx"), "model.onnx has 1,099,511,627,776 bytes"),
        (terabyte("manifest.json"), "manifest.json has 1,099,511,627,776 bytes"),
        (other_graph, "its stored rows give other answers than they gave in torch"),
    ],
    ids=[
        "graph",
        "record",
        "check",
        "manifest",
        "extra",
        "link",
        "pipe",
        "device",
        "other-pipe",
        "hole",
        "other-hole",
        "other-graph",
    ],
)
def test_a_changed_folder_is_refused(
    exported: Path, tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    shutil.copytree(exported, tmp_path / "copy")
    change(tmp_path / "copy" / "model")
    with pytest.raises(netpick.ModelFileError, match=words):
        netpick.load(tmp_path / "copy")


def test_a_model_file_runs_on_the_graph_that_was_made_of_it(
    run: netpick.Run, exported: Path, served_folder: Path, tmp_path: Path
) -> None:
    assert netpick.load(run.folder, engine="onnx").engine.name == "onnx"
    assert netpick.load(run.folder).engine.name == "torch"
    prices = served_folder / "prices"
    with pytest.raises(netpick.RequestError, match=r"was not exported to .*prices/onnx yet. Type: netpick export"):
        netpick.load(prices, engine="onnx")
    shutil.copytree(run.folder, tmp_path / "other")
    shutil.copy(prices / "model.netpick", tmp_path / "other" / "model.netpick")
    with pytest.raises(netpick.RequestError, match=r"was exported of another model file than .* is now"):
        netpick.load(tmp_path / "other", engine="onnx")
    with pytest.raises(netpick.RequestError, match="exported graph, but torch runs model files"):
        netpick.load(exported, engine="torch")
    with pytest.raises(netpick.RequestError, match=r"no engine 'tensorrt'. .*Known: auto, onnx, torch"):
        netpick.load(exported, engine="tensorrt")
    with pytest.raises(netpick.RequestError, match="needs the network itself, but the model is an exported graph"):
        _ = netpick.load(exported).loaded


def test_requests_that_cannot_be_met_are_refused_in_words(run: netpick.Run, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(netpick.RequestError, match=r"cannot be exported to 'onx'. Did you mean onnx\?"):
        write_export(run.folder, "onx")
    with pytest.raises(netpick.RequestError, match="is an exported model already"):
        write_export(exported)
    with pytest.raises(netpick.RequestError, match="no model file"):
        write_export(tmp_path / "nothing")
    with pytest.raises(netpick.RequestError, match=r"this model reads 'c0' .number., .* Leave --samples out"):
        write_export(run.folder, samples=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(netpick.RequestError, match="is no exported model, so it is left alone"):
        write_export(run.folder, out=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


def test_a_graph_that_disagrees_is_not_written(
    run: netpick.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a twin that is wrong, as a bug in an exporter would be."""
    from netpick.saved.engines import OnnxEngine

    right = OnnxEngine.outputs

    def wrong(self: OnnxEngine, arrays: dict[str, Array]) -> Array:
        return right(self, arrays) + np.float32(1e-3)

    monkeypatch.setattr(OnnxEngine, "outputs", wrong)
    with pytest.raises(netpick.ModelFileError, match=r"differ from torch's by 0.001 .* Nothing was written"):
        write_export(run.folder, out=tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_the_requirements_are_all_that_serving_takes(exported: Path, digits: Path, folder: Path) -> None:
    """Every package that serving an exported model imports is named there, or needed by one that is."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, requires
    from re import match

    graph = digits / "onnx"
    code = """
import json
import netpick
from netpick.serve.options import ServeOptions
from netpick.serve.run import load_models
from netpick.serve.app import make_app
from pathlib import Path
load_models([Path(name) for name in sys.argv[1:]], ServeOptions())
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    done = child(code, str(exported), str(graph), cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = {line for made in (exported, graph) for line in (made / "requirements.txt").read_text().split()}
    wanted, known = [line.partition("==")[0] for line in lines], set[str]()
    while wanted:
        name = plain(wanted.pop())
        if name not in known:
            known.add(name)
            try:
                said = [line for line in requires(name) or () if "extra ==" not in line]
            except PackageNotFoundError:  # for another version of Python
                continue
            wanted += [found[0] for line in said if (found := match(r"[\w.-]+", line))]
    homes = packages_distributions()
    imported = {plain(home) for name in json.loads(done.stdout) for home in homes.get(name, ())}
    assert imported - {"netpick", "setuptools"} <= known


def plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
