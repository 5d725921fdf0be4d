"""The machine line: what a figure was measured on, without the names of the machine or its folders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, str | int]:
    """Processor, cores this process may use, system and versions."""
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
    }


def machine_line() -> str:
    """:func:`machine` in one line."""
    found = machine()
    return (
        f"{found['cpu']}, {found['cores']} cores, {found['system']}, Python {found['python']},"
        f" numba {found['numba']}, numpy {found['numpy']}"
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
