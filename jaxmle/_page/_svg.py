"""Plots as SVG elements that live inside a page: its colours, its fonts, no names that clash."""

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from jaxmle._plots import BLUE, GREEN, GREY, ORANGE, VERMILLION, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The page chooses what these are in light, in dark and on paper.
_COLORS = {
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    VERMILLION: "vermillion",
    GREY: "grey",
    "#ffffff": "page",
    "#e6e6e6": "line",
    "#000000": "text",
}
_VARIABLES = {color.lower(): f"var(--{name})" for color, name in _COLORS.items()}


def inline_svg(ax: "Axes", name: str, title: str, description: str) -> str:
    """Write the figure of ``ax`` as one ``svg`` element.

    Args:
        ax: Its axes.
        name: Unique on the page: letters alone.
        title: What it is, for those who do not see it.
        description: What it shows, likewise.
    """
    import matplotlib

    target = io.StringIO()
    # Texts stay texts: smaller, and letters that no font at hand has are left to the browser.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "jaxmle"}):
        nobody = {"Date": None, "Creator": None, "Format": None, "Type": None}
        save(ax, target, format="svg", transparent=True, metadata=nobody)
    root = ElementTree.fromstring(target.getvalue())
    _strip(root)
    _rename(root, name)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        kind = {"title": "title", "desc": "description"}[tag]
        element = ElementTree.Element(tag, {"id": f"{name}-{kind}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: ElementTree.Element) -> None:
    """Remove namespaces, metadata and styles, which would be those of the whole page."""
    for child in list(element):
        if child.tag.rpartition("}")[2] in ("metadata", "style"):
            element.remove(child)
        else:
            _strip(child)
    element.tag = element.tag.rpartition("}")[2]
    for key in list(element.attrib):
        if "}" in key:
            element.set(key.rpartition("}")[2], element.attrib.pop(key))
    if style := element.get("style"):
        style = re.sub(r"#[0-9a-f]{6}", lambda found: _VARIABLES.get(found[0], found[0]), style)
        style = re.sub(r"font: ([^;]*?)([\d.]+px) [^;]*", r"font-size: \2", style)
        style = re.sub(r"font-family: [^;]*;? ?", "", style)
        element.set("style", style)
    if element.text and not element.text.strip():
        element.text = None
    element.tail = None


def _rename(root: ElementTree.Element, name: str) -> None:
    """Keep only the names that are referred to, and make them unique on the page."""
    used = set()
    for element in root.iter():
        for value in element.attrib.values():
            used.update(re.findall(r"url\(#([^)]+)\)", value))
        if (target := element.get("href", "")).startswith("#"):
            used.add(target[1:])
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                if value in used:
                    element.set(key, f"{name}-{value}")
                else:
                    del element.attrib[key]
            elif key == "href":
                element.set(key, f"#{name}-{value[1:]}")
            else:
                element.set(key, re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", value))
