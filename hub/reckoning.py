"""Long reckonings beside the loop, on threads of their own.

Routes, matrices and proposals are pure Python on plain values, seconds of a processor. Holds no
store and no entries: what is asked here gets copies and gives back values. Invariant: never more
than two of them run, so that a question of a second does not wait for a plan of many, and none
holds up a session with a phone for longer than a turn of a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

THREADS: Final = 2
_Found = TypeVar("_Found")


class Reckoner:
    """Threads for what takes long; `close` it in the end."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="reckoning")

    async def run(self, reckon: Callable[..., _Found], *arguments: Any) -> _Found:
        """What `reckon` returns for these arguments; its errors are raised here.

        Nothing is interrupted: whoever waits no longer leaves the work to its end.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(reckon, *arguments))

    def close(self) -> None:
        """Take nothing more; what waits is dropped, what runs ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)
