"""An engine worker that says what a test tells it to: for what coordinators do with answers. And
where the real one for transformers is."""

import importlib.util
import json
import os
import pathlib
import shutil
import sys

from support.folder import ids, safetensors
from support.program import BIN, ROOT

REPLIES = {"hello": "hello", "load": "loaded", "forward": "forwarded", "generate": "generated",
           "verify": "verified", "cost": "cost", "quit": "bye"}
TESTS = pathlib.Path(__file__).resolve().parents[1]


def fake_engine(folder, name="peer", modes=None, **answers):
    """Writes the program; gives its path. `answers`: message → the fields of its reply, or a list
    of them for one time each (the last one goes on); {"error": class, "message": …} is an error.
    Of `generate`, {"copy": name} copies that file beside the outputs, {"tokens": rows} writes them.
    """
    program = pathlib.Path(folder) / f"ridgeline-engine-{name}"
    config = program.with_suffix(".json")
    config.write_text(json.dumps({"name": name, "modes": modes, "answers": answers}))
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(TESTS)!r})\n"
        f"from support.fake_engine import main\nmain({str(config)!r})\n"
    )
    program.chmod(0o755)
    return program


def requests_to(program):
    """What the engine was asked, in order, and which of the files it was given were there."""
    log = pathlib.Path(program).with_suffix(".log")
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def transformers_engine():
    """The installed one, or that of the source tree; None without it or its packages."""
    if importlib.util.find_spec("transformers") is None:
        return None
    for path in (BIN / "ridgeline-engine-transformers",
                 ROOT / "engines/transformers/ridgeline-engine-transformers"):
        if os.access(path, os.X_OK):
            return path
    return None  # the caller skips


def answer_of(config, request, count):
    answers = config["answers"].get(request["message"], {})
    if isinstance(answers, list):
        return answers[min(count, len(answers) - 1)]
    return answers


def write_tokens(answer, outputs):
    if "copy" in answer:
        shutil.copy(pathlib.Path(outputs).with_name(answer["copy"]), outputs)
    if "tokens" in answer:
        pathlib.Path(outputs).write_bytes(safetensors({"sequences": ids(answer["tokens"])}))


def main(config_path):
    config = json.loads(pathlib.Path(config_path).read_text())
    log = pathlib.Path(config_path).with_suffix(".log")
    counts = {}
    with os.fdopen(3) as requests, os.fdopen(4, "w") as replies:
        for line in requests:
            request = json.loads(line)
            message = request["message"]
            files = [key for key in ("inputs", "expected") if key in request]
            found = [key for key in files if pathlib.Path(request[key]).is_file()]
            with log.open("a") as out:
                out.write(json.dumps({**request, "found": found}) + "\n")
            answer = answer_of(config, request, counts.get(message, 0))
            counts[message] = counts.get(message, 0) + 1
            reply = {"reply": REPLIES.get(message, "error"), "id": request["id"], **answer}
            if "error" in answer:
                reply = {"reply": "error", "id": request["id"], "class": answer["error"],
                         "message": answer.get("message", "told to fail")}
            elif message == "hello":
                reply = {"protocol": 1, "name": config["name"], "version": "1", "versions": {},
                         "devices": [], "abilities": {"modes": config["modes"]}, **reply}
            elif message == "generate":
                write_tokens(answer, request["outputs"])
            elif message not in REPLIES:
                reply |= {"class": "unsupported", "message": f"no message {message}"}
            replies.write(json.dumps(reply) + "\n")
            replies.flush()
            if message == "quit":
                return
