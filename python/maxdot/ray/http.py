"""A search by HTTP: a JSON object in, a JSON object out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import Response

from maxdot._core import OverloadedError
from maxdot.ray.answer import Answer, ShardsDisagreeError, ShardUnavailableError

_FIELDS = ("queries", "k", "metric", "exclude", "allow")
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (ShardUnavailableError, 503),
    (ShardsDisagreeError, 500),
    (OverloadedError, 429),
    (ValueError, 400),
    (TypeError, 400),
)


async def answer(request: Request, search: Callable[..., Awaitable[Answer]], most_body_bytes: int) -> Response:
    """Answers POST with what `search` returns, or with {"error": ...} and the status of it."""
    if request.method != "POST":
        return _error(405, f"{request.method} is not POST; send a search as JSON", {"Allow": "POST"})
    body = await _body(request, most_body_bytes)
    if body is None:
        return _error(413, f"the body has more than {most_body_bytes} bytes (most_body_bytes); send several requests")
    try:
        arguments = await asyncio.to_thread(_arguments, body)
        found = await search(**arguments)
    except tuple(kind for kind, _ in _STATUS) as error:
        return _error(next(status for kind, status in _STATUS if isinstance(error, kind)), str(error))
    return Response(await asyncio.to_thread(_written, found), media_type="application/json")


async def _body(request: Request, most: int) -> bytes | None:
    """None: it is longer than `most`. No more of it is read then."""
    parts = bytearray()
    async for part in request.stream():
        if len(parts) + len(part) > most:
            return None
        parts += part
    return bytes(parts)


def _arguments(body: bytes) -> dict[str, Any]:
    """The arguments of a search. ValueError: the body is no JSON object that holds them."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:  # text that is no UTF-8 is a ValueError, too
        raise ValueError(f"body: no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"body: {type(fields).__name__} is no JSON object with queries and k")
    for name in fields:
        if name not in _FIELDS:
            raise ValueError(f"body: there is no field {name!r}; there are {', '.join(_FIELDS)}")
    for name in ("queries", "k"):
        if name not in fields:
            raise ValueError(f"body: it has no {name}")
    arguments = {"queries": _queries(fields["queries"]), "k": _whole(fields["k"])}
    if fields.get("metric") is not None:
        arguments["metric"] = fields["metric"]
    for name in ("exclude", "allow"):
        if fields.get(name) is not None:
            arguments[name] = _lists(fields[name], name)
    return arguments


def _whole(k: Any) -> int:
    if type(k) is not int:
        raise ValueError(f"k: {k!r} is no whole number")
    return k


def _queries(value: Any) -> npt.NDArray[np.float32]:
    """[m, d] or [d]. A number too large for float32 becomes Inf, which the search refuses."""
    rows, one = _rows(value, "queries", (int, float))
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows):
        if len(row) != width:
            raise ValueError(f"queries[{number}]: {len(row)} numbers, but queries[0] has {width}")
    if width == 0:
        raise ValueError("queries: they hold no numbers")
    try:
        flat = np.array(list(chain.from_iterable(rows)), np.float64)
    except OverflowError as error:  # a whole number beyond float64
        raise ValueError(f"queries: {error}") from None
    with np.errstate(over="ignore"):
        array = flat.astype(np.float32)
    return array if one else array.reshape(len(rows), width)


def _lists(value: Any, name: str) -> list[Any]:
    rows, one = _rows(value, name, (int,))
    return rows[0] if one else rows


def _rows(value: Any, name: str, kinds: tuple[type, ...]) -> tuple[list[list[Any]], bool]:
    """Lists of numbers, and whether `value` is one list, not a list of them."""
    if not isinstance(value, list):
        raise ValueError(f"{name}: {type(value).__name__} is no list")
    one = not any(isinstance(row, list) for row in value)
    rows = [value] if one else value
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise ValueError(f"{name}[{number}]: {type(row).__name__} is no list")
        other = set(map(type, row)).difference(kinds)
        if other:
            wanted = "whole number" if kinds == (int,) else "number"
            raise ValueError(f"{name}[{number}]: holds a {other.pop().__name__}, which is no {wanted}")
    return rows, one


def _written(found: Answer) -> bytes:
    # float32 as the float64 of the same value: whoever reads it as float32 gets the same bits.
    scores = found.scores.astype(object)
    scores[~np.isfinite(found.scores)] = None  # of places where there was no item: JSON has no infinity
    fields = {"ids": found.ids.tolist(), "scores": scores.tolist(), "missing": list(found.missing_shards)}
    return json.dumps(fields, separators=(",", ":")).encode()


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"error": message}).encode()
    return Response(body, status, headers, media_type="application/json")
