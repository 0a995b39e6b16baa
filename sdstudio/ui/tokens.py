"""Colours and measures of the window's look, as values. Every surface round the picture has R = G = B."""

from __future__ import annotations

from dataclasses import asdict, dataclass

# Measures in logical pixels, on a grid of 8 with half steps of 4.
CONTROL_HEIGHT = 28
CHIP_HEIGHT = 24
PRIMARY_HEIGHT = 40
BADGE_HEIGHT = 18
LINE_SMALL = 14
LINE_BODY = 16
LINE_PROMPT = 20
DOCK_PADDING = 16
ROW_GAP = 8
LABEL_COLUMN = 80
SECTION_GAP = 12
RADIUS = 4
RADIUS_BADGE = 3
ICON_SIZE = 20
LEFT_DOCK_WIDTH = 320
LEFT_DOCK_MIN = 288
LEFT_DOCK_MAX = 400


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One theme's colours as #RRGGBB strings, by role."""

    name: str
    window: str
    dock: str
    canvas: str
    field: str
    raised: str
    hover: str
    pressed: str
    subtle: str
    notice: str
    line: str
    btnline: str
    border: str
    control: str
    groove: str
    handle: str
    handle_edge: str
    text: str
    text2: str
    off: str
    accent: str
    fill: str
    fillhover: str
    fillpressed: str
    filltext: str
    keyhint: str
    focus: str
    ok: str
    warn: str
    error: str
    pill: str
    pilltext: str

    def colours(self) -> dict[str, str]:
        """All roles with their colour."""
        values = asdict(self)
        values.pop("name")
        return values


DARK = Tokens(
    name="dark",
    window="#1B1B1B",
    dock="#242424",
    canvas="#3E3E3E",
    field="#171717",
    raised="#343434",
    hover="#404040",
    pressed="#1F1F1F",
    subtle="#313A46",
    notice="#2F2F2F",
    line="#363636",
    btnline="#4A4A4A",
    border="#6E6E6E",
    control="#8A8A8A",
    groove="#5A5A5A",
    handle="#D8D8D8",
    handle_edge="#D8D8D8",
    text="#E6E6E6",
    text2="#B0B0B0",
    off="#7D7D7D",
    accent="#8DB7EE",
    fill="#3C6BA8",
    fillhover="#4878B8",
    fillpressed="#315A90",
    filltext="#FFFFFF",
    keyhint="#E9F0FA",
    focus="#A9CBF7",
    ok="#86C795",
    warn="#E6B954",
    error="#F29A8B",
    pill="#141414",
    pilltext="#F2F2F2",
)

LIGHT = Tokens(
    name="light",
    window="#E2E2E2",
    dock="#EFEFEF",
    canvas="#BABABA",
    field="#FFFFFF",
    raised="#E0E0E0",
    hover="#D4D4D4",
    pressed="#C4C4C4",
    subtle="#D6E0EC",
    notice="#FAFAFA",
    line="#D2D2D2",
    btnline="#BDBDBD",
    border="#7F7F7F",
    control="#767676",
    groove="#A6A6A6",
    handle="#FFFFFF",
    handle_edge="#6B6B6B",
    text="#1C1C1C",
    text2="#4A4A4A",
    off="#8E8E8E",
    accent="#24569A",
    fill="#2C61A6",
    fillhover="#245493",
    fillpressed="#1C457C",
    filltext="#FFFFFF",
    keyhint="#E9F0FA",
    focus="#1F5BB0",
    ok="#1E6B36",
    warn="#7A5200",
    error="#A8281C",
    pill="#141414",
    pilltext="#F2F2F2",
)


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB after WCAG 2.x."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #RRGGBB colours after WCAG 2.x, 1 to 21."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
