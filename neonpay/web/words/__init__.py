"""What the pages say, in each of their languages: one module per page, read by ``neonpay.web.speech``.

A module has ``WORDS``: by language, by key, a sentence with places in braces. A sentence about a number is a tuple of its
forms: in English for one and for others, in Russian for 1, for 2 to 4, and for 5.
"""
