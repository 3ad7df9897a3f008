"""/paysupport, /terms and /support, for shops that want the bot to answer them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neonpay.app.base import Application
from neonpay.core.ports import Conversing
from neonpay.errors import AdapterError, ConfigurationError
from neonpay.support.desk import SupportRules


class Supporting(Application):
    """The commands that Telegram asks a shop to answer."""

    def enable_support(
        self,
        *,
        admins: Sequence[int] = (),
        terms: str | Mapping[str, str] | None = None,
        contact: str | Mapping[str, str] | None = None,
        admin_language: str = "en",
    ) -> None:
        """Answer /paysupport in private chats from now on, and /terms and /support when their texts are given.

        /paysupport lists the buyer's payments, takes a request, and applies the refund policy of the stage; where that says
        so, every admin gets the request with buttons to approve or refuse it. Buyers read their language where there is a
        catalogue of it, and English otherwise. Telegram requires /paysupport of bots that sell for Stars
        (https://telegram.org/tos/bot-developers, section 6.2, read 2026-11-20). Call it before the bot starts.

        Args:
            admins: user ids of those who decide; each must have started the bot.
            terms: answer to /terms: one text, or texts by language code, the first of which is for all other languages.
            contact: answer to /support, also shown under /paysupport.
            admin_language: code of the language that the admins read, such as ``en`` or ``ru``.

        Raises:
            ConfigurationError: it was called before, or an admin is no user id.
            AdapterError: the bot's library cannot hand over commands.
        """
        if self._support_rules is not None:
            msg = "enable_support was called before; call it once with all its texts"
            raise ConfigurationError(msg)
        if not all(_is_user_id(admin) for admin in admins):
            msg = f"admins are user ids such as 123456789; got {list(admins)!r}"
            raise ConfigurationError(msg)
        if not isinstance(self._adapter, Conversing):
            msg = f"the adapter of {self._adapter.library} does not hand over commands; answer /paysupport yourself"
            raise AdapterError(msg)
        self._support_rules = SupportRules(
            admins=tuple(admins), terms=terms, contact=contact, admin_language=admin_language
        )
        self._join_support(self._pipeline)
        self._adapter.converse()


def _is_user_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
