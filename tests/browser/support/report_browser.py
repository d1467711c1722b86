"""A headless Chromium, driven over its debugging pipe: no driver program and no package is needed.

`Browser` starts it, `Tab` opens pages as a reader's screen would show them, keeps everything that
went wrong (console, exceptions, blocked or attempted requests) and types, points and taps.
"""

import base64
import itertools
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37,
        "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def find_chromium():
    """The program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process for all tests; `tab()` gives a fresh page without storage of the others."""

    def __init__(self, program, timeout=60):
        self.timeout = timeout
        self._profile = tempfile.mkdtemp(prefix="ridgeline-browser-")
        request_read, self._requests = os.pipe()
        self._replies, reply_write = os.pipe()
        # It reads descriptor 3 and writes descriptor 4; a shell puts the pipes there.
        flags = [
            "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
            "--disable-component-update", "--hide-scrollbars", f"--user-data-dir={self._profile}",
        ]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        script = f'exec "$@" 3<&{request_read} 4>&{reply_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", program, *flags, "about:blank"],
            pass_fds=(request_read, reply_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(request_read)
        os.close(reply_write)
        self._ids = itertools.count(1)
        self._rest = b""
        self.events = []

    def call(self, method, params=None, session=None, timeout=None):
        """Sends a command and returns its result; events that arrive meanwhile are kept."""
        message = {"id": next(self._ids), "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._requests, data):]
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            reply = self._next(end, method)
            if reply.get("id") == message["id"]:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]
            self.events.append(reply)

    def _next(self, end, what):
        while b"\0" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._replies], [], [], left)[0]:
                raise TimeoutError(f"no answer of the browser to {what}")
            data = os.read(self._replies, 1 << 20)
            if not data:
                raise RuntimeError(f"the browser ended, code {self._process.wait()}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def tab(self):
        return Tab(self)

    def close(self):
        try:
            self.call("Browser.close", timeout=10)
            self._process.wait(10)
        except (RuntimeError, TimeoutError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
        os.close(self._requests)
        os.close(self._replies)
        shutil.rmtree(self._profile, ignore_errors=True)


class Tab:
    """A page in a context of its own."""

    def __init__(self, browser):
        self.browser = browser
        self._context = browser.call("Target.createBrowserContext")["browserContextId"]
        self._open_target()

    def _open_target(self):
        target = {"url": "about:blank", "browserContextId": self._context}
        self._target = self.browser.call("Target.createTarget", target)["targetId"]
        attach = {"targetId": self._target, "flatten": True}
        self._session = self.browser.call("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, params=None, timeout=None):
        return self.browser.call(method, params, self._session, timeout)

    def close(self):
        self.browser.call("Target.disposeBrowserContext", {"browserContextId": self._context})

    def open(self, path, width=1280, height=900, theme="light", touch=False, ready=30):
        """Opens a file; returns the milliseconds from the start of the navigation until the page
        stood (`ready`), and until its charts could be drawn."""
        self.browser.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", size)
        self.call("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        self.emulate(theme)
        self.call("Page.navigate", {"url": pathlib.Path(path).resolve().as_uri()})
        self.wait("document.documentElement.dataset.ready !== undefined", ready)
        # A page whose data are damaged has no charts to wait for.
        self.wait("document.documentElement.dataset.charts !== undefined || !Ridgeline.cases",
                  ready)
        times = self.eval("({ ...document.documentElement.dataset })")
        return int(times["ready"]), int(times.get("charts", 0))

    def emulate(self, theme, media=""):
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", {"features": features, "media": media})

    def eval(self, expression):
        """The value of a JavaScript expression (promises are awaited)."""
        found = self.call("Runtime.evaluate", {
            "expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"].get("exception", {}).get("description")
                                 or found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def wait(self, condition, seconds=10):
        """Until a condition of the page holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.eval(f"document.documentElement !== null && Boolean({condition})"):
                    return
            except RuntimeError:
                pass  # a page that is just being left answers nothing
            time.sleep(0.03)
        raise AssertionError(f"never became true: {condition}\n{self.problems()}")

    def problems(self):
        """Everything that the console, the page or its policy complained about, and requests."""
        self.eval("1")  # what was on its way arrives before the answer
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self._session:
                continue
            method, params = event["method"], event["params"]
            if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(f"console: {[one.get('value') for one in params['args']]}")
            elif method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(f"exception: {details.get('exception', {}).get('description')}")
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"log: {params['entry']['text']}")
            elif method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if not url.startswith(("file:", "data:", "blob:")):
                    found.append(f"request: {url}")
            elif method == "Page.javascriptDialogOpening":
                found.append(f"dialog: {params['message']}")
        return found

    def press(self, key, **modifiers):
        """One key, as the keyboard would send it; shift=True, control=True."""
        flags = 8 * bool(modifiers.get("shift")) + 2 * bool(modifiers.get("control"))
        event = {"key": key, "code": "Space" if key == " " else key, "modifiers": flags,
                 "windowsVirtualKeyCode": KEYS[key]}
        if key in ("Enter", " "):
            event["text"] = "\r" if key == "Enter" else " "
        self.call("Input.dispatchKeyEvent", {**event, "type": "keyDown"})
        self.call("Input.dispatchKeyEvent", {**event, "type": "keyUp"})

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def centre(self, selector):
        """Scrolls an element into view and returns where its middle is."""
        return self.eval(f"""(() => {{
          const node = document.querySelector({json.dumps(selector)});
          node.scrollIntoView({{ block: "center" }});
          const at = node.getBoundingClientRect();
          return [at.left + at.width / 2, at.top + at.height / 2];
        }})()""")

    def point(self, selector):
        x, y = self.centre(selector)
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def click(self, selector):
        x, y = self.centre(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent",
                      {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})

    def tap(self, selector):
        x, y = self.centre(selector)
        start = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
        self.call("Input.dispatchTouchEvent", start)
        self.call("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def draw_all(self):
        """Draws the charts that were not scrolled to yet."""
        self.eval("Ridgeline.drawAll()")

    def screenshot(self, path, whole=True):
        """A PNG; `whole`: of the page's full height."""
        options = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                               "scale": 1}
            options["captureBeyondViewport"] = True
        pathlib.Path(path).write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", options)["data"]))

    def pdf(self, path):
        """Prints the page on A4."""
        options = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
        pathlib.Path(path).write_bytes(
            base64.b64decode(self.call("Page.printToPDF", options)["data"]))
