"""Answers from an endpoint: a real server of a real model, and one that fails in every way."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import served

from prepdata.errors import UsageError
from prepdata.jsontext import json_text
from trainers.generate import Options, Output, Prompt, Unavailable, open_backend


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    yield from served("faulty")


def prompt(text: str, **more: Any) -> Prompt:
    return Prompt("row", ({"role": "user", "content": text, **more},))


def ask(url: str, text: str, **changes: Any) -> Output:
    options = Options(**{"retries": 1, "timeout": 10.0, "model_name": "tiny", **changes})
    return open_backend(url, options).generate([prompt(text)])[0]


def test_a_served_model_answers_as_the_folder_does(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from random_lm import write_random_model

    folder = write_random_model(tmp_path / "tiny")
    asked = [prompt(text) for text in ("Hi", "A longer question?", "Où ?")]
    local = open_backend(str(folder), Options(max_new_tokens=16, threads=1)).generate(asked)
    for url in served(str(folder)):
        backend = open_backend(url, Options(max_new_tokens=16, batch_size=3))
        assert backend.model.name == "tiny"
        remote = backend.generate(asked)
        assert [(o.text, o.tokens, o.finish_reason) for o in remote] == [
            (o.text, o.tokens, o.finish_reason) for o in local
        ]
        assert backend.rendering(asked).prompt_ids is None
        assert backend.loss(asked, ["a", "b", "c"]) is None


@pytest.mark.parametrize("what", ["429", "500", "503", "cut", "nothing", "no json", "other json"])
def test_errors_that_pass_are_tried_again(faulty: str, what: str) -> None:
    output = ask(faulty, f"once {what}", retries=2)
    assert (output.text, output.finish_reason, output.error) == ("fine at try 2", "stopped", "")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("429", "HTTP 429"),
        ("500", "HTTP 500"),
        ("cut", "the connection was cut"),
        ("nothing", "the connection was cut"),
        ("no json", "no JSON"),
        ("other json", "not what the protocol says"),
        ("no choice", "no choices"),
    ],
)
def test_errors_that_stay_are_told(faulty: str, what: str, said: str) -> None:
    output = ask(faulty, what)
    assert (output.text, output.finish_reason, output.again) == ("", "error", True)
    assert said in output.error
    assert "\x1b" not in output.error


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", ["hang", "trickle"])
def test_an_endpoint_that_never_ends_is_left(faulty: str, what: str) -> None:
    output = ask(faulty, what, timeout=0.5, retries=0)
    assert output.finish_reason == "error" and "within 0.5 s" in output.error and output.again


def test_a_request_that_is_refused_is_an_error_of_its_row(faulty: str) -> None:
    output = ask(faulty, "400")
    assert (output.finish_reason, output.again) == ("error", False)
    assert "HTTP 400" in output.error


def test_models_that_take_the_most_tokens_under_the_newer_name(faulty: str) -> None:
    backend = open_backend(faulty, Options(model_name="newer", batch_size=2, retries=0))
    assert [o.text for o in backend.generate([prompt("a"), prompt("b"), prompt("c")])] == ["a", "b", "c"]


@pytest.mark.parametrize("what", ["401", "403", "404", "elsewhere"])
def test_what_no_row_can_get_past_ends_the_run(faulty: str, what: str) -> None:
    with pytest.raises(Unavailable) as caught:
        ask(faulty, what)
    assert "redirects are not followed" in str(caught.value) if what == "elsewhere" else what in str(caught.value)


def test_a_redirect_is_told_without_its_secrets(faulty: str) -> None:
    with pytest.raises(Unavailable, match=r"it points to http://127\.0\.0\.1:9/v2/ ") as caught:
        ask(faulty, "elsewhere")
    assert "pass" not in str(caught.value) and "key=" not in str(caught.value)


def test_what_was_answered_beside_a_row_that_was_turned_away_is_kept(faulty: str) -> None:
    backend = open_backend(faulty, Options(batch_size=3, model_name="tiny", retries=0))
    outputs = backend.generate([prompt("here"), prompt("403"), prompt("there")])
    assert [(o.text, o.again) for o in outputs] == [("here", False), ("", True), ("there", False)]


def test_transformers_serve_answers_as_the_folder_does(tmp_path: Path) -> None:
    for name in ("torch", "transformers", "fastapi", "uvicorn"):
        pytest.importorskip(name)
    from random_lm import write_random_model

    folder = write_random_model(tmp_path / "tiny")
    asked = [prompt(text) for text in ("Hi", "A longer question?", "Où ?")]
    local = open_backend(str(folder), Options(max_new_tokens=16, threads=1)).generate(asked)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--device", "cpu", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        backend = open_backend(
            f"http://127.0.0.1:{port}/v1", Options(model_name=str(folder), max_new_tokens=16, retries=8, batch_size=1)
        )
        remote = backend.generate(asked)
    finally:
        process.kill()
        process.wait()
    assert [(o.text, o.finish_reason, o.error) for o in remote] == [(o.text, o.finish_reason, "") for o in local]


def test_a_key_is_sent_and_never_told(faulty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "-".join(["sk", "abcdefghijklmnop"])
    monkeypatch.setenv("MY_KEY", secret)
    output = ask(faulty, "400", key_variable="MY_KEY")
    assert "said Bearer [key]" in output.error
    backend = open_backend(faulty, Options(key_variable="MY_KEY"))
    written = json_text([backend.model, backend.decoding, backend.environment, backend.rendering([])])
    assert secret not in written
    assert "said nothing" in ask(faulty, "400").error


def test_calls_cut_answers_and_many_at_once(faulty: str) -> None:
    calls = ask(faulty, "calls")
    assert calls.calls == ({"name": "weather", "arguments": '{"city": "Oslo"}'},)
    assert (calls.text, calls.finish_reason, calls.tokens) == ("", "stopped", 4)
    assert ask(faulty, "long").finish_reason == "cut"
    backend = open_backend(faulty, Options(batch_size=4, model_name="tiny"))
    asked = [prompt(f"answer {n}") for n in range(9)]
    assert [o.text for o in backend.generate(asked)] == [f"answer {n}" for n in range(9)]


def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match="no connection"):
        open_backend("http://127.0.0.1:9/v1", Options(retries=0))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://me:pass@127.0.0.1/v1", "user, password or query"),
        ("http://127.0.0.1/v1?key=x", "user, password or query"),
        ("http:///v1", "no URL of an endpoint"),
        ("http://127.0.0.1:x/v1", "cannot be read"),
    ],
)
def test_urls_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_backend(url, Options(retries=0))
    assert "pass@" not in str(caught.value)
