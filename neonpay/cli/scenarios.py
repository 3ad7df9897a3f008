"""Scenario files played by ``neonpay simulate`` against the bot that is pointed at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape

from neonpay.testing.scenario import ScenarioFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from neonpay.simulator import BotAccount, Simulator
    from neonpay.testing.scenario import Scenario, Step

BOT_PATIENCE_S: Final = 120.0
"""Real seconds that a bot has to begin to take updates."""


async def play_all(telegram: Simulator, bot: BotAccount, scenarios: Sequence[Scenario], console: Console) -> bool:
    """Play one scenario after the other and tell how each went; whether all went as written.

    Raises:
        SimulatorTimeoutError: no bot began to take updates.
    """
    from neonpay.testing.playing import play  # needs the simulator

    console.print(f"Waiting for @{bot.username} to take updates.", highlight=False)
    await telegram.until(
        lambda: telegram.polling(bot) or telegram.calls("setWebhook", bot=bot),
        timeout_s=BOT_PATIENCE_S,
        what=f"{bot.username} to poll or to set a webhook",
    )
    failed = 0
    for scenario in scenarios:
        console.print(f"\n[bold]{escape(scenario.name)}[/] ({escape(str(scenario.path))})", highlight=False)
        try:
            await play(scenario, telegram, bot=bot, told=lambda step: _tell(step, console))
        except ScenarioFailedError as error:
            failed += 1
            console.print(f"  [red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        else:
            console.print("  [green]as written[/]")
    console.print(f"\n{len(scenarios) - failed} of {len(scenarios)} scenarios went as written.", highlight=False)
    return failed == 0


def _tell(step: Step, console: Console) -> None:
    console.print(f"  [green]✓[/] {escape(step.text)}", highlight=False, soft_wrap=True)
