"""Answers from an endpoint that speaks the chat completions protocol (vLLM, llama.cpp, hosted); standard library only.

Requests have a time in which they must be through, and are made again where an error may pass: 408, 429 and 5xx,
connections that break, answers that are no JSON. No redirect is followed, so that a key goes to no other host.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import cached_property
from threading import Event
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from prepdata.errors import UsageError
from prepdata.jsontext import json_text
from trainers.generate import Finish, Interrupted, Options, Output, Prompt, Unavailable, decoding_of
from trainers.in_flight import each
from trainers.record import Decoding, Environment, Loss, ModelInfo, Rendering

MOST_BYTES = 1 << 26
"""Size of an answer beyond which it is not read (bytes)."""
LONGEST_WAIT = 60.0
"""Seconds that are waited at most before a request is made again, whatever the endpoint asks for."""
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_USELESS = frozenset({401, 403, 404, 405})
_NEWER = "max_completion_tokens"
"""Some models of OpenAI take the most tokens under this name only, and say so when they refuse the usual one."""
_SENT = ("role", "content", "name", "tool_calls", "tool_call_id")
"""Keys of a message that the protocol knows; `weight` and the like are left out."""


class _Function(msgspec.Struct):
    name: str = ""
    arguments: Any = ""


class _Call(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None
    prompt_tokens: int | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class _Passing(Exception):
    """An error after which the same request may go well; `wait` is what the endpoint asks for, in seconds."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class _Refused(Exception):
    """The endpoint does not take this request."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Endpoint:
    """A model behind a URL.

    Args:
        url: of the API ("http://127.0.0.1:8000/v1"), or of its chat completions.
        options: how to ask; `batch_size` is the number of requests in flight.

    Raises:
        UsageError: the URL cannot be used, or it serves several models and none is named.
        Unavailable: nobody answers there.
    """

    def __init__(self, url: str, options: Options) -> None:
        self.options = options
        self.base = _base(url)
        if options.adapter or options.chat_template:
            raise UsageError("an adapter or chat template cannot be given to an endpoint: serve the model with it")
        self._key = os.environ.get(options.key_variable, "").strip()
        self._most = "max_tokens"
        self._ended = Event()
        self._open = urllib.request.build_opener(_NoRedirect).open
        self.name: str = options.model_name or self._only_model()

    def _only_model(self) -> str:
        """Return the name of the one model that is served."""
        try:
            names: list[str] = [model.id for model in self._tried("/models", None, _Models)[0].data]
        except _Refused as error:
            raise UsageError(f"{self.base}: it does not list its models ({error}); name one by --model-name") from None
        except _Passing as error:
            raise Unavailable(f"{self.base}: {error}") from None
        if len(names) != 1:
            raise UsageError(
                f"{self.base} serves {len(names)} models ({', '.join(names[:8])}); name one by --model-name"
            )
        return names[0]

    def generate(self, prompts: Sequence[Prompt]) -> list[Output]:
        """Return the answer to each prompt, in order. Where the endpoint turns away only some of them, the others are
        answered all the same.

        Raises:
            Unavailable: it turns all of them away.
            Interrupted: a signal came; requests in flight are left alone.
        """
        turned_away: list[Unavailable] = []

        def answer(prompt: Prompt) -> Output:
            try:
                return self._answer(prompt)
            except Unavailable as error:
                turned_away.append(error)
                return Output("", None, "error", 0.0, error=str(error), again=True)

        found: list[Output | None] = [None] * len(prompts)
        try:
            each(answer, prompts, max(1, self.options.batch_size), found)
        except KeyboardInterrupt as error:
            self._ended.set()  # what waits to be tried again is let go
            raise Interrupted(error, found) from error
        if prompts and len(turned_away) == len(prompts):
            raise turned_away[0]
        return [output for output in found if output is not None]

    def _answer(self, prompt: Prompt) -> Output:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [_sent(message) for message in prompt.messages],
            self._most: self.options.max_new_tokens,
            "temperature": self.options.temperature,
            "stream": False,
        }
        if self.options.temperature > 0:
            body |= {"top_p": self.options.top_p, "seed": self.options.seed}
        if prompt.tools:
            body["tools"] = list(prompt.tools)
        started = time.perf_counter()
        try:
            found, seconds = self._tried("/chat/completions", body, _Completion)
            if not found.choices:
                raise _Passing("the answer has no choices")
        except _Refused as error:
            if _NEWER in str(error) and _NEWER not in body:
                self._most = _NEWER
                return self._answer(prompt)
            return Output("", None, "error", time.perf_counter() - started, error=str(error))
        except _Passing as error:
            return Output("", None, "error", time.perf_counter() - started, error=str(error), again=True)
        return _output(found, seconds)

    def _tried(self, path: str, body: Any, kind: type[Any]) -> tuple[Any, float]:
        """Return what the endpoint answers, and the seconds of the try that it answered; errors that may pass are
        waited for.

        Raises:
            _Passing: it still failed at the last try.
            _Refused: it does not take the request.
            Unavailable: it takes none from us.
        """
        for attempt in range(self.options.retries + 1):
            started = time.perf_counter()
            try:
                answer = self._asked(path, body)
                seconds = time.perf_counter() - started
                return msgspec.convert(answer, kind), seconds
            except msgspec.ValidationError as error:
                failed = _Passing(f"the answer is not what the protocol says: {error}")
            except _Passing as error:
                failed = error
            if attempt < self.options.retries:
                wait = failed.wait if failed.wait is not None else 0.5 * 2**attempt
                if self._ended.wait(min(LONGEST_WAIT, wait)):
                    break
        tries = self.options.retries + 1
        raise _Passing(f"{failed} (tried {'once' if tries == 1 else f'{tries} times'})")

    def _asked(self, path: str, body: Any) -> Any:
        """Return the JSON value of one request."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "prepdata"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        data = json_text(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers)
        until = time.monotonic() + self.options.timeout
        try:
            with self._open(request, timeout=self.options.timeout) as response:
                return _json(_within(response, until, self.options.timeout))
        except urllib.error.HTTPError as error:
            raise self._failed(error, until) from None
        except (TimeoutError, urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise _Passing(_no_answer(error, self.options.timeout)) from None

    def _failed(self, error: urllib.error.HTTPError, until: float) -> Exception:
        """Return what an HTTP error means."""
        try:
            told = _within(error, until, self.options.timeout, most=4000).decode("utf-8", "replace")
        except (_Passing, OSError, http.client.HTTPException):
            told = ""
        if self._key:
            told = told.replace(self._key, "[key]")
        said = f"HTTP {error.code} {error.reason}" + (f": {' '.join(told.split())[:300]}" if told.strip() else "")
        if error.code in _PASSING or error.code >= 500:
            return _Passing(said, _seconds(error.headers.get("Retry-After")))
        if error.code in _USELESS:
            key = "" if self._key else f" No key was sent, since {self.options.key_variable} is not set."
            return Unavailable(f"{error.url}: {said}.{key}")
        if 300 <= error.code < 400:
            place = _shown_place(error.url, error.headers.get("Location"))
            where = f"to {place}" if place else "elsewhere"
            return Unavailable(
                f"{error.url}: it points {where} ({said}); redirects are not followed: give the URL of the API there"
            )
        return _Refused(said)

    def rendering(self, prompts: Sequence[Prompt]) -> Rendering:
        """Return that the endpoint renders: nobody else knows how."""
        return Rendering(renderer="endpoint")

    def loss(self, prompts: Sequence[Prompt], references: Sequence[str]) -> Loss | None:
        """Return None: the protocol tells no loss."""
        return None

    def text_loss(self, texts: Sequence[str]) -> Loss | None:
        """Return None: the protocol tells no loss."""
        return None

    @cached_property
    def model(self) -> ModelInfo:
        """What is asked."""
        return ModelInfo(name=self.name, backend="openai", endpoint=self.base)

    @property
    def decoding(self) -> Decoding:
        """How answers are written."""
        return decoding_of(self.options, "openai")

    @property
    def environment(self) -> Environment:
        """Where the questions came from; nothing is known of the machine that answers."""
        return Environment(python=platform.python_version(), system=f"{platform.system()} {platform.machine()}")


def _base(url: str) -> str:
    """Return the URL of the API."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"the URL of the endpoint cannot be read: {error}") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(
            "the URL of the endpoint holds a user, password or query, which would stand in the record. Give it "
            "without, and the key in the environment variable PREPDATA_API_KEY (or the one that --api-key-env names)."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url}: no URL of an endpoint, such as http://127.0.0.1:8000/v1")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _sent(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the keys that the protocol knows, arguments of calls as JSON text."""
    found = {key: message[key] for key in _SENT if message.get(key) is not None}
    calls = []
    for call in found.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and not isinstance(function.get("arguments"), str):
            call = {**call, "function": {**function, "arguments": json_text(function.get("arguments") or {})}}
        calls.append(call)
    return {**found, "tool_calls": calls} if calls else found


def _output(found: _Completion, seconds: float) -> Output:
    choice = found.choices[0]
    text, reason = choice.message.content or "", choice.finish_reason
    calls = tuple({"name": c.function.name, "arguments": c.function.arguments} for c in choice.message.tool_calls or ())
    finish: Finish = "cut" if reason == "length" else "error" if reason == "content_filter" else "stopped"
    error = "the endpoint held the answer back (content_filter)" if finish == "error" else ""
    used = found.usage or _Usage()
    return Output(
        text, used.completion_tokens, finish, seconds, error=error, calls=calls or None,
        prompt_tokens=used.prompt_tokens,
    )  # fmt: skip


def _within(response: Any, until: float, timeout: float, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of an answer, unless it takes too long or never ends."""
    pieces, size = [], 0
    while piece := response.read1(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            if most < MOST_BYTES:
                break
            raise _Passing(f"the answer is larger than {MOST_BYTES:,} bytes")
        if time.monotonic() > until:
            raise _Passing(f"no whole answer within {timeout:g} s")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and size < min(int(length), most):
        raise _Passing(f"the connection was cut after {size:,} of {int(length):,} bytes")
    return b"".join(pieces)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        start = " ".join(data[:80].decode("utf-8", "replace").split())
        raise _Passing(f"the answer is no JSON (it begins: {start!r})") from None


def _no_answer(error: BaseException, timeout: float) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(reason, http.client.IncompleteRead | http.client.RemoteDisconnected | ConnectionResetError):
        return "the connection was cut before the answer was whole"
    return f"no connection: {getattr(reason, 'strerror', None) or reason or type(reason).__name__}"


def _shown_place(url: str, location: str | None) -> str:
    """Return where a redirect points, without user, password and query; "" where that is no URL of the web."""
    try:
        parts = urlsplit(urljoin(url, location or ""))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not location or not host or parts.scheme not in ("http", "https"):
        return ""
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}{f':{port}' if port else ''}{parts.path}"[:200]


def _seconds(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header; a date is passed over."""
    return float(header) if header and header.strip().isdecimal() else None
