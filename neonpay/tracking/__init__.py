"""Soft events: what people did beside buying, counted without anybody waiting for it. No figure of the books goes by them."""

from __future__ import annotations

from neonpay.tracking.extension import Tracking as Tracking
from neonpay.tracking.kinds import SoftKind as SoftKind
from neonpay.tracking.rows import write_soft as write_soft
from neonpay.tracking.soft_event import SoftEvent as SoftEvent
