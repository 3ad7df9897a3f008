"""From the bytes of a request to the bytes of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.mtproto.asked import Asked
from neonpay.simulator.mtproto.methods import METHODS
from neonpay.simulator.mtproto.reading import not_simulated
from neonpay.simulator.mtproto.refusals import RpcRefusal

if TYPE_CHECKING:
    from neonpay.simulator.mtproto.line import Line
    from neonpay.simulator.mtproto.tl import TlObject

_WRAPPERS: Final = frozenset({"InvokeWithLayer", "InitConnection", "InvokeWithoutUpdates"})
_BEFORE_SIGNING_IN: Final = frozenset({"auth.ImportBotAuthorization", "help.GetConfig"})


async def answer(line: Line, request: bytes) -> bytes:
    """The result of a request, or an ``RpcError``.

    Raises:
        SimulatorError: this is not simulated.
        ConnectionError: the session is closed, or its connection broke, on demand, before anything was done.
        TimeoutError: it was done and the answer is lost, on demand.
    """
    if not line.is_open:
        raise ConnectionError("the session is closed")
    try:
        result = await _result(line, line.tl.read_request(request))
    except RpcRefusal as refusal:
        result = line.tl.make("RpcError", error_code=refusal.code, error_message=refusal.word)
    return line.tl.write(result)


async def _result(line: Line, request: TlObject) -> TlObject:
    name = line.tl.name_of(request)
    if name in _WRAPPERS:
        if name == "InvokeWithoutUpdates":
            line.wants_no_updates()
        return await _result(line, request.query)
    method = METHODS.get(name)
    if method is None:
        raise not_simulated(name)
    if line.bot is None and name not in _BEFORE_SIGNING_IN:
        raise RpcRefusal(401, "AUTH_KEY_UNREGISTERED")
    return await method(Asked(line, request, line.bot))
