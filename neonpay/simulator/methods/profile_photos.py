"""Photos of profiles: what a bot shows of itself, and what it sees of people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.files.store import About
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.files.store import StoredFile
    from neonpay.simulator.wire.fields import Fields
    from neonpay.simulator.wire.params import Upload

_FRAME_MAX_S: Final = 10.0
"""Latest frame of an animation that can stand for it (TDL, MAX_ANIMATION_DURATION)."""
_PHOTOS_MAX: Final = 100
"""Most photos in one answer (SRV)."""


@simulated(
    "Uploads only, as the Bot API has it: a picture, or an animation, of which nothing is shown and its size is not looked at. "
    "The photos before stay behind the newest."
)
def set_my_profile_photo(request: Request) -> Done:
    """Show a photo beside the bot's name."""
    said = request.params.fields("photo", "photo", "Object expected as profile photo")
    if said is None:
        raise bad_request("Photo isn't specified")  # SRV: get_input_chat_photo
    request.bot.photos.insert(0, _photo(request, said))
    return Done(True)


@simulated("The newest one. UNVERIFIED: that the one before it is shown again.")
def remove_my_profile_photo(request: Request) -> Done:
    """Take the photo away."""
    del request.bot.photos[:1]  # TDL: without one, it is done
    return Done(True)


@simulated("The photos that bots have set, and that `telegram.picture(…)` or `/_sim/` gave, each in one size.")
def get_user_profile_photos(request: Request) -> Done:
    """The photos of a person's or a bot's profile, the newest first."""
    params, accounts = request.params, request.world.accounts
    user_id = params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")  # SRV: get_user_id
    account = accounts.users.get(user_id) or accounts.bots.get(user_id)
    if account is None:
        raise bad_request("user not found")  # SRV: check_user
    offset = params.integer("offset", 0, minimum=0)
    limit = params.integer("limit", _PHOTOS_MAX, minimum=1, maximum=_PHOTOS_MAX)
    photos = [photo.as_photo for photo in account.photos[offset : offset + limit]]
    return Done(dump(build(types.UserProfilePhotos, total_count=len(account.photos), photos=photos)))


def _photo(request: Request, said: Fields) -> StoredFile:
    kind = said.required_text("type")
    if kind == "static":
        return request.world.files.keep("photo", _upload(request, said.required_text("photo")), About())
    if kind != "animated":
        raise Unreadable("Invalid profile photo type specified")
    reference, frame_s = said.required_text("animation"), said.number("main_frame_timestamp")
    upload = _upload(request, reference)
    if not 0 <= frame_s <= _FRAME_MAX_S:
        raise bad_request("Wrong main frame timestamp specified")  # TDL
    request.world.files.keep("animation", upload, About())
    return request.world.files.unseen_photo()


def _upload(request: Request, reference: str) -> Upload:
    name = reference.removeprefix("attach://")
    if name == reference or name not in request.params.files:
        raise Unreadable("Photo must be uploaded as a file")  # SRV: an id or an address is none
    return request.params.files[name]


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getUserProfilePhotos": get_user_profile_photos,
        "removeMyProfilePhoto": remove_my_profile_photo,
        "setMyProfilePhoto": set_my_profile_photo,
    }
)
