"""``neonpay demo``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from neonpay.errors import ConfigurationError, NeonPayError
from neonpay.installing import install_line

_SCENES = 5


def demo(
    *,
    svg: Annotated[Path | None, typer.Option(help="Also write what is shown as a picture to this file.")] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Instead, open the dashboard of a shop that has sold for 90 days.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="With --dashboard: the file in which its ledger stays.")] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --dashboard: the port to listen on; 0 picks a free one.")
    ] = 8081,
) -> None:
    """Watch a shop sell to buyers, be killed, and lose nothing; no token, no Telegram. Exit code 1 if it did lose something."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a console without stars shows question marks
    from neonpay.cli.demo.screen import WIDTH, save_picture

    console = Console(highlight=False, record=svg is not None)
    if svg is not None or not console.is_terminal:
        console.width = WIDTH
    if dashboard:
        _show_dashboard(console, keep=keep, port=port)
        return
    try:
        kept = asyncio.run(play(console))
    except ImportError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    if svg is not None:
        save_picture(console, svg)
    if not kept:
        raise typer.Exit(1)
    if svg is None:
        console.print("The dashboard of a shop that has sold for 90 days: neonpay demo --dashboard")


def _show_dashboard(console: Console, *, keep: Path | None, port: int) -> None:
    from neonpay.cli.shop import errors_in_one_line

    with errors_in_one_line():
        try:
            from neonpay.cli.demo.lively.open_to_view import place_of_ledger, show
        except ImportError as error:
            raise ConfigurationError(f"the dashboard needs more: {install_line('simulator', 'web')}") from error
        with place_of_ledger(keep) as path:
            asyncio.run(show(console, path, port=port))


async def play(console: Console, *, program: Path | None = None) -> bool:
    """Play all scenes with the example shop, or with another program; whether every promise was kept."""
    from neonpay.cli.demo.screen import Screen

    screen = Screen(console, scenes=_SCENES)
    screen.opening(
        [
            "A local Telegram, and the shop of examples/aiogram_shop.py in a process of its own, on SQLite.",
            "Three buyers have 100 ★ each. On the right is the Bot API call that carried the line.",
        ]
    )
    with screen.waiting("loading the Bot API"):
        from neonpay.cli.demo.scenes import Scenes
        from neonpay.cli.demo.shop_process import SHOP, ShopDiedError, ShopProcess
        from neonpay.simulator import Simulator
    # Windows keeps files of a process that was just killed open for a moment; that must not fail the demo.
    with tempfile.TemporaryDirectory(prefix="neonpay-demo-", ignore_cleanup_errors=True) as folder:
        async with Simulator(seed=7) as telegram:
            bot = telegram.bot("coffee_shop_bot")
            owner = telegram.user("Owner")
            ann, bob, dora = (telegram.user(name, stars=100) for name in ("Ann", "Bob", "Dora"))
            shop = ShopProcess(
                Path(folder),
                token=bot.token,
                api_url=telegram.base_url,
                admin_id=owner.id,
                program=program or SHOP,
            )
            scenes = Scenes(telegram, bot, shop, screen, owner)
            try:
                await scenes.open_shop()
                coffee = await scenes.buy_a_coffee(ann)
                await scenes.repeat_the_update(ann)
                await scenes.decline_checkouts(ann, bob, coffee=coffee)
                await scenes.kill_the_shop(dora)
                await scenes.give_stars_back(dora)
                await scenes.close_the_books()
            except (NeonPayError, ShopDiedError) as error:
                screen.stopped(str(error))
                if not isinstance(error, ShopDiedError):
                    screen.opening([shop.last_words()])
                return False
            finally:
                await shop.stop()
    screen.result(scenes.promises)
    return all(promise.kept for promise in scenes.promises)
