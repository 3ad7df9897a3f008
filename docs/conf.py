"""Sphinx configuration. `make docs` builds with every warning, broken references included, as an error."""

from __future__ import annotations

import re
from pathlib import Path

_VERSION_FILE = Path(__file__).resolve().parents[1] / "neonpay" / "_version.py"
_found = re.search(r'__version__ = "([^"]+)"', _VERSION_FILE.read_text(encoding="utf-8"))
if _found is None:
    msg = f"no __version__ in {_VERSION_FILE.name}"
    raise RuntimeError(msg)

project = "neonpay"
author = "neonpay contributors"
project_copyright = "neonpay contributors"
version = release = _found.group(1)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = True
# What has no page here: the types of other libraries, since the build asks nothing of the network, and names that only
# stand in annotations.
nitpick_ignore_regex = [
    ("py:class", r"(?!neonpay\.).*"),
    ("py:exc", r"sqlalchemy\..*"),
    (
        "py:class",
        r"neonpay\.(core\.clock\.Clock|core\.namespaces\.Awaiting|core\.people\.Sender|core\.payments\.InvoiceState|payments\.handlers\.context\.Said|backup\.manager\.Shop|backup\.manifest\.Manifest|notifications\.host_words\..*|ledger\.unit\..*|store\.periodic\.Turn|simulator\.clock\..*|.*\.[A-Z]|.*T)",
    ),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"neonpay {release}"
html_static_path = ["_static"]
