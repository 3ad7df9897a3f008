"""Charts as SVG that the server draws: pure functions from figures to markup.

A chart has no colour and no size of its own. Classes name what a mark means, ``static/charts.css`` says how that looks, and
all that lies along the width is given in per cent, so that one drawing is right on a phone and on a wide screen. Whatever text
comes in is escaped.
"""

from neonpay.web.charts.bars import Bar, bars
from neonpay.web.charts.buckets import MARKS_MAX, fits
from neonpay.web.charts.dots import Dot, dots
from neonpay.web.charts.figure import Figure, Key, Table
from neonpay.web.charts.scale import Scale, scale
from neonpay.web.charts.steps import Step, steps
from neonpay.web.charts.stream import blank_stream, stream
from neonpay.web.charts.stroke import stroke
from neonpay.web.charts.tints import tint

__all__ = [
    "MARKS_MAX",
    "Bar",
    "Dot",
    "Figure",
    "Key",
    "Scale",
    "Step",
    "Table",
    "bars",
    "blank_stream",
    "dots",
    "fits",
    "scale",
    "steps",
    "stream",
    "stroke",
    "tint",
]
