"""The file of names beside an index file: both are replaced together, and no other is taken or lost."""

import os
import pickle
import stat

import maxdot
import numpy as np
import pyarrow as pa
import pytest
from maxdot import names_file
from support import gaussian

ITEMS = gaussian(50, 4, 1)
NAMES = [f"ü{number}" for number in range(50)]


def build(items=ITEMS, names=NAMES):
    return maxdot.Index.build(items, names)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "items.maxdot"


def files(path):
    return sorted(os.listdir(path.parent))


BOTH = ["items.maxdot", "items.maxdot.ids.arrow"]


def test_there_and_back(path):
    index = build()
    index.save(path)
    assert files(path) == BOTH
    opened = maxdot.Index.open(path)
    assert opened.item_names.to_pylist() == NAMES and opened.item_names.type == pa.large_string()
    assert opened.names(opened.search(ITEMS, 3)[0]).tolist() == index.names(index.search(ITEMS, 3)[0]).tolist()
    assert pickle.loads(pickle.dumps(opened)).item_names.to_pylist() == NAMES
    assert pickle.loads(pickle.dumps(index)).item_names.to_pylist() == NAMES
    opened.save(path)  # over what is mapped
    assert opened.item_names.to_pylist() == NAMES and maxdot.Index.open(path).item_names.to_pylist() == NAMES
    other = path.with_name("bytes \udcff")
    opened.save(os.fsencode(other))
    assert maxdot.Index.open(other).item_names.to_pylist() == NAMES
    table = pa.ipc.open_file(f"{path}.ids.arrow").read_all()  # any reader of Arrow can
    assert table.column_names == ["item_id"] and table.column(0).to_pylist() == NAMES


def test_no_items_and_slices(path):
    build(ITEMS[:0], pa.array([], pa.string())).save(path)
    assert maxdot.Index.open(path).item_names.to_pylist() == []
    build(ITEMS[:5], pa.array(NAMES)[7:12]).save(path)
    assert maxdot.Index.open(path).item_names.to_pylist() == NAMES[7:12]
    assert os.path.getsize(f"{path}.ids.arrow") < 2000  # a slice does not write the whole


def test_an_index_without_names_takes_them_away(path):
    build().save(path)
    maxdot.Index.build(ITEMS).save(path)  # the same vectors, so the same checksum
    assert files(path) == BOTH[:1] and maxdot.Index.open(path).item_names is None


def test_names_of_another_index_are_refused(path):
    build().save(path)
    names = (path.parent / BOTH[1]).read_bytes()
    message = f"^{path}.ids.arrow: holds the names of another index than {path}; save that index again, or remove the names$"
    build(ITEMS[::-1]).save(path)
    (path.parent / BOTH[1]).write_bytes(names)
    with pytest.raises(ValueError, match=message):
        maxdot.Index.open(path)
    build().save(path)
    (path.parent / "other").write_bytes(path.read_bytes())
    build(ITEMS * 2).save(path.parent / "other")
    os.replace(path.parent / "other", path)
    with pytest.raises(ValueError, match=message):
        maxdot.Index.open(path)
    with pytest.raises(ValueError, match=message):
        maxdot.Index.open(path)


def test_another_file_is_not_lost(path):
    build().save(path)
    index = path.read_bytes()
    names = path.parent / BOTH[1]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([("item_id", pa.large_string())])) as writer:
        writer.write_table(pa.table({"item_id": pa.array(["mine"], pa.large_string())}))
    for mine in (b"mine", b"", sink.getvalue().to_pybytes()):
        names.write_bytes(mine)
        with pytest.raises(FileExistsError, match="is no file of names, and would be lost; move it away"):
            build(ITEMS * 2).save(path)
        with pytest.raises(ValueError, match=f"^{names}: is no file of names that save has written; move it away$"):
            maxdot.Index.open(path)
        assert names.read_bytes() == mine and path.read_bytes() == index and files(path) == BOTH
        maxdot.Index.build(ITEMS).save(path)
        assert names.read_bytes() == mine


@pytest.mark.parametrize("step", ["_write", "take_over_mode", "save"])
def test_a_failure_changes_nothing(path, step, monkeypatch):
    build().save(path)
    before = [(path.parent / name).read_bytes() for name in BOTH]

    def fail(*_):
        raise OSError(28, "No space left on device")

    if step == "save":
        with pytest.raises(OSError, match="No space"):
            names_file.save_with_names(str(path), build()._item_names, fail)
    else:
        monkeypatch.setattr(names_file, step, fail)
        with pytest.raises(OSError, match="No space"):
            build(ITEMS * 2, NAMES[::-1]).save(path)
    assert [(path.parent / name).read_bytes() for name in BOTH] == before and files(path) == BOTH
    assert maxdot.Index.open(path).item_names.to_pylist() == NAMES


def test_an_end_between_the_two_renames_is_noticed(path, monkeypatch):
    build().save(path)
    replace, calls = os.replace, []

    def once(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(names_file.os, "replace", once)
    with pytest.raises(OSError, match="Input/output"):
        build(ITEMS * 2, NAMES[::-1]).save(path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="holds the names of another index"):
        maxdot.Index.open(path)
    build().save(path)
    assert maxdot.Index.open(path).item_names.to_pylist() == NAMES


def test_links_lead_to_both(path):
    folder = path.parent / "tonight"
    folder.mkdir()
    build().save(folder / "new")
    path.symlink_to(folder / "new")
    assert maxdot.Index.open(path).item_names.to_pylist() == NAMES
    build(ITEMS, NAMES[::-1]).save(path)
    assert path.is_symlink() and sorted(os.listdir(folder)) == ["new", "new.ids.arrow"]
    assert maxdot.Index.open(folder / "new").item_names.to_pylist() == NAMES[::-1]


def test_private_files_stay_private(path):
    build().save(path)
    normal = stat.S_IMODE(path.stat().st_mode)
    assert stat.S_IMODE((path.parent / BOTH[1]).stat().st_mode) == normal
    path.chmod(0o600)
    build().save(path)
    assert [stat.S_IMODE((path.parent / name).stat().st_mode) for name in BOTH] == [0o600, 0o600]


def test_where_nothing_can_be_written(path):
    with pytest.raises(OSError):
        build().save(path.parent / "nowhere" / "items")
    path.mkdir()
    with pytest.raises(OSError, match="is not a regular file; name another file to write"):
        build().save(path)
    with pytest.raises(ValueError, match="null|NUL"):
        build().save("a\0b")
    assert files(path) == BOTH[:1]


def test_damaged_names(path):
    """Every byte changed, and every length: an error or other names, never more."""
    build(ITEMS[:9], NAMES[:9]).save(path)
    names = path.parent / BOTH[1]
    good = names.read_bytes()
    generator = np.random.default_rng(5)
    refused = 0
    damaged = [good[:length] for length in range(0, len(good), 7)]
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= int(generator.integers(1, 256))
        damaged.append(bytes(changed))
    for data in damaged:
        names.write_bytes(data)
        try:
            index = maxdot.Index.open(path)
        except (ValueError, OSError):
            refused += 1
            continue
        found = index.names(np.arange(9)).tolist()
        assert all(isinstance(name, str) for name in found)
        index.search(ITEMS[:1], 3, exclude=[[NAMES[0]]])
    assert refused > len(good) // 7
    names.write_bytes(good)
    assert maxdot.Index.open(path).item_names.to_pylist() == NAMES[:9]
