"""The program of the transformers engine; written so that an old Python can still refuse."""

import json
import os
import sys

OLDEST = (3, 10)


def refuse(message):
    """Answers the first request with an error of the environment."""
    request = json.loads(os.fdopen(3).readline() or "{}")
    error = {
        "reply": "error",
        "id": request.get("id", -1),
        "class": "environment",
        "message": message,
        "remedy": "name a newer Python with --engine-python",
    }
    with os.fdopen(4, "w") as replies:
        replies.write(json.dumps(error) + "\n")
    sys.exit(3)


def main():
    """Serves requests until quit."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        words = (sys.executable, found) + OLDEST
        refuse("%s is Python %s, the transformers engine needs %d.%d" % words)
    # Of this program's folder only its parent is wanted: its files are modules of a package.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from ridgeline_transformers.engine import TransformersEngine
    from ridgeline_transformers.server import serve

    sys.exit(serve(TransformersEngine()))


if __name__ == "__main__":
    main()
