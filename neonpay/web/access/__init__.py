"""Who may use the dashboard, and what each may do: the door, roles, forms that are ours, and the book of acts.

A handler that changes something begins with ``require(request, Role.OPERATOR)`` and ends with ``await record_act(request, …)``;
its form holds ``{{ m.form_token() }}``. A POST without that token never reaches it.
"""

from __future__ import annotations

from neonpay.web.access.audit import record_act
from neonpay.web.access.forms import form_token
from neonpay.web.access.roles import Role
from neonpay.web.access.viewer import require, viewer
from neonpay.web.access.visit import Viewer

__all__ = ["Role", "Viewer", "form_token", "record_act", "require", "viewer"]
