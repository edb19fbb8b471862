"""The manifest as a file: what it remembers, what is said of a damaged one, and that a run leaves it whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepdata.errors import InputError, UsageError
from prepdata.splitting.manifest import Header, Manifest, empty, load, save
from prepdata.splitting.ties import NEW

DIGESTS = st.integers(0, 2**64 - 1)
UNKNOWN = np.iinfo(np.uint64).max
DEEP = b"[" * 200_000 + b"]" * 200_000
HEAD = b'{"split":1,"prepdata":"0","salt":"s","outputs":{}}\n'


def digests(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


def manifest(rows: dict[int, tuple[int, int]], salt: str = "s") -> Manifest:
    """Return a manifest of digest -> (side, cluster)."""
    order = sorted(rows)
    sides = np.array([rows[row][0] for row in order], np.int8)
    return Manifest(Header(salt=salt), digests(*order), sides, digests(*(rows[row][1] for row in order)))


def told(made: Manifest) -> dict[int, tuple[int, int]]:
    return dict(zip(made.rows.tolist(), zip(made.sides.tolist(), made.clusters.tolist())))


@given(st.dictionaries(DIGESTS, st.tuples(st.integers(0, 2), DIGESTS), max_size=30))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, rows: dict[int, tuple[int, int]]) -> None:
    path = tmp_path_factory.mktemp("manifest") / "m.jsonl"
    made = manifest(rows)
    save(path, made)
    first = path.read_bytes()
    again = load(path, "s")
    assert told(again) == rows and again.header == made.header
    assert again.rows.tolist() == sorted(rows)
    save(path, again)
    assert path.read_bytes() == first


@given(
    st.dictionaries(DIGESTS, st.tuples(st.integers(0, 2), DIGESTS.filter(lambda key: key != UNKNOWN)), max_size=20),
    st.lists(DIGESTS, max_size=20),
)
def test_rows_are_known_or_new(rows: dict[int, tuple[int, int]], others: list[int]) -> None:
    asked = [*rows, *others, 0, 2**64 - 1]
    made = manifest(rows)
    assert made.sides_of(digests(*asked)).tolist() == [rows.get(row, (NEW, 0))[0] for row in asked]
    assert made.clusters_of(digests(*asked)).tolist() == [rows.get(row, (0, UNKNOWN))[1] for row in asked]


@given(
    st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 2), DIGESTS), max_size=20),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), DIGESTS), max_size=20),
)
def test_what_is_known_stays_when_rows_are_added(
    rows: dict[int, tuple[int, int]], added: list[tuple[int, int, int]]
) -> None:
    sides = np.array([side for _, side, _ in added], np.int8)
    made = manifest(rows).extended(
        Header(salt="t"), digests(*(row for row, _, _ in added)), sides, digests(*(key for _, _, key in added))
    )
    expected = {row: (side, key) for row, side, key in reversed(added)} | rows
    assert told(made) == expected and made.rows.tolist() == sorted(expected) and made.header.salt == "t"


def test_where_there_is_none_nothing_is_known(tmp_path: Path) -> None:
    made = load(tmp_path / "none.jsonl", "x")
    assert told(made) == {} and made.header.salt == "x" and told(empty("y")) == {}
    assert made.sides_of(digests(1)).tolist() == [NEW] and made.clusters_of(digests(1)).tolist() == [UNKNOWN]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{}",
        b'{"x":1}\n',
        b'{"salt":"s"}\n',
        b"[1]\n",
        b"null\n",
        b'{"split":"1"}\n',
        b'{"split":1,"x":' + DEEP + b"}\n",
        b"\xff\xfe{}\n",
        HEAD + b"{}\n",
        HEAD + b'{"side":"train","cluster":"0","rows":"0"}\n',
        HEAD + b'{"side":"other","cluster":"0","rows":["0"]}\n',
        HEAD + b'{"side":"train","cluster":"0","rows":["xyz"]}\n',
        HEAD + b'{"side":"train","cluster":"0","rows":[""]}\n',
        HEAD + b'{"side":"train","cluster":"-1","rows":["0"]}\n',
        HEAD + b'{"side":"train","cluster":"0","rows":["10000000000000000"]}\n',
        HEAD + b'{"side":"train","cluster":"0","rows":["0"]',
        HEAD + b'{"side":"train","cluster":"0","x":' + DEEP + b',"rows":[]}\n',
        HEAD + b"\n\n",
        HEAD + b"\x00" * 64,
    ],
)
def test_a_damaged_file_is_named_and_left(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(data)
    for salt in ("", "s"):
        with pytest.raises(InputError, match=r"m\.jsonl is no manifest of a split, or damaged; move it away"):
            load(path, salt)
    assert path.read_bytes() == data


def test_what_fits_not_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(HEAD)
    with pytest.raises(UsageError, match=r"m\.jsonl was made with the salt 's'; give the same, or move"):
        load(path, "t")
    path.write_bytes(HEAD.replace(b'"split":1', b'"split":2'))
    with pytest.raises(InputError, match=r"m\.jsonl: a manifest of layout 2; this version knows 1"):
        load(path, "s")
    with pytest.raises(UsageError, match="is not a regular file; name another --manifest"):
        load(tmp_path, "s")


@given(at=st.floats(0, 1), flip=st.integers(1, 255))
def test_a_flipped_byte_never_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, at: float, flip: int) -> None:
    path = tmp_path_factory.mktemp("manifest") / "m.jsonl"
    save(path, manifest({5: (0, 1), 7: (1, 2), 9: (2, 1)}))
    data = bytearray(path.read_bytes())
    data[min(int(at * len(data)), len(data) - 1)] ^= flip
    path.write_bytes(data)
    try:
        load(path, "s")
    except (InputError, UsageError) as error:
        assert "m.jsonl" in str(error)
