"""The README as package indexes and the napari hub show it: its links made absolute.

They start at `Repository` in `[project.urls]`, which alone says where the project lives. Without it they
stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURES = (".png", ".jpg", ".webp", ".gif")


def absolute(text: str, repository: str, version: str) -> str:
    """Return Markdown whose links to files of the repository lead to those of the released version."""

    def link(found: re.Match[str]) -> str:
        path, section = found[1], found[2] or ""
        kind = "raw" if path.lower().endswith(PICTURES) else "blob"
        return f"]({repository.rstrip('/')}/{kind}/v{version}/{path}{section})"

    return re.sub(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)", link, text)


class ReadmeHook(MetadataHookInterface):
    """Gives the distribution its description."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field `readme`."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        if repository:
            text = absolute(text, repository, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
