"""A real HTTP server that speaks the OpenAI protocol, answers by a function and plays faults from a script.

with ModelServer(judge=lambda system, data: {"motivation": "…", "verdict": "same"}) as server:
    server.plays(fails(429, {"Retry-After": "0"}), cut())  # for the next requests, one each
    … OPENAI_BASE_URL = server.url …
    server.requests[0].data  # the JSON document that the model was asked about
"""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Judge = Callable[[str, Any], Any]
DIMENSION = 8
# What a model says of a chat that shows no value.
NO_CARD = {"card": None, "refusal": {"kind": "ideological_commitment", "reason": "It is a slogan."}}


@dataclass(frozen=True)
class Scene:
    """What happens to one request: a delay, then a reply, or the judge's answer changed, or a cut."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: what the judge answers
    delay_s: float = 0
    is_cut: bool = False
    content: str | None = None  # instead of the judge's answer
    finish_reason: str = "stop"
    refusal: str | None = None


def fails(status: int, headers: Mapping[str, str] | None = None, **error: str) -> Scene:
    """A status with an error as the protocol has it; `code` and `param` among its words."""
    said = {"message": "something went wrong", "type": "error", "param": None, "code": None, **error}
    return Scene(status, headers or {}, json.dumps({"error": said}).encode())


def page(status: int = 200) -> Scene:
    return Scene(status, {"Content-Type": "text/html"}, b"<html><body>Please sign in</body></html>")


def cut() -> Scene:
    return Scene(is_cut=True)


@dataclass(frozen=True)
class Request:
    """What arrived."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])

    @cached_property
    def data(self) -> Any:
        """The JSON document in the user's message, which holds nothing else."""
        return json.loads(self.user.removeprefix("<data>\n").removesuffix("\n</data>"))


class ModelServer(ThreadingHTTPServer):
    """Chat completions and embeddings on a free port of 127.0.0.1, until the block ends."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, judge: Judge = lambda system, data: {}, delay_s: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.judge = judge
        self.delay_s = delay_s
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.always: Scene | None = None  # a fault for every request that the script has none for
        self._script: deque[Scene] = deque()
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def plays(self, *scenes: Scene) -> None:
        """The next requests meet these, one each, in order of their arrival."""
        self._script.extend(scenes)

    def arrived(self, request: Request) -> Scene:
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self._script.popleft() if self._script else self.always or Scene(delay_s=self.delay_s)

    def left(self) -> None:
        with self._lock:
            self._at_once -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or has waited long enough is gone; nobody needs to read of it."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, content)
        scene = self.server.arrived(request)
        try:
            time.sleep(scene.delay_s)
            self._reply(scene, self._body(request, scene) if scene.body is None else scene.body)
        finally:
            self.server.left()

    def _body(self, request: Request, scene: Scene) -> bytes:
        made = _vectors(request) if request.path.endswith("/embeddings") else self._completion(request, scene)
        return json.dumps(made).encode()

    def _completion(self, request: Request, scene: Scene) -> dict[str, Any]:
        answer = self.server.judge(request.system, request.data) if scene.content is None else None
        if isinstance(answer, Scene):  # a judge may refuse a single question, for example
            return self._completion(request, answer)
        content = json.dumps(answer) if scene.content is None else scene.content
        message = {"role": "assistant", "content": content, "refusal": scene.refusal}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": request.body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": scene.finish_reason}],
            "usage": _usage(request.system + request.user, content),
        }

    def _reply(self, scene: Scene, body: bytes) -> None:
        self.send_response(scene.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **scene.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if scene.is_cut else body)
        self.close_connection = scene.is_cut

    def log_message(self, *_: object) -> None:
        pass


def _usage(said: str, answered: str = "") -> dict[str, int]:
    """A token a word."""
    prompt, completion = len(said.split()), len(answered.split())
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _vectors(request: Request) -> dict[str, Any]:
    """Vectors of a text's hash: equal texts have equal ones. In reverse order, which the protocol allows."""
    rows = [
        {"object": "embedding", "index": index, "embedding": vector_of(text)}
        for index, text in enumerate(request.body["input"])
    ]
    usage = _usage(" ".join(request.body["input"]))
    return {"object": "list", "model": request.body["model"], "data": rows[::-1], "usage": usage}


def vector_of(text: str) -> list[float]:
    return [byte / 64 - 2 for byte in hashlib.sha256(text.encode()).digest()[:DIMENSION]]
