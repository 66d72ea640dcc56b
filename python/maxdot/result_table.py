"""Results of a search as an Arrow table, a row for each item that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from maxdot.given import Given
    from maxdot.item_names import ItemNames

#: Names of the columns beside that of the queries' ids.
COLUMNS = ("rank", "item_id", "score")


def table_of_results(
    queries: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int32],
    ids: npt.NDArray[np.int64],
    scores: npt.NDArray[Any],
    names: ItemNames | None,
    given: Given | None,
) -> pa.Table:
    """A row for each result: query, rank, item_id, score.

    Args:
        queries: the row of the query of each result.
        ranks, ids, scores: of each result.
        names: of the items; None: the ids themselves.
        given: the queries, with their ids; None: they have none, and are told by their rows, as "query".

    Raises:
        ValueError: it is in doubt which column has the ids of the queries.
    """
    if given is not None and given.doubt is not None:
        raise ValueError(f"{given.doubt}; drop the other columns")
    query_ids = None if given is None else given.ids
    id_name = (given.id_name if given is not None else None) or "query"
    rows = pa.array(queries.astype(np.int64))
    columns = [
        rows if query_ids is None else query_ids.take(rows),
        pa.array(ranks),
        pa.array(ids) if names is None else names.taken(ids),
        pa.array(scores),
    ]
    return pa.table(columns, names=[f"query_{id_name}" if id_name in COLUMNS else id_name, *COLUMNS])
