"""Payloads signed and verified with the keys of one bot, which all of its workers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neonpay.core.clock import Clock
from neonpay.core.payload import InvoiceRef, PayloadCodec
from neonpay.errors import ForeignPayloadError, ForgedPayloadError
from neonpay.ledger import Ledger
from neonpay.store.ids import new_event_id
from neonpay.store.signing_keys import insert_key, load_keys, read_keys


class Signing:
    """Signs and verifies payloads.

    Args:
        secrets: keys that the program gives, newest first; the ledger's own go on verifying.
    """

    def __init__(
        self,
        ledger: Ledger,
        bot_id: int,
        secrets: Sequence[bytes],
        *,
        clock: Clock,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._secrets = secrets
        self._clock = clock
        self._token_bytes = token_bytes
        self._codec: PayloadCodec | None = None
        self.is_ready = False
        """Whether the keys were read."""

    def codec(self) -> PayloadCodec:
        """What signs now."""
        assert self._codec is not None, "the pipeline is opened before anything is signed"
        return self._codec

    async def load(self) -> None:
        """Read the bot's keys, and make the first one when there is none."""
        keys = await self._ledger.read(read_keys, self._bot_id)
        if not keys:
            keys = await self._ledger.run(load_keys, self._bot_id, self._clock.now_us(), self._token_bytes)
        self._codec = PayloadCodec(self._bot_id, [*self._secrets, *keys])
        self.is_ready = True

    async def rotate(self) -> None:
        """Sign with a new key from now on; what was signed with older ones goes on verifying.

        A shop with secrets of its own signs with the first of them, and the new key only verifies.
        """
        new = (self._bot_id, self._clock.now_us(), self._token_bytes)
        await self._ledger.run(insert_key, *new, key_id=new_event_id())
        await self.load()

    async def verify(self, payload: str) -> InvoiceRef:
        """What a payload says.

        Raises:
            ForeignPayloadError, ForgedPayloadError: it was not made here, or was altered.
        """
        try:
            return self.codec().decode(payload)
        except ForgedPayloadError:
            # Another worker may have begun to sign with a new key.
            await self.load()
            return self.codec().decode(payload)

    async def read(self, payload: str) -> InvoiceRef | None:
        """What a payload says; None when it is not ours or its signature does not verify."""
        try:
            return await self.verify(payload)
        except (ForgedPayloadError, ForeignPayloadError):
            return None

    async def price_of(self, payload: str) -> int | None:
        """The price in Stars that a payload of ours was signed with, or None when its signature does not verify."""
        ref = await self.read(payload)
        return None if ref is None else ref.price_stars
