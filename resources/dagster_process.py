"""Dagster's web UI and daemon as a child process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

CHECKOUT = Path(__file__).parent.parent
PATIENCE_S = 30  # how long Dagster may take to stop its processes


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of 127.0.0.1."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def serve(port: int) -> int:
    """Runs `dagster dev` on 127.0.0.1 until it ends or this process is told to; its exit code."""
    asked = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    # Before the child starts: a shell's background job inherits an ignored interrupt, and so would the child.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    # A session of its own: Ctrl-C would else reach all of its processes at once and leave some behind.
    command += ["--workspace", str(CHECKOUT / "workspace.yaml")]
    # Dagster recommends another command of its own at every start.
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}  # noqa: TID251
    child = subprocess.Popen(command, cwd=CHECKOUT, env=quiet, start_new_session=True)
    while not asked:
        try:
            return child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
    return _stopped(child)


def _stopped(child: "subprocess.Popen[bytes]") -> int:
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return 0
