"""What a model reference means: a folder, the hub's cache, or a config that came along."""

import dataclasses
import json
import os
import pathlib
import re

from ridgeline_transformers.errors import bad_input, one_line

_LARGEST_CONFIG = 64 << 20
_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_REVISION = re.compile(r"[^\s/][^\s]{0,254}")


@dataclasses.dataclass
class ModelReference:
    """Where a model comes from. `folder` is "" for a config alone."""

    reference: str
    folder: str
    revision: str
    config: dict  # config.json, whole


def read_json(path):
    """The object in a JSON file, with one clear line when there is none."""
    try:
        if os.path.getsize(path) > _LARGEST_CONFIG:
            raise bad_input(f"{path} is larger than {_LARGEST_CONFIG} bytes")
        content = json.loads(pathlib.Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise bad_input(f"{path}: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise bad_input(f"{path}: not an object")
    return content


def _is_path(text):
    return text.startswith(("/", "./", "../", "~")) or text in (".", "..") or text.endswith("/")


def _of_folder(reference, folder, revision=""):
    if not os.path.isdir(folder):
        raise bad_input(f"no such folder: {folder}")
    path = os.path.join(folder, "config.json")
    if not os.path.isfile(path):
        raise bad_input(
            f"{folder}: no config.json there", "give the folder of a Hugging Face model"
        )
    return ModelReference(reference, folder, revision, read_json(path))


def _of_cache(reference):
    name, _, revision = reference.partition("@")
    revision = revision or "main"
    if not _HUB_ID.fullmatch(name) or not _REVISION.fullmatch(revision) or ".." in reference:
        raise bad_input(f"'{reference[:200]}' is not a folder, a hub id or a model with its config")
    import huggingface_hub  # noqa: PLC0415

    try:
        folder = huggingface_hub.snapshot_download(name, revision=revision, local_files_only=True)
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError):
        raise bad_input(
            f"model {name}: revision {revision} is not in the hub cache "
            f"(looked in {huggingface_hub.constants.HF_HUB_CACHE})",
            f"get it with `hf download {name}`",
        ) from None
    return _of_folder(reference, folder, pathlib.Path(folder).name)


def resolve(reference, config):
    """`config` is that of a preset, or None; a folder of the same name comes before it."""
    if not reference or len(reference) > 4096 or "\0" in reference:
        raise bad_input("the model reference is not a possible name")
    if _is_path(reference):
        return _of_folder(reference, os.path.expanduser(reference))
    if os.path.isfile(os.path.join(reference, "config.json")):
        return _of_folder(reference, reference)
    if config is not None:
        return ModelReference(reference, "", "", config)
    return _of_cache(reference)
