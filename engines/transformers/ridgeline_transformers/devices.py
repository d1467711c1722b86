"""Devices as the native engine lists them, by the CUDA driver's own library; and opening one."""

import ctypes
import os
import re

from ridgeline_transformers.errors import bad_input, environment_error

_TEXT = 256


def _driver():
    """libcuda, initialised, or None. Without a device node it would only load modules."""
    if not os.path.exists("/dev/nvidiactl"):
        return None
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        return driver if driver.cuInit(0) == 0 else None
    except (OSError, AttributeError):
        return None


def _uuid_text(raw):
    text = bytes(raw).hex()
    return "GPU-" + "-".join(text[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def _describe(driver, ordinal):
    entry = {"kind": "cuda", "ordinal": ordinal}
    device = ctypes.c_int()
    if driver.cuDeviceGet(ctypes.byref(device), ordinal) != 0:
        return entry
    text = ctypes.create_string_buffer(_TEXT)
    if driver.cuDeviceGetName(text, _TEXT - 1, device) == 0:
        entry["name"] = text.value.decode("utf-8", "replace")
    raw = (ctypes.c_ubyte * 16)()
    get_uuid = getattr(driver, "cuDeviceGetUuid_v2", None) or driver.cuDeviceGetUuid
    if get_uuid(raw, device) == 0:
        entry["uuid"] = _uuid_text(raw)
    text = ctypes.create_string_buffer(_TEXT)
    if driver.cuDeviceGetPCIBusId(text, _TEXT - 1, device) == 0:
        entry["pci_address"] = text.value.decode("ascii", "replace")
    size = ctypes.c_size_t()
    if driver.cuDeviceTotalMem_v2(ctypes.byref(size), device) == 0:
        entry["memory"] = size.value
    return entry


def list_devices():
    """The host, then every CUDA device in CUDA's own order."""
    devices = [{"kind": "cpu", "ordinal": 0, "name": "cpu"}]
    driver = _driver()
    count = ctypes.c_int()
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return devices
    return devices + [_describe(driver, ordinal) for ordinal in range(count.value)]


def open_device(text):
    """The torch.device of "cpu", "cuda" or "cuda:N"; made the current one."""
    import torch  # noqa: PLC0415

    if text == "cpu":
        return torch.device("cpu")
    found = re.fullmatch(r"cuda(?::(\d{1,3}))?", text)
    if found is None:
        raise bad_input(f"unknown device '{text[:80]}'", "use cpu or cuda:N")
    if torch.version.cuda is None:
        raise environment_error(
            "no CUDA support in this torch build",
            "install a CUDA build of torch, or name another Python with --engine-python",
        )
    if not torch.cuda.is_available():
        raise environment_error("no CUDA device or driver found", "check `nvidia-smi`")
    index = int(found.group(1) or 0)
    count = torch.cuda.device_count()
    if index >= count:
        raise environment_error(f"no device cuda:{index}: {count} found")
    device = torch.device("cuda", index)
    torch.cuda.set_device(device)
    return device


def synchronize(device):
    """Returns when all work handed to the device is done."""
    if device.type == "cuda":
        import torch  # noqa: PLC0415

        torch.cuda.synchronize(device)


class DeviceTimer:
    """Times calls by the device's own events; waiting for the last event waits for the work.

    start() stands before the clock of the call starts, so the events cost one record in the span.
    The device's time runs from there to the end of its work: the wait for the first launch is in.
    """

    def __init__(self, device):
        import torch  # noqa: PLC0415

        self._cuda = torch.cuda
        self._device = device
        self._begin = torch.cuda.Event(enable_timing=True)
        self._end = torch.cuda.Event(enable_timing=True)
        self.start, self.stop = self._begin.record, self._end.record
        self.wait = self._end.synchronize

    def settle(self):
        """Waits for whatever was queued before."""
        self._cuda.synchronize(self._device)

    def ns(self):
        """Device time between start() and stop(), after wait()."""
        return round(1e6 * self._begin.elapsed_time(self._end))


def timer_of(device):
    """A DeviceTimer, or None where calls are done when they return."""
    return DeviceTimer(device) if device.type == "cuda" else None
