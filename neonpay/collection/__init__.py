"""Many bots and a centre: bots send what people did and what was paid, signed and once; a centre keeps it.

``wire`` is what goes over it, ``receiving`` and below it the centre, ``sending`` the bots.
"""
