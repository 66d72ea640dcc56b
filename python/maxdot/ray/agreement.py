"""Whether shards are parts of one catalogue, and what becomes of a search in which some failed."""

from __future__ import annotations

from maxdot.ray.answer import ShardsDisagreeError, ShardUnavailableError
from maxdot.ray.shard import Description, Found
from maxdot.ray.shard_handles import Outcomes


def check_descriptions(outcomes: Outcomes) -> None:
    """ShardsDisagreeError: shards that answered differ in dimension, metric or normalisation."""
    described = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Description)}
    for name, one in described.items():
        first_name, first = next(iter(described.items()))
        if one[1:] != first[1:]:
            raise ShardsDisagreeError(
                f"shard {name!r} ({one.path}) is {_kind(one)}, but shard {first_name!r} ({first.path}) is "
                f"{_kind(first)}; build all shards alike"
            )


def found_by(outcomes: Outcomes, partial: bool) -> tuple[dict[str, Found], tuple[str, ...]]:
    """What shards found, and the names of those that are missing: none unless `partial`.

    Raises:
        ShardUnavailableError: shards are missing and must not be, or all are.
        ShardsDisagreeError: a shard refuses what others answer, or ranks by another metric.
        Exception: what a shard has raised; the first one's.
    """
    found = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Found)}
    gone = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, ShardUnavailableError)}
    for name, outcome in outcomes.items():
        if name in found or name in gone:
            continue
        if found and isinstance(outcome, (ValueError, TypeError)):
            raise ShardsDisagreeError(f"shard {name!r} refuses what shard {next(iter(found))!r} answers: {outcome}")
        raise outcome
    if gone and (not partial or not found):
        raise ShardUnavailableError("; ".join(map(str, gone.values())), tuple(gone))
    first_name, first = next(iter(found.items()))
    for name, one in found.items():
        if (one.metric, one.normalized) != (first.metric, first.normalized):
            raise ShardsDisagreeError(
                f"shard {name!r} ranks by {_ranking(one)}, but shard {first_name!r} by {_ranking(first)}; build all "
                "shards alike"
            )
    return found, tuple(gone)


def _kind(shard: Description) -> str:
    return f"of dimension {shard.dimension}, {_ranking(shard)}"


def _ranking(shard: Description | Found) -> str:
    return f"{shard.metric}, normalized" if shard.normalized else shard.metric
