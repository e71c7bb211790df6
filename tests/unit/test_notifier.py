"""Notices through a real local web server: what arrives, and that a deaf one harms nothing."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from resources.notifier import LogNotifier, Notice, WebhookNotifier, notifier
from resources.settings import settings

LOG = logging.getLogger("test")
NOTICE = Notice("It failed.", "nightly", "raw_tables", "2024-01-14", "why", "dft build", "run")


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with the statuses given, the last one from then on."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.bodies: list[dict[str, object]] = []
        self.silent = threading.Event()  # until it is set, nobody is answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/s3cret"

    def said(self) -> str:
        return json.dumps(self.bodies)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.silent.wait()
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    server = Receiver(*getattr(request, "param", [200]))
    server.silent.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_notice_arrives_with_all_its_parts(receiver: Receiver) -> None:
    WebhookNotifier(receiver.url, LOG).notify(NOTICE)
    assert receiver.bodies == [NOTICE._asdict()]
    assert set(receiver.bodies[0]) == {"text", "job", "asset", "day", "cause", "go_on", "run_id"}


@pytest.mark.parametrize("receiver", [[503, 200]], indirect=True)
def test_a_notice_is_sent_once_more(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    WebhookNotifier(receiver.url, LOG).notify(NOTICE)
    assert len(receiver.bodies) == 2
    assert caplog.text == ""


@pytest.mark.parametrize("receiver", [[500]], indirect=True)
def test_a_refused_notice_is_in_the_log_without_the_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    WebhookNotifier(receiver.url, LOG).notify(NOTICE)
    assert len(receiver.bodies) == 2
    assert "did not take the notice (status 500), which says: It failed." in caplog.text
    assert "s3cret" not in caplog.text


def test_one_that_is_silent_is_not_waited_for(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.silent.clear()
    WebhookNotifier(receiver.url, LOG, timeout_s=0.1).notify(NOTICE)
    assert "(TimeoutError)" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/s3cret", "http://[s3cret", "http://127.0.0.1:s3cret/", "http:// s3cret/"]
)
def test_nothing_fails_where_nobody_listens(url: str, caplog: pytest.LogCaptureFixture) -> None:
    WebhookNotifier(url, LOG).notify(NOTICE)
    assert "which says: It failed." in caplog.text
    assert "s3cret" not in caplog.text


def test_the_log_is_told_where_no_webhook_is_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DFT_NOTIFY_URL", raising=False)
    told = notifier(settings(), LOG)
    told.notify(NOTICE)
    assert isinstance(told, LogNotifier)
    assert caplog.messages == ["It failed."]
    monkeypatch.setenv("DFT_NOTIFY_URL", "https://example.org/s3cret")
    assert isinstance(notifier(settings(), LOG), WebhookNotifier)
    assert "s3cret" not in repr(settings())
