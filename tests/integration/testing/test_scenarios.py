"""Scenario files: the ones that ship, and what is said of one that does not go as written."""

from __future__ import annotations

from importlib import util
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from neonpay.cli.scenarios import play_all
from neonpay.errors import ConfigurationError
from neonpay.simulator import Simulator
from neonpay.testing import ScenarioFailedError, SimulatedClock, play, read_scenario, running

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SCENARIOS = sorted((EXAMPLES / "scenarios").glob("*.scenario.*"))
OF_THE_TEA_HOUSE = [path for path in SCENARIOS if "tea_house" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def tea_house():
    spec = util.spec_from_file_location("tea_house", EXAMPLES / "tea_house.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def telegram():
    async with Simulator() as telegram:
        yield telegram


@pytest.fixture
async def shop(telegram, tea_house, sqlite_url):
    """The tea house, open, in the simulator's process and time."""
    bot = telegram.aiogram_bot("tea_bot")
    dispatcher, neonpay = tea_house.open_tea_house(
        bot,
        database_url=sqlite_url,
        owner_word="open sesame",
        clock=SimulatedClock(telegram.clock),
        poll_s=0.01,
        messages_per_s=None,
        reconcile_every_s=None,
    )
    async with running(bot, dispatcher=dispatcher, neonpay=neonpay):
        yield neonpay


@pytest.mark.parametrize("path", OF_THE_TEA_HOUSE, ids=lambda path: path.name.partition(".")[0])
async def test_the_tea_house_goes_by_its_scenarios(path, telegram, shop):
    await play(path, telegram)


def test_the_six_scenarios_of_a_shop_are_there():
    names = {path.name.partition(".")[0] for path in OF_THE_TEA_HOUSE}
    assert {"invitation", "commission", "discount", "last-one", "tiers", "fifty-discounts"} <= names


@pytest.fixture
def written(tmp_path):
    """Writes a scenario; steps begin in line 3."""

    def write(*steps, people="{Ann: 100, Bob: 5}", name="a.scenario.yaml"):
        path = tmp_path / name
        lines = "\n".join(f"- {step}" for step in steps)
        path.write_text(f"people: {people}\nsteps:\n{lines}\ntimeout_s: 0.3\n", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("steps", "line", "message"),
    [
        (["Ann says: /start", "Ann hears: Good evening"], 4, "Ann did not hear that within 0.3 s"),
        (["Ann says: /start", "Ann hears: Good evening"], 4, "tea_bot: 'Welcome, Ann!"),
        (["Ann says: /start", "Ann hears: Welcome", "Ann pays"], 5, "no invoice: 'Welcome, Ann!"),
        (["Ann pays"], 3, "write 'Ann hears: ...' before"),
        (["Ann says: /buy pot", "Ann hears", "Ann pays: declined"], 5, "it ended as 'paid'"),
        (["Bob says: /buy pot", "Bob hears", "Bob pays"], 5, "it ended as 'balance_too_low' (BALANCE_TOO_LOW)"),
        (["Ann says: hello", "balance: {Ann: 99}"], 4, "the balances are {'Ann': 100}"),
        (["Ann says: /start", "calls: {sendInvoice: 1}"], 4, "sendInvoice was called 0 times"),
        (["Ann says: /start", "refunded: Ann"], 4, "Ann has paid nothing yet"),
        (["step"], 3, "nothing waits for time to pass"),
        (["advance: a while"], 3, "write '30 days'"),
        (["Ann says: /start", "Ann hears", "Ann presses: Buy"], 5, "no button 'Buy'"),
        (["fault: sulk *"], 3, "'sulk *' is no fault"),
        (["together: [Ann says: /start, Bob pays]"], 3, "Bob has heard nothing yet"),
    ],
)
async def test_a_step_that_does_not_go_as_written_is_told_with_its_line(written, telegram, shop, steps, line, message):
    path = written(*steps)
    with pytest.raises(ScenarioFailedError) as failed:
        await play(path, telegram)
    assert (failed.value.path, failed.value.line) == (path, line)
    assert message in failed.value.reason
    assert str(failed.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    ("steps", "line", "message"),
    [
        (["Ann sings: a song"], 3, "nobody knows how Ann 'sings'; there is: says"),
        (["Zoe says: hello"], 3, "begins with no one of Ann, Bob"),
        (["Ann says"], 3, "'says' needs something after a colon"),
        (["Ann says: hi\n  Bob says: hi"], 3, "a step is one thing"),
        (["step", "for each: [Zoe]\n  steps: [step]"], 4, "'for each' has a list of people"),
        (["together: 3"], 3, "steps are a list"),
        (["{Ann says: [}"], 3, "no YAML"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_told_with_its_line(written, steps, line, message):
    path = written(*steps)
    with pytest.raises(ConfigurationError) as wrong:
        read_scenario(path)
    assert str(wrong.value).startswith(f"{path}:{line}: ")
    assert message in str(wrong.value)


@pytest.mark.parametrize("people", ["[Ann]", "{ann: 5}", "{Ann: many}", "{Ann: -1}", "{Someone: 1}"])
def test_people_are_names_with_stars(written, people):
    with pytest.raises(ConfigurationError, match=r"yaml:1: "):
        read_scenario(written("step", people=people))


async def test_a_scenario_in_python_tells_its_line_too(tmp_path, telegram, shop):
    path = tmp_path / "tea.py"
    path.write_text(
        '"""Tea in Python."""\n\nasync def scenario(telegram, bot):\n    ann = telegram.user("Ann", stars=100)\n'
        '    await ann.says("/buy pot")\n    await ann.pays(await ann.hears())\n    assert ann.stars == 1, "too few"\n'
    )
    assert read_scenario(path).name == "Tea in Python."
    with pytest.raises(ScenarioFailedError) as failed:
        await play(path, telegram)
    assert (failed.value.line, failed.value.step) == (7, 'assert ann.stars == 1, "too few"')
    assert "too few" in failed.value.reason


async def test_the_command_line_tells_each_step_and_counts(written, telegram, shop):
    good = read_scenario(written("Ann says: /start", "Ann hears: Welcome", name="good.scenario.yaml"))
    bad = read_scenario(written("Ann says: /start", "Ann hears: Farewell", name="bad.scenario.yaml"))
    out = StringIO()
    console = Console(file=out, width=200)
    assert await play_all(telegram, telegram.bots()[0], [good], console)
    assert not await play_all(telegram, telegram.bots()[0], [good, bad], console)
    assert "✓ Ann hears: Welcome" in out.getvalue()
    assert "bad.scenario.yaml:4: Ann hears: Farewell" in out.getvalue()
    assert "1 of 2 scenarios went as written." in out.getvalue()


async def test_one_of_several_bots_has_to_be_named(written, telegram):
    path = written("Ann says: hello")
    for name in ("one_bot", "two_bot"):
        telegram.bot(name)
    with pytest.raises(ConfigurationError, match="which of 2 bots"):
        await play(path, telegram)
    await play(path, telegram, bot=telegram.bot("two_bot"))
    assert [update.kind for update in telegram.updates(telegram.bot("two_bot"))] == ["message"]


async def test_a_saved_conversation_is_a_scenario_that_passes(telegram, shop, tmp_path):
    tea_bot, ann = telegram.bots()[0], telegram.user("Ann", stars=300)
    await ann.says("/start", to=tea_bot)
    await ann.says("/buy credits", to=tea_bot)
    invoice = await ann.hears(predicate=lambda message: message.invoice is not None)
    assert (await ann.pays(invoice)).status == "paid"
    await ann.hears(containing="are yours")
    assert (await ann.pays(invoice)).status == "paid"
    await ann.hears(containing="are yours")
    await ann.says("/club", to=tea_bot)
    offer = await ann.hears(containing="every month")
    await ann.pays((await ann.presses("Join", on=offer)).form)
    await ann.hears(containing="Welcome to the club")
    ann.has_stars(40)
    await telegram.advance(days=30)
    await ann.hears(containing="tea of the month")
    url = f"{telegram.base_url}/page/scenarios/{tea_bot.id}/{ann.id}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        saved = tmp_path / "tea.scenario.yaml"
        saved.write_text(await response.text(), encoding="utf-8")
    told = saved.read_text(encoding="utf-8")
    assert {"  - Ann pays", '  - Ann presses: "Join for 30 Stars"', "  - Ann has stars: 40"} <= set(told.splitlines())
    await play(saved, telegram)
