"""Files are read within bounds, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from prepdata.files import naming, read_bounded, replacing, settle_together
from prepdata.signals import signals_held

WINDOWS = os.name == "nt"


@pytest.mark.parametrize("size", [0, 1, 10, 1 << 20, (1 << 20) + 1])
def test_a_small_file_is_read_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)
    assert read_bounded(tmp_path / "a", size) == b"x" * size
    if size:
        with pytest.raises(OSError, match="more than") as caught:
            read_bounded(tmp_path / "a", size - 1)
        assert caught.value.errno == errno.EFBIG


@pytest.mark.skipif(WINDOWS, reason="no such device")
def test_a_device_without_end_is_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="more than 5,000,000 bytes"):
        read_bounded("/dev/zero", 5_000_000)


def test_an_impossible_name() -> None:
    with pytest.raises(OSError, match="null"):
        read_bounded("a\0b", 10)


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with replacing(target) as out:
        out.write(b"new")
        out.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    with pytest.raises(KeyboardInterrupt), replacing(target) as out:
        out.write(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"new" and os.listdir(tmp_path) == ["a"]


def test_an_error_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, replacing(tmp_path / "none" / "a"):
        pass
    assert caught.value.filename == str(tmp_path / "none" / "a")
    with pytest.raises(OSError) as caught, replacing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.filename == str(tmp_path / "a") and os.listdir(tmp_path) == []


@pytest.mark.skipif(WINDOWS, reason="permissions and links")
def test_permissions_and_links(tmp_path: Path) -> None:
    target, link = tmp_path / "a", tmp_path / "b"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    with replacing(link) as out:
        out.write(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new" and target.stat().st_mode & 0o777 == 0o640
    with replacing(tmp_path / "c", mode=0o600) as out:
        assert out.name != str(tmp_path / "c")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(WINDOWS, reason="pipes")
def test_a_pipe_or_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as out:
        out.write(b"x")
    assert os.read(reader, 10) == b"x" and pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize(
    ("named", "told"), [(None, "out.jsonl"), ("/x/.prepdata-rag-1/a", "out.jsonl"), ("/x/other", "/x/other")]
)
def test_an_error_names_the_file_that_was_asked_for(named: str | None, told: str) -> None:
    with pytest.raises(OSError, match="No space") as caught, naming(Path("out.jsonl")):
        raise OSError(errno.ENOSPC, "No space left on device", named)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, told)


def test_files_that_belong_together_are_put_in_their_places(tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in "ab":
        (aside / name).write_text(f"new {name}")
    for name in "bc":
        (tmp_path / name).write_text(f"old {name}")
    (tmp_path / "b").chmod(0o600)
    settle_together({aside / name: tmp_path / name for name in "ab"}, [tmp_path / "c", tmp_path / "none"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {
        "a": "new a",
        "b": "new b",
    }
    assert WINDOWS or (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    assert not list(aside.iterdir())


def test_what_is_not_there_moves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "made").write_text("made")
    with pytest.raises(OSError, match="none"):
        settle_together({tmp_path / "made": tmp_path / "a", tmp_path / "none": tmp_path / "b"}, [tmp_path / "old"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "old"]


@pytest.mark.skipif(WINDOWS, reason="signals of POSIX")
def test_signals_wait_while_they_are_held(tmp_path: Path) -> None:
    done, over = [], threading.Event()
    other = threading.Thread(target=over.wait)  # a process with threads: any of them may be given the signal
    other.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), signals_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            done.append("all of it")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
    assert done == ["all of it"]
