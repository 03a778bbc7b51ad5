"""How Sphinx makes the site: ``make docs`` writes it to ``build/docs``."""

from __future__ import annotations

from importlib import metadata

project = "napari-style-transfer"
author = "The napari-style-transfer developers"
copyright = author
release = metadata.version(project)
version = release

extensions = [
    "myst_nb",  # pages and notebooks in Markdown
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]

html_theme = "napari_sphinx_theme"
html_title = project
html_show_sourcelink = False
html_theme_options = {"show_nav_level": 1, "navigation_with_keys": False}
html_sidebars = {"*": [], "*/*": ["sidebar-nav-bs"]}

# Every reference must lead somewhere. The types of other packages have no pages here.
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Notebooks are run when they or what they import have changed; an error ends the build.
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 900  # seconds a cell
nb_execution_show_tb = True
nb_merge_streams = True

autodoc_typehints = "none"  # numpydoc's sections say them
numpydoc_show_class_members = False
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
