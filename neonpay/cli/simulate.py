"""``neonpay simulate``: a local Telegram for a bot in another process."""

from __future__ import annotations

import asyncio
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape

from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import COULD_NOT
from neonpay.cli.stopping import told_to_stop
from neonpay.cli.welcome import page_url, print_welcome
from neonpay.errors import ConfigurationError, SimulatorError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from neonpay.simulator import BotAccount, Simulator
    from neonpay.testing.scenario import Scenario

PORT: Final = 8082
"""Next to 8081, where the dashboard listens: the two are often looked at side by side."""
_STARS = 1_000
_ANN_ID: Final = 5_697_685_513
"""Settings of a bot may name her, so she is the same person in every run that has no seed of its own."""


def simulate(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[
        int | None,
        typer.Option(help="Every generated id follows from it; when left out, ids are other ones in each run."),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(help="Token of a bot; give it again for more. When left out, one is made that no other run has."),
    ] = None,
    bot_name: Annotated[
        list[str] | None, typer.Option(help="What people see as the name of a bot; again for the next one, in order.")
    ] = None,
    control_from_anywhere: Annotated[
        bool, typer.Option("--control-from-anywhere", help="Let any machine use all of it, by any name; no password.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="What goes wrong, such as '429 sendMessage retry_after_s=3 times=2'; again for more."),
    ] = None,
    fetch_pictures: Annotated[
        bool, typer.Option("--fetch-pictures", help="Show pictures of invoices; their addresses are asked for them.")
    ] = False,
    frozen: Annotated[bool, typer.Option("--frozen", help="Time stands still until it is moved.")] = False,
    scenario: Annotated[
        list[Path] | None, typer.Option(help="Scenario file to play against the bot, and then end; again for more.")
    ] = None,
) -> None:
    """Run a local Telegram: point a bot at it, and play its buyers on a page in the browser or over HTTP."""
    # No colon of a URL is looked for among the names of emoji.
    console, errors = Console(emoji=False), Console(stderr=True, soft_wrap=True, emoji=False)
    try:
        from neonpay.simulator.uncollected import uncollected

        with uncollected():
            from neonpay.simulator.wire.models import load_models

            load_models()
            from neonpay.simulator import RunningClock, Simulator
            from neonpay.simulator.control.conditions import add_fault, fault_from_text
    except ImportError as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(COULD_NOT) from error
    try:
        scenarios = _read(scenario) if scenario else []
    except ConfigurationError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from error
    telegram = Simulator(
        seed=seed,
        host=host,
        port=port,
        clock=RunningClock(),
        control_from_anywhere=control_from_anywhere,
        fetch_pictures=fetch_pictures,
    )
    bots = _bots(telegram, token or [None], bot_name or [])
    try:
        for text in fault or []:
            add_fault(telegram.faults, fault_from_text(text))
    except SimulatorError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    if frozen:
        telegram.freeze()
    try:
        ann_id = _ANN_ID if seed is None else None
        went_well = asyncio.run(_run(telegram, bots, console, ann_id=ann_id, open_page=open_page, scenarios=scenarios))
    except SimulatorError as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(COULD_NOT) from error
    except OSError as error:
        why = f"{escape(error.strerror or str(error))}; type: neonpay simulate --port 0, which picks a free one"
        errors.print(f"[red]Cannot listen on {escape(host)} port {port}:[/] {why}")
        raise typer.Exit(COULD_NOT) from error
    if not went_well:
        raise typer.Exit(1)


def _read(files: Sequence[Path]) -> list[Scenario]:
    from neonpay.testing.scenario import read_scenario

    return [read_scenario(file) for file in files]


def _bots(telegram: Simulator, tokens: Sequence[str | None], names: Sequence[str]) -> list[BotAccount]:
    if len(names) > len(tokens):
        words = f"there are {len(names)} names for {counted(len(tokens), 'bot')}; give --token for each"
        raise typer.BadParameter(words, param_hint="--bot-name")
    bots = []
    for number, token in enumerate(tokens, start=1):
        name = names[number - 1] if number <= len(names) else None
        try:
            bots.append(telegram.bot(f"bot{number}_bot", token=token, name=name))
        except SimulatorError as error:
            raise typer.BadParameter(
                str(error), param_hint="--token" if name is None else "--token, --bot-name"
            ) from error
    return bots


async def _run(
    telegram: Simulator,
    bots: list[BotAccount],
    console: Console,
    *,
    ann_id: int | None,
    open_page: bool,
    scenarios: Sequence[Scenario],
) -> bool:
    """Serve until told to stop, or until every scenario was played; whether those went as written."""
    stopped = told_to_stop()
    async with telegram:
        buyer = telegram.user("Ann", stars=_STARS, user_id=ann_id)
        print_welcome(telegram, bots, buyer, stars=_STARS)
        if open_page and not await asyncio.to_thread(webbrowser.open, page_url(telegram)):
            console.print("No browser could be opened here.", style="yellow")
        if not scenarios:
            await stopped.wait()
            went_well = True
        else:
            from neonpay.cli.scenarios import play_all

            went_well = await _played_or_stopped(play_all(telegram, bots[0], scenarios, console), stopped)
    console.print("Stopped.")
    return went_well


async def _played_or_stopped(playing: Coroutine[Any, Any, bool], stopped: asyncio.Event) -> bool:
    """Whether the scenarios went as written; one that is stopped did not."""
    play, stop = asyncio.create_task(playing), asyncio.create_task(stopped.wait())
    await asyncio.wait({play, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not play.done():
        play.cancel()
        await asyncio.gather(play, return_exceptions=True)
        return False
    return play.result()
