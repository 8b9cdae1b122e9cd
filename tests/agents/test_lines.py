"""Lines of files, as a stream."""

import gzip
import io

import pytest
import zstandard

from agents import lines
from agents.lines import FileError, read_lines, size_of

TEXT = b'{"a":1}\n\n{"b":2}\r\n  \r\n\r\n{"c":3}'
LINES = [(1, b'{"a":1}'), (3, b'{"b":2}\r'), (6, b'{"c":3}')]
FRAME = zstandard.compress(TEXT)


def read(path):
    """Return all lines of a file with their numbers."""
    return [
        each for batch in read_lines(str(path)) for each in zip(batch.numbers.tolist(), batch.values.all(), strict=True)
    ]


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "plain": TEXT,
        "packed.gz": gzip.compress(TEXT),
        "two.gz": gzip.compress(TEXT[:10]) + gzip.compress(TEXT[10:]),
        "packed.zst": FRAME,
        "two.zst": zstandard.compress(TEXT[:10]) + zstandard.compress(TEXT[10:]),
    }.items(),
)
def test_lines_and_numbers(file, name, content):
    """Lines come with their numbers, blank ones left out, whatever the file is packed in."""
    assert read(file(name, content)) == LINES


@pytest.mark.parametrize("name", ["empty", "empty.gz", "empty.zst"])
def test_an_empty_file(file, name):
    """An empty file has no lines."""
    assert read(file(name, b"")) == []


def test_pieces_of_any_size(file, monkeypatch):
    """Where the reading is cut makes no difference, neither in the file nor in batches."""
    path, packed = file("plain", TEXT * 3), file("packed.zst", zstandard.compress(TEXT * 3))
    whole = read(path)
    for size in range(1, 20):
        monkeypatch.setattr(lines, "CHUNK_BYTES", size)
        monkeypatch.setattr(lines, "ZSTD_CHUNK_BYTES", size)
        monkeypatch.setattr(lines, "LINES_PER_BATCH", size)
        assert read(path) == read(packed) == whole
        assert all(batch.values.size <= size for batch in read_lines(str(path)))


def test_standard_input(monkeypatch):
    """`-` is standard input; a second one has nothing left."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert read("-") == LINES
    assert read("-") == []


def test_a_line_without_an_end_is_cut_off(file, monkeypatch):
    """An endless line does not fill the memory; what follows it keeps its number."""
    monkeypatch.setattr(lines, "CHUNK_BYTES", 10)
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 50)
    ((first, line), after) = read(file("long", b"x" * 1000 + b"\n{}"))
    assert (first, after) == (1, (2, b"{}"))
    assert len(line) <= 70


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cut.gz", gzip.compress(TEXT)[:-9], "Compressed file ended before"),
        ("damaged.gz", gzip.compress(TEXT)[:10] + b"\xff" * 20, "while decompressing"),
        ("other.gz", TEXT, "Not a gzipped file"),
        ("cut.zst", FRAME[:-5], "compressed file ended before its end was reached"),
        ("cut.zst", FRAME + FRAME[:6], "compressed file ended before its end was reached"),
        ("other.zst", TEXT, "not a zstd file, or a damaged one"),
        ("damaged.zst", FRAME[:6] + b"\xff" * 20, "not a zstd file, or a damaged one"),
    ],
)
def test_a_damaged_file(file, name, content, sentence):
    """A file that is damaged, or ends too early, is never taken for a shorter one."""
    path = file(name, content)
    with pytest.raises(FileError, match=f"{path}: .*{sentence}"):
        read(path)


def test_a_file_that_cannot_be_read(tmp_path):
    """What is missing or no file is said with its name."""
    with pytest.raises(FileError, match=f"{tmp_path}/no: No such file or directory"):
        read(tmp_path / "no")
    with pytest.raises(FileError, match=f"{tmp_path}: Is a directory"):
        read(tmp_path)


def test_how_far_reading_has_come(file):
    """Batches tell how many bytes of the file, as it lies on disk, were read since the batch before."""
    for path in (file("plain", TEXT), file("packed.gz", gzip.compress(TEXT)), file("packed.zst", FRAME)):
        assert sum(batch.bytes_read for batch in read_lines(str(path))) == path.stat().st_size == size_of([str(path)])


def test_sizes(file, tmp_path):
    """Files have a size together, unless standard input or a missing one is among them."""
    path = str(file("plain", b"abc"))
    assert size_of([path, path]) == 6
    assert size_of([path, "-"]) is None
    assert size_of([path, str(tmp_path / "no")]) is None
