"""A message to people or programs that did not arrive."""

from __future__ import annotations

from neonpay.errors.base import NeonPayError


class NotificationError(NeonPayError):
    """A message did not arrive.

    Attributes:
        channel: by which it was sent: ``email``, ``telegram``, ``sms``, ``webhook``, ``slack`` or ``discord``.
    """

    def __init__(self, channel: str, finding: str) -> None:
        self.channel = channel
        super().__init__(f"{channel}: {finding}")


class NotificationRefusedError(NotificationError):
    """The channel refuses it for good; sending it again would not help."""


class NotificationDelayedError(NotificationError):
    """The channel has not taken it now, and may later; whether it arrived is not known when there was no answer.

    Attributes:
        retry_after_s: seconds after which the channel wants to be asked again; None when it did not say.
    """

    def __init__(self, channel: str, finding: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(channel, finding)
        self.retry_after_s = retry_after_s
