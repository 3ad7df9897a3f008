"""Money that did not move as asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neonpay.errors.base import NeonPayError


class PaymentError(NeonPayError):
    """Money did not move as asked.

    Attributes:
        charge_id: Telegram's id of the charge, where one is known.
    """

    def __init__(self, message: str, *, charge_id: str | None = None) -> None:
        self.charge_id = charge_id
        super().__init__(message)


class TelegramError(PaymentError):
    """Telegram answered and refused.

    Attributes:
        method: Bot API method.
        error_code: Telegram's code, which is also the HTTP status.
        description: Telegram's own words, e.g. ``Bad Request: chat not found``.
        retry_after_s: seconds to wait, given with code 429, else None.
    """

    def __init__(
        self,
        method: str,
        *,
        error_code: int,
        description: str,
        retry_after_s: int | None = None,
        charge_id: str | None = None,
    ) -> None:
        self.method = method
        self.error_code = error_code
        self.description = description
        self.retry_after_s = retry_after_s
        super().__init__(f"Telegram refused {method}: {error_code} {description}", charge_id=charge_id)


class TelegramUnreachableError(PaymentError):
    """No answer came: the call may or may not have taken effect.

    Attributes:
        method: Bot API method.
    """

    def __init__(self, method: str, *, charge_id: str | None = None) -> None:
        self.method = method
        super().__init__(f"no answer from Telegram to {method}; it may have taken effect", charge_id=charge_id)


class PaymentNotFoundError(PaymentError, KeyError):
    """No payment with this charge id is in the ledger."""

    def __init__(self, charge_id: str) -> None:
        super().__init__(f"no payment with charge id {charge_id!r} in the ledger", charge_id=charge_id)

    def __str__(self) -> str:
        return str(self.args[0])


class SaleRefused(PaymentError):  # noqa: N818  # the seller's own rule says no
    """A rule of the seller's, or the pace of the chat, does not let this user buy now; no invoice was made.

    Attributes:
        user_id: who wanted to buy, where that is known.
        stage_id: what.
        reason: which rule, e.g. ``blocked`` or ``too_often``.
        retry_after_s: seconds until the rule may agree, where that is known.
        buyer_text, buyer_text_in: words for the buyer, in English; called with a language code, in that language.
    """

    def __init__(
        self, reason: str, *, user_id: int | None, stage_id: str, retry_after_s: float | None, say: Callable[..., str]
    ) -> None:
        self.user_id = user_id
        self.stage_id = stage_id
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.buyer_text = say(None)
        self.buyer_text_in: Callable[[str | None], str] = say
        later = "" if retry_after_s is None else f"; again in {retry_after_s:.0f} s"
        super().__init__(f"no invoice of {stage_id!r} for user {user_id}: {reason}{later}")


class ExtensionMissingError(PaymentError):
    """Nothing was offered: the shop sells by the rules of an extension that this program does not use."""

    def __init__(self, extension: str) -> None:
        self.extension = extension
        super().__init__(
            f"this shop sells by the rules of extension {extension!r}, which this program does not use: add it with "
            f"neonpay.use(...), or, when the shop does without it: neonpay handlers retire guard:{extension}"
        )


class RequestNotFoundError(PaymentError, KeyError):
    """No request for a refund has this id."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(f"no request for a refund has the id {request_id!r}")

    def __str__(self) -> str:
        return str(self.args[0])


class ConsumerNotFoundError(PaymentError, KeyError):
    """No program of the shop has ever declared this handler.

    Attributes:
        consumer: what jobs call it.
        known: those that were declared.
    """

    def __init__(self, consumer: str, known: Sequence[str]) -> None:
        self.consumer = consumer
        self.known = tuple(known)
        super().__init__(f"no handler {consumer!r} was ever declared; there are: {', '.join(known) or 'none'}")

    def __str__(self) -> str:
        return str(self.args[0])


class RefundError(PaymentError):
    """Telegram refuses to refund this charge; ``description`` has its words. The Stars stay with the bot."""

    def __init__(self, charge_id: str, description: str) -> None:
        self.description = description
        super().__init__(f"Telegram refuses to refund {charge_id!r}: {description}", charge_id=charge_id)
