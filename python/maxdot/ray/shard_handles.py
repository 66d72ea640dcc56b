"""Asks every shard at once, and again where a replica is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

from ray.exceptions import ObjectLostError, RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from maxdot._core import OverloadedError
from maxdot.ray.answer import ShardUnavailableError

#: Of each shard its answer, or the error that it ended with.
Outcomes: TypeAlias = dict[str, "Any | Exception"]

# The replica, or its answer, is gone. A question changes nothing, so it may be asked again.
_LOST = (RayActorError, ObjectLostError, ReplicaUnavailableError)
_PAUSE = 0.01  # [seconds] before it is asked again; Ray may need it to notice that a replica is gone


class ShardHandles:
    """The handles of all shards, by name."""

    def __init__(self, handles: Mapping[str, DeploymentHandle[Any]]) -> None:
        self._handles = dict(handles)

    async def ask_all(self, method: str, timeout: float, *arguments: Any) -> Outcomes:
        """Calls `method` of a replica of every shard, with `arguments` and what is left of `timeout`.

        Returns:
            For each shard what the method returned, or the exception that it raised;
            ShardUnavailableError where no replica answered in time, OverloadedError where too many
            questions wait.
        """
        deadline = time.monotonic() + timeout
        outcomes = await asyncio.gather(
            *(self._ask(name, method, arguments, deadline) for name in self._handles), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome  # the caller was cancelled
        return dict(zip(self._handles, outcomes))

    async def _ask(self, name: str, method: str, arguments: tuple[Any, ...], deadline: float) -> Any:
        begin = time.monotonic()
        lost: Exception | None = None
        while (left := deadline - time.monotonic()) > 0:
            try:
                return await asyncio.wait_for(getattr(self._handles[name], method).remote(*arguments, left), left)
            except _LOST as error:
                lost = error
                await asyncio.sleep(_PAUSE)
            except (TimeoutError, asyncio.TimeoutError):  # they are one from Python 3.11 on
                break  # its replica, if there is one, drops the question at the same time
            except BackPressureError as error:
                raise OverloadedError(f"shard {name!r}: {error}") from None
            except DeploymentUnavailableError as error:
                raise ShardUnavailableError(f"shard {name!r}: {error.message}", (name,)) from None
            except RayTaskError as error:
                raise _told_by(name, error.cause) from None
        reason = f"; the last replica that was asked ended: {type(lost).__name__}" if lost else ""
        raise ShardUnavailableError(
            f"shard {name!r}: no replica answered within {deadline - begin:.3g} seconds{reason}", (name,)
        )


def _told_by(name: str, cause: Exception) -> Exception:
    """What a replica has raised; with the shard's name unless it is the caller's fault."""
    if isinstance(cause, (ValueError, TypeError)):
        return cause
    if isinstance(cause, (OverloadedError, MemoryError)):
        return type(cause)(f"shard {name!r}: {cause}")
    return RuntimeError(f"shard {name!r}: {type(cause).__name__}: {cause}")
