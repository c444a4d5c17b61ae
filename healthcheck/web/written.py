"""What people write in Markdown, as markup that is safe wherever it is shown.

HTML is text, pictures and headings are not drawn: what people write stands among the headings of a page and loads
nothing. What comes of it is cleaned once more, by another library.
"""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

_TAGS = {"p", "br", "hr", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "a"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_READER = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20}).disable(
    ["image", "heading", "lheading", "html_block", "html_inline"]
)


@lru_cache(maxsize=256)
def draw_markdown(text: str) -> SafeString:
    """Return the text as markup; empty for none."""
    drawn = _READER.render(text)
    cleaned = nh3.clean(
        drawn, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="nofollow noopener noreferrer"
    )
    return SafeString(cleaned.strip())
