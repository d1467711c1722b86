"""One native engine process that answers many requests: what the command line does, without starting
a process for each."""

import json
import os
import subprocess

from support.program import BIN


class EngineError(Exception):
    """The engine's error reply: `class`, `message`, `remedy`."""


class Engine:
    def __init__(self):
        ours, theirs = os.pipe(), os.pipe()
        command = f"exec '{BIN}/ridgeline-engine-native' 3<&{ours[0]} 4>&{theirs[1]}"
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.requests = os.fdopen(ours[1], "w")
        self.replies = os.fdopen(theirs[0])
        self.count = 0
        self.loaded = None
        self.request("hello", protocol=1)

    def request(self, message, **fields):
        """Sends a message and waits for its reply; an error reply is an EngineError."""
        self.count += 1
        self.requests.write(json.dumps({"message": message, "id": self.count, **fields}) + "\n")
        self.requests.flush()
        while True:
            line = self.replies.readline()
            if not line:
                raise EngineError(f"the engine died during {message}: {self.process.wait()}")
            reply = json.loads(line)
            if reply.get("reply") == "error":
                raise EngineError(reply["message"])
            if "reply" in reply and reply.get("id") == self.count:
                return reply

    def load(self, model, **fields):
        """Loads a model unless exactly this was loaded last."""
        fields = {"model": str(model), "dtype": "float32", "device": "cpu", **fields}
        optimize = fields.pop("optimize", {})
        fields["optimizations"] = [{"id": key, "value": value} for key, value in optimize.items()]
        return self.request("load", **fields)

    def tensors(self, message, inputs, folder, optimize=None, **fields):
        """forward or generate: tensors in, tensors out, through files in `folder`."""
        from safetensors.torch import load_file, save_file  # takes seconds: not for who only times

        source, target = folder / "in.safetensors", folder / "out.safetensors"
        target.unlink(missing_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, source)
        optimizations = [{"id": key, "value": value} for key, value in (optimize or {}).items()]
        self.request(message, inputs=str(source), outputs=str(target),
                     optimizations=optimizations, **fields)
        return load_file(target)

    def close(self):
        self.requests.close()
        self.process.wait(timeout=30)
