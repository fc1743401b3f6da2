"""ONNX Runtime, imported in this one place and kept from reporting to its maker."""

from __future__ import annotations

import os
from typing import Any


def onnx_runtime() -> Any:
    """Return the module onnxruntime with its telemetry off.

    Since 1.31, ONNX Runtime writes a device id and a queue of events (``deviceid`` and
    ``onnxruntime.db`` under ``~/.cache/Microsoft``) and sends them to
    events.data.microsoft.com. It reads ORT_DISABLE_TELEMETRY when it is imported, and with it
    does neither. It is imported here, not at the top of a module, because it takes 0.2 s.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # inherited by worker processes
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where the caller had imported it before
    return onnxruntime
