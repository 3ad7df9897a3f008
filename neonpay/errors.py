"""Every error that neonpay raises.

::

    ConfigurationError (ValueError)      the program is set up wrongly; never raised by an update or a payment
    ├── AdapterError                     the bot library is missing, unknown, or used in a way that cannot work
    │   └── AdapterNotInstalledError (ImportError)
    ├── HandlerError                     a handler cannot be called, none of its lines would run, or two share a name
    └── ExtensionError                   an extension is broken, or lacks something: extension, advice

    NeonPayError                         something went wrong while running
    ├── ValidationError (ValueError)     a value breaks a rule: field, value, bound
    ├── StageError
    │   ├── StageNotFoundError (KeyError)
    │   ├── StageExistsError (ValueError)
    │   └── StageLimitError (ValueError)
    ├── PayloadError                     an invoice payload that is not ours, or was altered
    │   ├── ForeignPayloadError
    │   └── ForgedPayloadError
    ├── PaymentError                     money did not move as asked
    │   ├── TelegramError                Telegram said no: method, error_code, description, retry_after_s
    │   ├── TelegramUnreachableError     no answer: whether Telegram acted is unknown
    │   ├── PaymentNotFoundError (KeyError)
    │   ├── SaleRefused                  a limit, a block, or too many wait for the chat: reason, retry_after_s, buyer_text
    │   ├── ExtensionMissingError        the shop sells by the rules of an extension that this program does not use
    │   ├── RequestNotFoundError (KeyError)
    │   ├── ConsumerNotFoundError (KeyError) no program of the shop has declared this handler
    │   └── RefundError                  Telegram refuses to refund this charge
    ├── LedgerError                      the database did not do what was asked; nothing of the unit was kept
    │   ├── LedgerUnavailableError       cannot be reached or opened
    │   │   ├── NoLedgerError            there is no ledger, and none was to be made
    │   │   └── SchemaTooOldError        written by an older neonpay, and not to be upgraded
    │   ├── LedgerLockedError (TimeoutError)
    │   ├── LedgerFullError              no room left on the device
    │   ├── LedgerReadOnlyError          cannot be written to, or this program said that it only reads
    │   ├── LedgerCorruptError
    │   ├── LedgerClosedError
    │   ├── BusyError                    another worker does it right now
    │   ├── LeaseLostError               another worker or a refund has ended this attempt; nothing more of it is kept
    │   ├── TransactionEndedError        code that was lent a connection has ended its transaction, or lost it
    │   └── SchemaTooNewError            written by a newer neonpay
    └── SimulatorError                   the simulator was asked for something that its Telegram would not do
        └── SimulatorTimeoutError (TimeoutError)

    RejectPayment                        a verdict of yours, raised in a payment handler: the Stars go back
    RefundRefused                        a verdict of yours, raised in a refund request hook: they stay

``ConfigurationError`` stands outside ``NeonPayError`` so that code which catches run-time failures of payments cannot hide a
program that was never able to take one. Data is on attributes; messages never hold a token, a secret or a payload.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = [
    "AdapterError",
    "AdapterNotInstalledError",
    "BusyError",
    "ConfigurationError",
    "ConsumerNotFoundError",
    "ExtensionError",
    "ExtensionMissingError",
    "ForeignPayloadError",
    "ForgedPayloadError",
    "HandlerError",
    "LeaseLostError",
    "LedgerClosedError",
    "LedgerCorruptError",
    "LedgerError",
    "LedgerFullError",
    "LedgerLockedError",
    "LedgerReadOnlyError",
    "LedgerUnavailableError",
    "NeonPayError",
    "NoLedgerError",
    "PayloadError",
    "PaymentError",
    "PaymentNotFoundError",
    "RefundError",
    "RefundRefused",
    "RejectPayment",
    "RequestNotFoundError",
    "SaleRefused",
    "SchemaTooNewError",
    "SchemaTooOldError",
    "SimulatorError",
    "SimulatorTimeoutError",
    "StageError",
    "StageExistsError",
    "StageLimitError",
    "StageNotFoundError",
    "TelegramError",
    "TelegramUnreachableError",
    "TransactionEndedError",
    "ValidationError",
]


class ConfigurationError(ValueError):
    """The program is set up wrongly; the message shows the line to write."""


class AdapterError(ConfigurationError):
    """A bot object that cannot be served as it was given."""


class AdapterNotInstalledError(AdapterError, ImportError):
    """The bot library was asked for by name and is not installed."""


class HandlerError(ConfigurationError):
    """A handler that cannot be called, none of whose lines would run, or whose stable name is taken."""


class ExtensionError(ConfigurationError):
    """An extension that cannot be used; what does not need it goes on working.

    Attributes:
        extension: its name.
        advice: what to type; None when only whoever wrote the extension can mend it.
    """

    def __init__(self, extension: str, finding: str, *, advice: str | None = None) -> None:
        self.extension = extension
        self.advice = advice
        super().__init__(f"extension {extension}: {finding}" + (f"; {advice}" if advice else ""))


class NeonPayError(Exception):
    """Base of everything that goes wrong while running."""


class ValidationError(NeonPayError, ValueError):
    """A value breaks a rule.

    Attributes:
        field: name of the field.
        value: what was given.
        bound: the rule, in words, with its unit.
    """

    def __init__(self, field: str, value: object, bound: str) -> None:
        self.field = field
        self.value = value
        self.bound = bound
        super().__init__(f"{field} must be {bound}; got {_shown(value)}")


class StageError(NeonPayError):
    """Something about a payment stage; ``stage_id`` names it."""

    def __init__(self, message: str, *, stage_id: str) -> None:
        self.stage_id = stage_id
        super().__init__(message)


class StageNotFoundError(StageError, KeyError):
    """No stage has this id."""

    def __init__(self, stage_id: str) -> None:
        super().__init__(f"no payment stage {stage_id!r}; create it with create_payment_stage()", stage_id=stage_id)

    def __str__(self) -> str:
        return str(self.args[0])


class StageExistsError(StageError, ValueError):
    """The id is taken."""

    def __init__(self, stage_id: str) -> None:
        super().__init__(
            f"payment stage {stage_id!r} exists already; change it with replace_payment_stage()", stage_id=stage_id
        )


class StageLimitError(StageError, ValueError):
    """The registry holds as many stages as it may; ``max_stages`` says how many."""

    def __init__(self, stage_id: str, max_stages: int) -> None:
        self.max_stages = max_stages
        super().__init__(
            f"cannot create payment stage {stage_id!r}: there are {max_stages} already; raise max_stages",
            stage_id=stage_id,
        )


class PayloadError(NeonPayError):
    """An invoice payload that cannot be used."""


class ForeignPayloadError(PayloadError):
    """The payload was not made by neonpay: the invoice belongs to the host bot."""


class ForgedPayloadError(PayloadError):
    """The payload looks like ours but its signature does not verify with any known key."""


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


class RejectPayment(Exception):  # noqa: N818  # a verdict that a handler gives, not a fault
    """Raise it in a payment handler to end the delivery of this payment and send the Stars back.

    Attributes:
        reason: why, in words for the owner; the buyer is not told them.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class RefundRefused(Exception):  # noqa: N818  # a verdict that a hook gives, not a fault
    """Raise it in a ``neonpay.refunds.on_request`` hook to refuse what a buyer asks for; the buyer reads ``message``."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class LedgerError(NeonPayError):
    """The database did not do what was asked; nothing of the failed unit was kept."""


class LedgerUnavailableError(LedgerError):
    """The database cannot be reached or opened."""


class NoLedgerError(LedgerUnavailableError):
    """There is no ledger, and whoever asked was not to make one."""


class SchemaTooOldError(LedgerUnavailableError):
    """An older neonpay wrote the database, and whoever asked was not to upgrade it.

    Attributes:
        schema: what the database has.
        needed: what this program needs.
    """

    def __init__(self, schema: str, needed: str) -> None:
        self.schema = schema
        self.needed = needed
        super().__init__(
            f"the ledger has schema {schema!r} and this program needs {needed!r}; start the bot with this release once, "
            "which upgrades it"
        )


class LedgerLockedError(LedgerError, TimeoutError):
    """Another process held the database for longer than the wait allows."""


class LedgerFullError(LedgerError):
    """No room left for the database."""


class LedgerReadOnlyError(LedgerError):
    """The database cannot be written to, or the program said with ``role="reads"`` that it only reads."""


class LedgerCorruptError(LedgerError):
    """The file is damaged or is not a database."""


class LedgerClosedError(LedgerError):
    """The ledger was closed; nothing is written any more."""


class BusyError(LedgerError):
    """Another worker has the periodic task and did not give it back in time; call again later.

    Attributes:
        task: what it is about, e.g. ``reconcile``.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"another worker is at {task} right now; call again later")


class LeaseLostError(LedgerError):
    """Another worker has taken the job over or finished it, or a refund has ended it; nothing more of this attempt is kept."""


class TransactionEndedError(LedgerError):
    """Code that was lent a connection has ended its transaction by a back door, or the connection was lost while it had it."""


class SchemaTooNewError(LedgerError):
    """The database was written by a newer neonpay; upgrade this program."""


class SimulatorError(NeonPayError):
    """The simulator was asked for something that its Telegram would not do."""


class SimulatorTimeoutError(SimulatorError, TimeoutError):
    """What a test waited for did not happen in time.

    Attributes:
        what: what was waited for.
        timeout_s: real seconds waited.
    """

    def __init__(self, what: str, timeout_s: float) -> None:
        self.what = what
        self.timeout_s = timeout_s
        super().__init__(f"waited {timeout_s:g} s of real time for {what}; it did not happen")


_SHOWN_CHARS = 80


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deep to show"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:60]}… ({len(text)} characters)"
