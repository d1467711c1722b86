"""What Python has: packages and versions, found without importing them (that takes seconds)."""

import importlib.metadata
import importlib.util
import pathlib
import platform
import re
import sys

from ridgeline_transformers.errors import environment_error, one_line

_REQUIRED = ("torch", "transformers", "safetensors")
_OLDEST_TRANSFORMERS = 5


def version_of(package):
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_packages():
    """An environment error that names every package that is missing or too old."""
    missing = [name for name in _REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        raise environment_error(
            f"the transformers engine needs Python packages that {sys.executable} does not have: "
            + ", ".join(missing),
            f"install them (pip install {' '.join(missing)}), or name another Python with "
            "--engine-python",
        )
    found = version_of("transformers") or ""
    major = re.match(r"\d+", found)
    if major and int(major.group()) < _OLDEST_TRANSFORMERS:
        raise environment_error(
            f"{sys.executable} has transformers {found}, the transformers engine needs "
            f"{_OLDEST_TRANSFORMERS} or newer",
            "pip install --upgrade transformers, or name another Python with --engine-python",
        )


def _cuda_version():
    """The CUDA release that torch was built for, or None: a line of torch/version.py."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (pathlib.Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return None
    found = re.search(r"^cuda[^=]*=\s*'([^']+)'", text, re.MULTILINE)
    return found.group(1) if found else None


def versions():
    """What a record says about this engine: all that could change a figure and is there."""
    found = {
        "python": platform.python_version(),
        **{name: version_of(name) for name in (*_REQUIRED, "tokenizers", "triton")},
        "cuda": _cuda_version(),
    }
    return {name: version for name, version in found.items() if version}


def require(name, why):
    """Imports a package that only some work needs; without it an environment error."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise environment_error(
            f"{why} needs the Python package {name}: {one_line(error)}",
            f"install it for {sys.executable}, or name another Python with --engine-python",
        ) from None


def import_framework():
    """Imports torch and transformers; a broken installation is an environment error."""
    try:
        import torch  # noqa: F401, PLC0415
        import transformers  # noqa: F401, PLC0415
    except (ImportError, OSError, RuntimeError) as error:
        raise environment_error(
            f"{sys.executable} cannot import torch and transformers: {one_line(error)}",
            "repair them, or name another Python with --engine-python",
        ) from None
