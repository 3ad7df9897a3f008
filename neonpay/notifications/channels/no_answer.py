"""Why nobody has answered a post, in words without its address, which is a secret with most services."""

from __future__ import annotations

import socket
import ssl

import aiohttp


def no_answer(error: Exception, timeout_s: float) -> str:
    """What went wrong, and where to look."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "no answer: the certificate of the address is not trusted"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLError):
        return "no answer: TLS is not spoken at the address; is it http:// or another port?"
    if isinstance(cause, socket.gaierror):
        return "no answer: the name in the address is not known"
    if isinstance(cause, ConnectionRefusedError):
        return "no answer: nobody listens at the address"
    if isinstance(cause, aiohttp.ServerDisconnectedError | ConnectionError):
        return "no answer: the connection was ended without one"
    return f"no answer ({type(cause).__name__})"
