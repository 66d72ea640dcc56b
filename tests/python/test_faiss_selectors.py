"""FAISS's IDSelectors, one by one and joined, as sets of ids."""

import numpy as np
import pytest
from maxdot import faiss
from support import gaussian

IDS = np.arange(-20, 60)
SOME = np.array([3, 3, -4, 17, 40])
BITS = np.packbits(np.isin(np.arange(45), SOME), bitorder="little")
LOW, HIGH = faiss.IDSelectorRange(-10, 20), faiss.IDSelectorRange(10, 50, True)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (faiss.IDSelectorAll(), IDS > -100),
        (LOW, (IDS >= -10) & (IDS < 20)),
        (faiss.IDSelectorRange(9, 3), IDS > 100),
        (faiss.IDSelectorRange(-(1 << 80), 1 << 80), IDS > -100),
        (faiss.IDSelectorBatch(SOME), np.isin(IDS, SOME)),
        (faiss.IDSelectorBatch(SOME.tolist()), np.isin(IDS, SOME)),
        (faiss.IDSelectorBatch(2, faiss.swig_ptr(SOME)), IDS == 3),
        (faiss.IDSelectorBatch([]), IDS > 100),
        (faiss.IDSelectorArray(SOME.astype(np.int16)), np.isin(IDS, SOME)),
        (faiss.IDSelectorBitmap(BITS), np.isin(IDS, [3, 17, 40])),
        (faiss.IDSelectorBitmap(3, faiss.swig_ptr(BITS)), np.isin(IDS, [3, 17])),
        (faiss.IDSelectorBitmap(np.empty(0, np.uint8)), IDS > 100),
        (faiss.IDSelectorNot(LOW), (IDS < -10) | (IDS >= 20)),
        (faiss.IDSelectorAnd(LOW, HIGH), (IDS >= 10) & (IDS < 20)),
        (faiss.IDSelectorOr(LOW, HIGH), (IDS >= -10) & (IDS < 50)),
        (faiss.IDSelectorXOr(LOW, HIGH), ((IDS >= -10) & (IDS < 50)) & ~((IDS >= 10) & (IDS < 20))),
        (faiss.PyCallbackIDSelector(lambda id: id % 7 == 0), IDS % 7 == 0),
        (faiss.IDSelectorTranslated(np.arange(30) * 2, LOW), (IDS >= 0) & (IDS < 10)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_members(selector, expected):
    found = selector.members(IDS)
    assert found.dtype == bool
    np.testing.assert_array_equal(found, expected)
    assert [selector.is_member(id) for id in IDS] == expected.tolist()
    rows = gaussian(80, 3, 1)
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(3))
    index.add_with_ids(rows, IDS)
    if isinstance(selector, faiss.IDSelectorTranslated):
        return  # of rows, not of ids: below
    k = max(1, int(expected.sum()))
    I = index.search(rows[:2], k, params=faiss.SearchParameters(sel=selector))[1]
    np.testing.assert_array_equal(np.sort(I, axis=1), [IDS[expected] if expected.any() else [-1]] * 2)
    assert index.remove_ids(selector) == expected.sum()
    np.testing.assert_array_equal(index.id_map, IDS[~expected])


def test_translated_asks_by_row():
    rows = gaussian(80, 3, 1)
    index = faiss.IndexIDMap(faiss.IndexFlatIP(3))
    index.add_with_ids(rows, IDS)
    translated = faiss.IDSelectorTranslated(index, LOW)
    np.testing.assert_array_equal(translated.members(np.arange(-1, 81)), np.r_[False, (IDS >= -10) & (IDS < 20), False])
    for method, argument in ((index.search, 80), (index.range_search, -100)):
        for a, b in zip(
            method(rows[:5], argument, params=faiss.SearchParameters(sel=translated)),
            method(rows[:5], argument, params=faiss.SearchParameters(sel=LOW)),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: faiss.IDSelectorBatch([1.5]), ValueError, "ids: float64"),
        (lambda: faiss.IDSelectorBatch([[1]]), ValueError, "ids: shape"),
        (lambda: faiss.IDSelectorBatch({1, 2}), ValueError, "ids: object"),
        (lambda: faiss.IDSelectorBatch(9, SOME), ValueError, "n: 9 values"),
        (lambda: faiss.IDSelectorBatch(), TypeError, "0 arguments"),
        (lambda: faiss.IDSelectorBitmap([1]), TypeError, "bitmap: pass a uint8 array"),
        (lambda: faiss.IDSelectorBitmap(np.ones(8, bool)), TypeError, "bitmap"),
        (lambda: faiss.IDSelectorNot(3), TypeError, "sel: int is no IDSelector"),
        (lambda: faiss.IDSelectorAnd(LOW, None), TypeError, "rhs: NoneType"),
        (lambda: faiss.IDSelectorRange(0, "x"), TypeError, "str"),
        (lambda: faiss.PyCallbackIDSelector(3), TypeError, "callback"),
        (lambda: faiss.SearchParameters(sel=3), TypeError, "sel: int"),
        (lambda: faiss.SearchParameters(nprobe=3), TypeError, "nprobe"),
        (lambda: faiss.IDSelector(), TypeError, "abstract"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_parameters_can_be_set_later():
    params = faiss.SearchParameters()
    assert params.sel is None
    params.sel = LOW
    assert params.sel is LOW
    with pytest.raises(TypeError):
        params.sel = SOME
    with pytest.raises(AttributeError):
        params.nprobe = 3
