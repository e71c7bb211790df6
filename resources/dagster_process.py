"""Dagster's web UI and daemon as a child process."""

import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

CHECKOUT = Path(__file__).parent.parent


def serve(port: int) -> int:
    """Runs `dagster dev` on 127.0.0.1 until it ends or this process is told to; its exit code."""
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    # A session of its own: Ctrl-C would else reach all of its processes at once and leave some behind.
    child = subprocess.Popen(
        [*command, "--workspace", str(CHECKOUT / "workspace.yaml")], cwd=CHECKOUT, start_new_session=True
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        child.send_signal(signal.SIGINT)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    return 0 if child.wait() in {0, -signal.SIGINT} else 1
