"""The four themes: quiet greys and one accent. Every colour that text is drawn in is given here, none is mixed on the way,

so that a test can hold each to the contrast of WCAG 2.2 AA (4.5 to 1) on every ground that it stands on.
"""

from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Palette:
    """Grounds from the lowest to the highest, what is written on them, and what a state is drawn in."""

    background: str
    surface: str
    panel: str
    line: str
    text: str
    muted: str
    accent: str
    success: str
    warning: str
    error: str
    cursor: str
    cursor_text: str
    dark: bool


PALETTES = {
    "dark": Palette(
        "#14171c", "#191d23", "#20252d", "#3d4653", "#dfe3ea", "#9aa5b4", "#7cb7ff", "#7ddb94", "#e8c26e", "#ff8f8f",
        "#2b4a6f", "#ffffff", True,
    ),
    "light": Palette(
        "#fcfcfb", "#f5f5f3", "#ebebe8", "#b9bcc2", "#20242a", "#565c66", "#0a58a8", "#1c6b32", "#7a5000", "#a81f1f",
        "#cfe2f7", "#10151b", False,
    ),
    "high-contrast": Palette(
        "#000000", "#000000", "#141414", "#8c8c8c", "#ffffff", "#d6d6d6", "#6fd3ff", "#7dff9b", "#ffe066", "#ff9f9f",
        "#ffe066", "#000000", True,
    ),
    "colour-blind": Palette(
        "#14171c", "#191d23", "#20252d", "#3d4653", "#dfe3ea", "#9aa5b4", "#b9c7ff", "#56b4e9", "#f0e442", "#ff9150",
        "#34465c", "#ffffff", True,
    ),
}  # fmt: skip
"""By the name that the setting `theme` takes. The colour-blind one has the blue, yellow and vermilion of Okabe and Ito
(https://jfly.uni-koeln.de/color, 2008), the last one lightened until it is read on a dark ground."""
PREFIX = "syncse-"
ALIASES = {name: f"{PREFIX}{name}" for name in PALETTES}


def theme(name: str, palette: Palette) -> Theme:
    """The library's theme of a palette."""
    fixed = {
        "text": palette.text,
        "text-muted": palette.muted,
        "text-disabled": palette.muted,
        "text-primary": palette.accent,
        "text-secondary": palette.accent,
        "text-accent": palette.accent,
        "text-success": palette.success,
        "text-warning": palette.warning,
        "text-error": palette.error,
        "border": palette.accent,
        "border-blurred": palette.line,
        "block-cursor-background": palette.cursor,
        "block-cursor-foreground": palette.cursor_text,
        "block-cursor-blurred-background": palette.cursor,
        "block-cursor-blurred-foreground": palette.cursor_text,
        "block-hover-background": palette.panel,
        "input-cursor-background": palette.text,
        "input-cursor-foreground": palette.background,
        "input-selection-background": palette.cursor,
        "scrollbar": palette.line,
        "scrollbar-hover": palette.muted,
        "scrollbar-active": palette.accent,
        "scrollbar-background": palette.background,
        "scrollbar-background-hover": palette.background,
        "scrollbar-background-active": palette.background,
        "scrollbar-corner-color": palette.background,
    }
    return Theme(
        name=PREFIX + name,
        primary=palette.accent,
        secondary=palette.accent,
        accent=palette.accent,
        warning=palette.warning,
        error=palette.error,
        success=palette.success,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.panel,
        dark=palette.dark,
        variables=fixed,
    )


THEMES = tuple(theme(name, palette) for name, palette in PALETTES.items())


def after(name: str) -> str:
    """The theme after the one of this name; the first one after a theme of the library."""
    names = list(ALIASES.values())
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
