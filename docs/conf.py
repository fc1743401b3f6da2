"""Settings of the documentation site; `make docs` builds it into `build/docs`.

Nothing has to be fetched: inventories of other projects that cannot be reached are left out,
and the pictures of the gallery are drawn from the mocks that ship with the package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import sitework  # noqa: E402

import huggins  # noqa: E402

project = "huggins"
author = "the huggins developers"
project_copyright = author
version = release = huggins.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sitework",
]
exclude_patterns = ["_templates", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
default_role = "py:obj"
highlight_language = "text"
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

intersphinx_mapping = sitework.reachable(
    {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "astropy": "https://docs.astropy.org/en/stable/",
        "matplotlib": "https://matplotlib.org/stable/",
        "specutils": "https://specutils.readthedocs.io/en/stable/",
    },
    HERE.parent / "build" / "inventories",
)

html_theme = "pydata_sphinx_theme"
html_title = "huggins"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": True,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
}
_ALONE = ("index", "getting-started", "tutorial", "gallery", "faq", "glossary")
html_sidebars = {name: [] for name in _ALONE}
