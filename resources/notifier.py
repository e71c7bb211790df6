"""Who is told of a night that failed: the log, or a webhook. Telling never makes anything else fail."""

import json
import logging
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import NamedTuple, Protocol

from resources.settings import Settings

TIMEOUT_S = 10.0
TRIES = 2


class Notice(NamedTuple):
    """What is told, in one text and in its parts; nothing in it was written by a participant."""

    text: str
    job: str
    asset: str | None
    day: str | None
    cause: str
    go_on: str
    run_id: str | None


class Notifier(Protocol):
    """Tells somebody; raises nothing."""

    def notify(self, notice: Notice) -> None: ...


class LogNotifier:
    """The log of whatever process notices it."""

    def __init__(self, log: logging.Logger) -> None:
        self.log = log

    def notify(self, notice: Notice) -> None:
        self.log.error(notice.text)


class WebhookNotifier:
    """A POST of the notice as JSON. The address may hold a secret and is in no message."""

    def __init__(self, url: str, log: logging.Logger, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url
        self.log = log
        self.timeout_s = timeout_s

    def notify(self, notice: Notice) -> None:
        body = json.dumps(notice._asdict(), ensure_ascii=False).encode()
        reason = ""
        for _ in range(TRIES):
            reason = self._post(body)
            if not reason:
                return
        self.log.error(f"DFT_NOTIFY_URL did not take the notice ({reason}), which says: {notice.text}")

    def _post(self, body: bytes) -> str:
        """Why it was not taken; nothing where it was."""
        headers = {"Content-Type": "application/json"}
        try:
            # The settings let no other scheme through.
            request = urllib.request.Request(self.url, body, headers)  # noqa: S310
            with urllib.request.urlopen(request, timeout=self.timeout_s):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            return f"status {error.code}"
        except (OSError, HTTPException, ValueError) as error:  # their texts may repeat the address
            reason = getattr(error, "reason", error)
            return type(reason if isinstance(reason, Exception) else error).__name__


def notifier(settings: Settings, log: logging.Logger) -> Notifier:
    """The one that the settings ask for."""
    if settings.notify_url is None:
        return LogNotifier(log)
    return WebhookNotifier(settings.notify_url.get_secret_value(), log)
