"""Draws what is on a terminal as an SVG."""

from html import escape

WIDTH, HEIGHT, MARGIN = 8.4, 17, 16
COLORS = {
    "default": "#d0d7de",
    "red": "#ff7b72",
    "cyan": "#76e3ea",
    "brightwhite": "#ffffff",
    "white": "#ffffff",
}
BLOCKS = {"█": (0, 1), "▀": (0, 0.5), "▄": (0.5, 0.5)}


def svg(screen):
    """The screen without the empty lines at its end."""
    rows = len("\n".join(line.rstrip() for line in screen.display).rstrip().split("\n"))
    width = screen.columns * WIDTH + 2 * MARGIN
    height = rows * HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">',
        "<title>parallel-account login on a terminal</title>",
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#0d1117"/>',
    ]
    for row in range(rows):
        parts += line(screen, row)
    return "\n".join([*parts, "</svg>\n"])


def line(screen, row):
    """Blocks as rectangles, so that no font leaves gaps in a QR code; the rest as text."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    top = MARGIN + row * HEIGHT
    blocks, runs = [], []
    for column, cell in enumerate(cells):
        left = MARGIN + column * WIDTH
        if cell.data in BLOCKS:
            start, part = BLOCKS[cell.data]
            blocks.append(
                f"M{left:.1f},{top + start * HEIGHT:.1f}h{WIDTH + 0.1:.1f}"
                f"v{part * HEIGHT:.1f}h-{WIDTH + 0.1:.1f}z"
            )
            continue
        style = (cell.fg, cell.bold, cell.underscore)
        if runs and runs[-1][1] == style and runs[-1][3] == column:
            runs[-1][2] += cell.data
            runs[-1][3] += 1
        elif cell.data != " ":
            runs.append([column, style, cell.data, column + 1])
    if blocks:
        yield f'<path fill="#fff" shape-rendering="crispEdges" d="{"".join(blocks)}"/>'
    for column, (color, bold, underscore), text, _ in runs:
        text = text.rstrip()
        left = MARGIN + column * WIDTH
        extra = ' font-weight="bold"' if bold else ""
        extra += ' text-decoration="underline"' if underscore else ""
        fill = COLORS.get(color, COLORS["default"])
        yield (
            f'<text x="{left:.1f}" y="{top + 13}" fill="{fill}" xml:space="preserve"{extra} '
            f'textLength="{len(text) * WIDTH:.1f}">{escape(text)}</text>'
        )
