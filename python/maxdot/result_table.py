"""Results of a search as an Arrow table, a row for each item that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from maxdot.item_names import ItemNames

#: Names of the columns beside that of the queries' ids.
COLUMNS = ("rank", "item_id", "score")


def result_table(
    ids: npt.NDArray[np.int64],
    scores: npt.NDArray[Any],
    names: ItemNames | None,
    query_ids: pa.Array | None,
    id_name: str | None,
) -> pa.Table:
    """A row for each result: query, rank from 1, item_id, score; by query and rank.

    Args:
        ids: [m, k], -1 where there is no item.
        scores: [m, k].
        names: of the items; None: the ids themselves.
        query_ids: of the m queries; None: their rows, from 0.
        id_name: what the first column is called; None: "query".
    """
    rows, places = np.nonzero(ids >= 0)
    found = ids[rows, places]
    queries = pa.array(rows.astype(np.int64))
    id_name = id_name or "query"
    columns = [
        queries if query_ids is None else query_ids.take(queries),
        pa.array((places + 1).astype(np.int32)),
        pa.array(found) if names is None else names.taken(found),
        pa.array(scores[rows, places]),
    ]
    return pa.table(columns, names=[f"query_{id_name}" if id_name in COLUMNS else id_name, *COLUMNS])
