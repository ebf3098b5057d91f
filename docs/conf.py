"""The documentation site: `make docs` builds it into build/site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from synsim import __version__
from synsim_docs.figures import FOLDER, sources

project = "synsim"
author = "The synsim developers"
project_copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton", "myst_nb", "synsim_docs"]
exclude_patterns = ["_ext", "_figures", "**/.ipynb_checkpoints", "**/__pycache__"]
default_role = "code"
smartquotes = False  # they would turn the -- of flags into a dash
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Notebooks run here, once for each state that they and the code are in, and one that fails fails
# the build.
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / FOLDER / "notebooks" / sources())
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
# Nobody answers a slider here: the figure alone is shown, and no script comes from elsewhere.
nb_mime_priority_overrides = [["html", "application/vnd.jupyter.widget-view+json", None]]
nb_ipywidgets_js = {}

autodoc_class_signature = "mixed"
autodoc_typehints = "none"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"synsim {__version__}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#0072B2"},
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#56B4E9"},
}

# `make linkcheck` looks outside; links inside the site are looked at by every build and its tests.
linkcheck_timeout = 20
linkcheck_retries = 2
