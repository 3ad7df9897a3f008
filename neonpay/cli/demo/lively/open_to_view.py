"""The dashboard on the lively shop, for somebody who wants to see it before they have a shop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from neonpay.cli.demo.lively.history import DAYS, ORDERS_A_DAY, live
from neonpay.cli.stopping import told_to_stop
from neonpay.core.clock import SystemClock, moment
from neonpay.errors import ConfigurationError
from neonpay.web import create_dashboard_app, serving

if TYPE_CHECKING:
    from rich.console import Console

    from neonpay.core.clock import Clock

_LEDGER: Final = "sample.db"


@contextmanager
def place_of_ledger(keep: Path | None) -> Iterator[Path]:
    """Where the ledger is to be: at ``keep``, or in a folder that is deleted at the end.

    Raises:
        ConfigurationError: something is at ``keep`` already.
    """
    if keep is None:
        # Windows keeps files open for a moment; that must not fail the demo.
        with tempfile.TemporaryDirectory(prefix="neonpay-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder) / _LEDGER
        return
    if keep.exists():
        raise ConfigurationError(f"{keep} is there already; delete it, or give --keep another path")
    yield keep.absolute()


async def show(
    console: Console,
    path: Path,
    *,
    port: int,
    days: int = DAYS,
    orders_a_day: float = ORDERS_A_DAY,
    clock: Clock | None = None,
) -> None:
    """Live the history, then serve its dashboard until Ctrl-C; retries and refunds there reach the simulator.

    Args:
        path: where the ledger is to be.
        port: 0 picks a free one.
        clock: says until when the history is.

    Raises:
        ConfigurationError: nobody can listen on the port.
    """
    now = clock or SystemClock()
    stopped = told_to_stop()
    async with AsyncExitStack() as stack:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            console.print(f"A shop of {days} days is being lived through the simulator; that takes about a minute.")
            task = progress.add_task("day by day", total=days)
            history = await stack.enter_async_context(
                live(
                    f"sqlite:///{path.as_posix()}",
                    until=moment(now.now_us()).replace(microsecond=0),
                    days=days,
                    orders_a_day=orders_a_day,
                    told=lambda day, _: progress.update(task, completed=day),
                )
            )
        telegram, shop = history.telegram, history.shop
        await telegram.advance(max(0.0, now.now_us() / 1_000_000 - telegram.clock.now()))
        telegram.run()
        shop.go_on_by_itself()
        app = create_dashboard_app(history.neonpay, is_sample=True)
        url = await stack.enter_async_context(serving(app, port=port))
        console.print(f"{history.payments:,} payments. The dashboard is at [bold]{url}[/bold]")
        console.print(f"The ledger is in {path}\nCtrl-C stops it.", markup=False)
        await stopped.wait()
    console.print("Stopped.")
