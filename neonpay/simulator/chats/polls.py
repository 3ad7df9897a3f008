"""Polls and quizzes: read from a call, voted in by people, closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.files.contents import params_of
from neonpay.simulator.text.formatting import read_formatted
from neonpay.simulator.wire.fields import whole_number
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.wire.params import Params

QUESTION_MAX_CHARS: Final = 300
OPTION_MAX_CHARS: Final = 100
OPTIONS_MAX: Final = 12
"""Bounds of a poll (API, sendPoll and InputPollOption)."""
EXPLANATION_MAX_CHARS: Final = 200
_UNSIMULATED: Final = ("media", "explanation_media", "description", "open_period", "close_date", "country_codes")
_UNSIMULATED_FLAGS: Final = ("allow_adding_options", "hide_results_until_closes", "members_only")


@dataclass(slots=True, eq=False)
class Poll:
    """A question with votes.

    Attributes:
        fields: of the ``Poll`` object, without the options and the numbers of votes.
        votes: options by voter.
        posts: the messages that show it.
    """

    bot: BotAccount
    fields: dict[str, object]
    options: list[dict[str, object]]
    votes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Poll`` object."""
        counts = [sum(number in chosen for chosen in self.votes.values()) for number in range(len(self.options))]
        options = [option | {"voter_count": count} for option, count in zip(self.options, counts, strict=True)]
        fields = self.fields | {"options": options, "total_voter_count": len(self.votes)}
        return dump(build(types.Poll, **fields))


def read_poll(params: Params, bot: BotAccount, random: Random) -> Poll:
    """The poll of a call.

    Raises:
        Refusal: question, options, type or answer cannot be (TDL, Poll and SRV: get_poll_options).
    """
    for name in _UNSIMULATED:
        if params.has(name):
            raise not_simulated(f"parameter {name}")
    for name in _UNSIMULATED_FLAGS:
        if params.boolean(name):
            raise not_simulated(f"parameter {name}")
    question = _text(params, "question", QUESTION_MAX_CHARS, "poll question")
    options = [_option(item, params) for item in _options(params)]
    if not options:
        raise bad_request("poll must have at least 1 option")  # UNVERIFIED words since one is enough
    if len(options) > OPTIONS_MAX:
        raise bad_request(f"poll can't have more than {OPTIONS_MAX} options")
    for option in options:
        option["persistent_id"] = f"{random.randrange(16**8):08x}"
    fields: dict[str, object] = {
        "id": str(random.randrange(10**17, 2**62)),
        "question": question["question"],
        "is_closed": params.boolean("is_closed"),
        "is_anonymous": params.boolean("is_anonymous") if params.has("is_anonymous") else True,
        "type": params.text("type") or "regular",
        "allows_multiple_answers": params.boolean("allows_multiple_answers"),
        "members_only": False,
    }
    if question.get("question_entities"):
        fields["question_entities"] = question["question_entities"]
    if fields["type"] not in {"regular", "quiz"}:
        raise bad_request("unsupported poll type specified")  # SRV
    is_quiz = fields["type"] == "quiz"
    fields["allows_revoting"] = params.boolean("allows_revoting") if params.has("allows_revoting") else not is_quiz
    if is_quiz:
        fields |= _answer(params, len(options))
    return Poll(bot, fields, options)


def _options(params: Params) -> list[object]:
    if not params.has("options"):
        raise bad_request("can't parse options JSON object")  # SRV: it decodes what is empty too
    return params.array("options", "options", "Expected an Array of String as options") or []


def _option(item: object, params: Params) -> dict[str, object]:
    if not isinstance(item, str | dict):
        raise bad_request("expected an option to be of type String")
    said = params_of({"text": item} if isinstance(item, str) else item, params)
    if said.has("media"):
        raise not_simulated("a poll option with media")
    found = _text(said, "text", OPTION_MAX_CHARS, "poll option")
    return {name: value for name, value in found.items() if value is not None}


def _text(params: Params, name: str, most: int, what: str) -> dict[str, object]:
    said = params_of({name: params.text(name), "parse_mode": params.text(f"{name}_parse_mode")})
    if params.has(f"{name}_entities"):
        said.values[f"{name}_entities"] = params.text(f"{name}_entities")
    text = read_formatted(said, name, f"{name}_entities", max_chars=10**6)
    if not text.text:
        raise bad_request(f"{what} must be non-empty")
    if len(text.text) > most:
        raise bad_request(f"{what} length must not exceed {most}")
    return text.fields(name, f"{name}_entities")


def _answer(params: Params, options: int) -> dict[str, object]:
    words = "Expected an Array of correct option identifiers"
    given = params.array("correct_option_ids", "correct option identifiers", words)
    right = [params.integer("correct_option_id", -1)] if given is None else [_option_id(item) for item in given]
    if not right or not all(0 <= number < options for number in right):
        raise bad_request("wrong correct option ID specified")
    fields: dict[str, object] = {"correct_option_ids": sorted(set(right))}
    if params.has("explanation"):
        explained = _text(params, "explanation", EXPLANATION_MAX_CHARS, "quiz explanation")
        fields |= {name: value for name, value in explained.items() if value is not None}
    return fields


def _option_id(item: object) -> int:
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise bad_request("correct option identifier must be of type Number")
    number = whole_number(item, bits=32)
    if number is None:
        raise bad_request("invalid correct option identifier specified")
    return number


class Polls:
    """Every poll by its id."""

    def __init__(
        self,
        accounts: Accounts,
        chats: Chats,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
    ) -> None:
        self._accounts = accounts
        self._chats = chats
        self._tell = tell
        self._by_id: dict[str, Poll] = {}

    def put(self, poll: Poll, post: Post) -> None:
        """Remember a poll that was sent."""
        poll.posts.append(post)
        self._by_id[str(poll.fields["id"])] = poll

    def forward(self, original: Post, copy: Post) -> None:
        """Have a forwarded copy show the same votes."""
        poll = self.of(original)
        if poll is not None:
            poll.posts.append(copy)

    def of(self, post: Post) -> Poll | None:
        """The poll of a message."""
        return None if post.message.poll is None else self._by_id.get(post.message.poll.id)

    def vote(self, post: Post, voter: UserAccount, chosen: Sequence[int]) -> None:
        """Choose options, or with none take the vote back; the bot is told.

        Raises:
            SimulatorError: it is no poll, is closed, or does not allow it.
        """
        poll = self.of(post)
        if poll is None or poll.fields["is_closed"]:
            raise SimulatorError(f"message {post.message.message_id} is no open poll")
        many = len(set(chosen)) > 1 and not poll.fields["allows_multiple_answers"]
        again = voter.id in poll.votes and not poll.fields["allows_revoting"]
        if many or again or not all(0 <= number < len(poll.options) for number in chosen):
            raise SimulatorError(f"{voter.first_name} cannot choose {list(chosen)} in this poll")
        poll.votes.pop(voter.id, None)
        if chosen:
            poll.votes[voter.id] = tuple(sorted(set(chosen)))
        self._show(poll)
        if not poll.fields["is_anonymous"]:
            kept = poll.votes.get(voter.id, ())
            answer = build(
                types.PollAnswer,
                poll_id=poll.fields["id"],
                user=voter.as_user,
                option_ids=list(kept),
                option_persistent_ids=[poll.options[number]["persistent_id"] for number in kept],
            )
            self._tell(poll.bot, "poll_answer", dump(answer), (int(str(poll.fields["id"])), "poll"))

    def close(self, poll: Poll) -> None:
        """Let nobody vote any more; the bot is told."""
        poll.fields["is_closed"] = True
        self._show(poll)

    def _show(self, poll: Poll) -> None:
        for post in poll.posts:
            self._chats.rewrite(post, {"poll": poll.as_json}, edited=False)
        self._tell(poll.bot, "poll", poll.as_json, (int(str(poll.fields["id"])), "poll"))
