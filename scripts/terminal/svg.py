"""A terminal's screen as an SVG picture. Python 3's standard library only."""
from html import escape

CELL_WIDTH, LINE_HEIGHT, FONT_SIZE, MARGIN, TITLE_HEIGHT = 8.4, 18, 14, 14, 30
BACKGROUND, FOREGROUND, QUIET = '#16191d', '#d8dde3', '#8b949e'
COLOURS = {'31': '#ff7b72', '32': '#7ee787', '33': '#e3b341'}


def attributes(style):
    """What a set of SGR parameters looks like."""
    colour = next((COLOURS[number] for number in sorted(style) if number in COLOURS), None)
    if colour is None:
        colour = QUIET if '2' in style else FOREGROUND
    return f'fill="{colour}"' + (' font-weight="bold"' if '1' in style else '')


def runs(row):
    """Cells of one style next to each other, as (column, text, style); blanks at the end are left out."""
    end = len(row)
    while end and row[end - 1][0] == ' ':
        end -= 1
    begin = 0
    while begin < end:
        stop = begin
        while stop < end and row[stop][1] == row[begin][1]:
            stop += 1
        yield begin, ''.join(letter for letter, _ in row[begin:stop]), row[begin][1]
        begin = stop


def picture(rows, columns, title):
    """The rows of a screen, each a list of (letter, style), under a title."""
    width = columns * CELL_WIDTH + 2 * MARGIN
    height = len(rows) * LINE_HEIGHT + TITLE_HEIGHT + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
        f'font-size="{FONT_SIZE}">',
        f'<title>{escape(title)}</title>',
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<text x="{width / 2:g}" y="21" text-anchor="middle" fill="{QUIET}">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        y = TITLE_HEIGHT + MARGIN + (number + 0.75) * LINE_HEIGHT
        for column, text, style in runs(row):
            if not text.strip():
                continue
            # The length is given, so that columns stand below each other in any font.
            out.append(
                f'<text x="{MARGIN + column * CELL_WIDTH:g}" y="{y:g}" xml:space="preserve" '
                f'textLength="{len(text) * CELL_WIDTH:g}" lengthAdjust="spacingAndGlyphs" '
                f'{attributes(style)}>{escape(text)}</text>')
    out.append('</svg>')
    return '\n'.join(out) + '\n'
