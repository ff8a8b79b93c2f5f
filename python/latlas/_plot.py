"""Figures on Matplotlib's axes, by the same rules of legibility as the program's own (docs/render.md).

A map of many points is a picture of densities. Painting dots over each other would show whichever
came last; instead each category c sums its coverage S_c at each pixel, and each pixel is resolved
once:

    color = Σ_c w_c S_c² color_c / Σ_c w_c S_c²   in linear light,     alpha = A(Σ_c S_c)

The square lets the category win that holds most of the pixel; w_c is larger for categories with less
than a fiftieth of the points of the largest. A is a tone curve: a dot alone has opacity a, and the
rest of the range is spread over the logarithm of the density,

    A(S) = a S  for S ≤ 1,     a + (1 − a) log S / log S_top  above,     4 ≤ S_top ≤ 64
"""

import numbers
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike

from latlas._arrays import as_float_rows, coded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#6b6b6b")
_PETROFF = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70",
            "#717581", "#92dadd")
_TRAINING, _TEST = "#3f90da", "#e76300"
_TEXT, _QUIET, _GRID, _AXIS = "#1b1f24", "#5b6570", "#e9ecef", "#8a949e"
_COVER = 0.35             # share of the panel that the dots cover, side by side
_RADIUS = (0.42, 2.6)     # of a dot, points
_RASTER_FROM = 4000       # points; fewer are drawn one by one
_CELL = 6                 # of the grid on which densest places are found, points
_MOST_LISTED = 64         # colors of a colormap whose list is meant for categories
_MOST_NAMES = 120         # sought a place for, the largest categories first …
_MOST_TURNED_AWAY = 12    # … until so many found none: then the map is full


def plot(map: ArrayLike, labels: Any = None, *, values: Optional[ArrayLike] = None,
         test: Optional[ArrayLike] = None, test_labels: Any = None,
         names: Union[None, Sequence[str], Mapping[Any, str]] = None, ax: "Optional[Axes]" = None,
         title: Optional[str] = None, footnote: Optional[str] = None,
         colors: Optional[Sequence[Any]] = None, cmap: "Union[None, str, Colormap]" = None,
         radius: Optional[float] = None, s: Optional[float] = None, show_names: bool = True,
         ticks: bool = False, padding: float = 0.04) -> "Axes":
    """Draws a map on Matplotlib axes and returns them.

    map          n × 2 (or more: the first two columns, which is a map of three dimensions seen along
                 its third axis). A single column is refused, and so are axes of three dimensions.
    labels       one a row: each category has a color and, at its densest place, its name; rows
                 without one (None, NaN) are gray. Without labels all points have one color.
    values       in place of labels: a number a row, with a color bar; rows of NaN are gray. Where
                 dots meet in a pixel, their mean is shown.
    test         further points, m × 2: rings where there are labels or values, else a second color.
    test_labels  their categories; without them their rings are dark.
    names        texts for the values of the labels: a list by code for labels 0, 1, …, or a
                 dictionary.
    ax           axes to draw on; by default a new figure of 10 × 8 inches.
    colors       one a category, in place of Okabe and Ito's (to eight) or Petroff's.
    cmap         a colormap of Matplotlib's, or its name: of values, by default viridis; categories
                 take the colors of a list of few ("tab10"), else evenly spaced ones.
    radius       of a dot, in points; by default such that all dots cover a third of the panel.
    s            in place of radius: its square in Matplotlib's words, (2 radius)², points².
    show_names   names on the map; else they stand in a legend, up to twenty.
    title, footnote  texts above and below the map.
    ticks        numbers along the axes; a map's own have no meaning.
    padding      room around the points, as a share of their extent.
    Colors of text and lines follow the face of the axes, so that dark styles stay legible.
    """
    import matplotlib.pyplot as plt

    points = _points(map, "map")
    further = None if test is None else _points(test, "test")
    radius = _given_radius(radius, s)
    if hasattr(ax, "get_zlim"):
        raise ValueError("ax has three dimensions, plot draws in two; there take ax.scatter(*map.T)")
    if ax is None:
        _, ax = plt.subplots(figsize=(10, 8), layout="constrained")
    m = 0 if further is None else len(further)
    inks = _Inks(ax)
    _texts(ax, title, footnote, inks)
    together = points if further is None else np.concatenate([points, further])
    codes, further_codes, texts = _categories(labels, test_labels, names, len(points), m)
    numbers = _numbers(values, labels, len(points))
    palette = _colors(len(texts), colors, cmap)
    _prepare(ax, together, padding, ticks, inks)
    size = radius or _radius(ax, len(together))

    if numbers is not None:
        _valued_dots(ax, points, numbers, cmap, size, inks)
    elif codes is not None:
        _dots(ax, points, codes, [*palette, inks.missing], size)
    else:
        _dots(ax, points, np.zeros(len(points), np.int32), [_TRAINING], size, len(together))
    entries = []
    if codes is None and numbers is None:
        if m:  # on top, so that a few stay seen among many
            _dots(ax, further, np.zeros(m, np.int32), [_TEST], size, len(together))
            entries = [(f"training ({len(points):,})", _TRAINING, False),
                       (f"test ({m:,})", _TEST, False)]
    elif m:
        if further_codes is None:
            further_codes, ringed = np.zeros(m, np.int32), [inks.text]
        else:
            ringed = [inks.stronger(color) for color in [*palette, inks.missing]]
        _rings(ax, further, further_codes, ringed, size)
        entries = [(f"training ({len(points):,})", inks.quiet, False),
                   (f"test ({m:,})", inks.quiet, True)]
    if codes is not None and show_names:
        _place_names(ax, points, codes, texts, palette, inks)
    elif codes is not None and len(texts) <= 20:
        entries += [(text, color, False) for text, color in zip(texts, palette)]
    _legend(ax, entries, inks)
    return ax


class _Inks:
    """The colors of everything but the points, by the face of the axes."""

    def __init__(self, ax):
        from matplotlib import colors as mc

        face = mc.to_rgba(ax.get_facecolor())
        if face[3] < 0.5:
            face = mc.to_rgba(ax.figure.get_facecolor())
        self.dark = face[3] >= 0.5 and np.dot(face[:3], (0.2126, 0.7152, 0.0722)) < 0.35
        self.face = mc.to_hex(face) if face[3] >= 0.5 else "#ffffff"
        self.text, self.quiet, self.grid, self.axis, self.missing = \
            ("#e8ebee", "#a3adb8", "#31373e", "#5b6570", "#4a525b") if self.dark else \
            (_TEXT, _QUIET, _GRID, _AXIS, "#d3d8dd")

    def stronger(self, color, share=0.35):
        """The color moved away from the face, for thin lines and letters."""
        from matplotlib import colors as mc

        rgb = np.array(mc.to_rgb(color))
        return tuple(rgb + (1 - rgb) * share) if self.dark else tuple(rgb * (1 - share))


def _points(map, what):
    points = as_float_rows(map, what)
    if points.shape[1] < 2:
        raise ValueError(f"{what} has {points.shape[1]} columns, a picture needs 2; of one column draw "
                         f"a histogram, as plt.hist and the program's `latlas plot` do")
    if not len(points) and what == "map":
        raise ValueError("map has no rows; there is nothing to draw")
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise ValueError(f"{what} holds NaN or infinity in row {int(np.argmax(bad))} (counted from 0)")
    return np.ascontiguousarray(points[:, :2], float)


def _categories(labels, test_labels, names, n, m):
    """Codes of points and test points (−1: no label), and the categories' names."""
    if labels is None:
        if test_labels is not None:
            raise ValueError("test_labels need labels beside them")
        return None, None, []
    if len(labels) != n:
        raise ValueError(f"labels: {len(labels)} for {n} points; one a point is needed")
    if test_labels is not None and len(test_labels) != m:
        raise ValueError(f"test_labels: {len(test_labels)} for {m} test points; one a point is needed")
    codes, values = coded(labels, missing=True)
    further = None
    if m and test_labels is not None:
        own, others = coded(test_labels, "test_labels", missing=True)
        place = {value: code for code, value in enumerate(values)}
        for value in others:  # categories that only test points have follow
            if value not in place:
                place[value] = len(values)
                values = [*values, value]
        further = np.array([place[value] for value in others] + [-1], np.int32)[own]
    if len(values) > 4096:
        hint = "; color by number with values=" if np.asarray(labels).dtype.kind in "fiu" else ""
        raise ValueError(f"labels: {len(values)} categories, up to 4096 can be told apart{hint}")
    if np.asarray(values).dtype.kind == "f" and len(values) > 64:
        raise ValueError(f"labels: {len(values)} different fractions; color by number with values=")
    if names is None:
        texts = [_text_of(value) for value in values]
    elif hasattr(names, "get"):
        texts = [str(names.get(value, value)) for value in values]
    else:
        if not all(0 <= int(value) < len(names) for value in values):
            raise ValueError(f"names: {len(names)} for labels up to {max(values)}")
        texts = [str(names[int(value)]) for value in values]
    return codes, further, texts


def _text_of(value):
    return str(np.datetime_as_string(value, unit="auto")) if isinstance(value, np.datetime64) \
        else str(value)


def _numbers(values, labels, n):
    """A number a point, or None."""
    if values is None:
        return None
    if labels is not None:
        raise ValueError("labels and values both say how points are colored; give one")
    numbers = np.asarray(values)
    if numbers.ndim != 1 or numbers.dtype.kind not in "fiub":
        raise ValueError("values must be one number a point")
    if len(numbers) != n:
        raise ValueError(f"values: {len(numbers)} for {n} points; one a point is needed")
    numbers = numbers.astype(float)
    if np.isinf(numbers).any():
        raise ValueError(f"values: row {int(np.argmax(np.isinf(numbers)))} (counted from 0) is infinite")
    return numbers


def _given_radius(radius, s):
    if radius is not None and s is not None:
        raise ValueError("radius and s both say how large dots are; give one")
    for name, size in (("radius", radius), ("s", s)):
        if size is not None and not (isinstance(size, numbers.Real) and 0 < size < np.inf):
            raise ValueError(f"{name} is {size!r}, it must be one number above 0, of all dots")
    return radius if s is None else np.sqrt(s) / 2


def _colormap(cmap):
    from matplotlib import colormaps

    return colormaps.get_cmap("viridis" if cmap is None else cmap)


def _colors(count, given, cmap):
    from matplotlib import colors as mc

    if given is not None:
        if cmap is not None:
            raise ValueError("colors and cmap both say how categories are colored; give one")
        if len(given) < count:
            raise ValueError(f"colors: {len(given)} for {count} categories")
        return [mc.to_hex(c) for c in given]
    base = _OKABE_ITO if count <= len(_OKABE_ITO) else _PETROFF
    if cmap is not None:
        base = _colors_of(_colormap(cmap), count)
    out = []
    for i in range(count):
        color, turn = np.array(mc.to_rgb(base[i % len(base)])), i // len(base) % 3
        color = color if turn == 0 else color * 0.58 if turn == 1 else color + (1 - color) * 0.5
        out.append(mc.to_hex(color))
    return out


def _colors_of(cmap, count):
    """A colormap's own colors where it is a list of few; viridis and its like are lists of 256."""
    from matplotlib import colors as mc

    if isinstance(cmap, mc.ListedColormap) and cmap.N <= _MOST_LISTED:
        return cmap.colors
    ends_meet = np.allclose(cmap(0.0), cmap(1.0), atol=0.1)  # of a circle of colors
    return cmap(np.linspace(0, 1, max(count, 1), endpoint=not ends_meet))


def _prepare(ax, points, padding, ticks, inks):
    """Limits that hold all points and fill the panel, a unit equally long on both axes."""
    if not ticks:
        ax.set_xticks([])
        ax.set_yticks([])
    ax.set_aspect("auto")
    ax.figure.canvas.draw()  # the layout settles; from here sizes in points are known
    low, high = points.min(axis=0), points.max(axis=0)
    middle, panel = (low + high) / 2, np.array(_panel(ax))
    unit = max(((high - low) * (1 + 2 * padding) / panel).max(), 1e-12)
    half = unit * panel / 2
    ax.set(xlim=(middle[0] - half[0], middle[0] + half[0]),
           ylim=(middle[1] - half[1], middle[1] + half[1]))
    ax.set_aspect("equal", adjustable="box")
    for side in ax.spines.values():
        side.set_color(inks.grid)
    ax.tick_params(colors=inks.quiet)


def _panel(ax):
    """Width and height of the axes, in points."""
    box = ax.get_window_extent()
    return box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi


def _radius(ax, n):
    width, height = _panel(ax)
    return float(np.clip(np.sqrt(_COVER * width * height / (np.pi * max(n, 1))), *_RADIUS))


def _dots(ax, points, codes, colors, radius, together=None):
    """Dots by category; code −1 is the last color. `together`: points of the whole figure."""
    codes = np.where(codes < 0, len(colors) - 1, codes)
    if (together or len(points)) < _RASTER_FROM:
        order = np.random.RandomState(0).permutation(len(points))  # no category lies on top
        ax.scatter(points[order, 0], points[order, 1], s=(2 * radius) ** 2, linewidths=0,
                   c=[colors[i] for i in codes[order]], alpha=0.85, zorder=2)
        return
    _show(ax, points, radius, lambda *place: _raster(*place[:2], codes, colors, *place[2:]))


def _valued_dots(ax, points, values, cmap, radius, inks):
    """Dots by number, with the bar that tells which color means which."""
    from matplotlib import cm, colors as mc

    known = values[~np.isnan(values)]
    norm = mc.Normalize(*((known.min(), known.max()) if len(known) else (0, 1)))
    scale = cm.ScalarMappable(norm, _colormap(cmap))
    if len(points) < _RASTER_FROM:
        order = np.random.RandomState(0).permutation(len(points))
        colors = scale.to_rgba(values[order])
        colors[np.isnan(values[order])] = mc.to_rgba(inks.missing)
        ax.scatter(points[order, 0], points[order, 1], s=(2 * radius) ** 2, linewidths=0, c=colors,
                   alpha=0.85, zorder=2)
    else:
        _show(ax, points, radius,
              lambda *place: _valued_raster(*place[:2], values, scale, inks.missing, *place[2:]))
    bar = ax.figure.colorbar(scale, ax=ax, shrink=0.5, aspect=30, pad=0.01)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=inks.quiet, labelsize=9, length=0)


def _show(ax, points, radius, raster):
    """The picture that raster(x, y, columns, rows, radius) makes, in pixels of the panel."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    width, height = _panel(ax)
    dpi = max(ax.figure.dpi, 100) * 2
    columns, rows = int(width * dpi / 72), int(height * dpi / 72)
    image = raster((points[:, 0] - left) / (right - left) * columns,
                   (top - points[:, 1]) / (top - bottom) * rows, columns, rows, radius * dpi / 72)
    ax.imshow(image, extent=(left, right, bottom, top), aspect="equal",
              interpolation="antialiased", zorder=2)


def _raster(x, y, codes, colors, columns, rows, radius):
    """The picture of n dots as rows × columns × RGBA, bytes."""
    from matplotlib import colors as mc

    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    x, y, codes = x[inside], y[inside], codes[inside]
    counts = np.bincount(codes, minlength=len(colors))
    order, ends = np.argsort(codes, kind="stable"), np.cumsum(counts)
    total, weight_sum = np.zeros(rows * columns), np.zeros(rows * columns)
    mixed = np.zeros((rows * columns, 3))
    for c in range(len(colors)):
        if counts[c] == 0:
            continue
        own = order[ends[c] - counts[c]:ends[c]]
        inked, coverage = _coverage(x[own], y[own], columns, rows, radius)
        total[inked] += coverage
        weight = max(1.0, counts.max() / 50 / counts[c]) * coverage ** 2
        weight_sum[inked] += weight
        mixed[inked] += weight[:, None] * _linear(np.array(mc.to_rgb(colors[c])))
    inked = np.flatnonzero(weight_sum)
    return _toned(inked, _gamma(mixed[inked] / weight_sum[inked, None]), total[inked], len(x),
                  columns, rows)


def _valued_raster(x, y, values, scale, missing, columns, rows, radius):
    """The same of numbers: each pixel has the color of their mean in it, by what each dot covers."""
    from matplotlib import colors as mc

    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    x, y, values = x[inside], y[inside], values[inside]
    known = ~np.isnan(values)
    inked, total = _coverage(x, y, columns, rows, radius)
    covered, sums = np.zeros(rows * columns), np.zeros(rows * columns)
    pixels, shares = _coverage(x[known], y[known], columns, rows, radius)
    covered[pixels] = shares
    pixels, weighted = _coverage(x[known], y[known], columns, rows, radius, values[known])
    sums[pixels] = weighted
    some = covered[inked] > 0
    color = np.tile(np.array(mc.to_rgb(missing)), (len(inked), 1))
    color[some] = scale.to_rgba(sums[inked[some]] / covered[inked[some]])[:, :3]
    return _toned(inked, color, total, len(x), columns, rows)


def _toned(inked, color, dense, n, columns, rows):
    """Colors of the pixels that hold ink as a picture, their opacity by how densely dots lie."""
    image = np.zeros((rows * columns, 4))
    image[inked, :3] = color
    alone = float(np.clip(1 - 0.105 * (np.log10(max(n, 1)) - 1), 0.35, 0.9))
    highest = float(np.clip(np.quantile(dense, 0.995), 4, 64)) if len(dense) else 4.0
    image[inked, 3] = np.where(
        dense <= 1, alone * dense,
        alone + (1 - alone) * np.minimum(1, np.log(np.maximum(dense, 1)) / np.log(highest)))
    return (image.reshape(rows, columns, 4) * 255 + 0.5).astype(np.uint8)


def _coverage(x, y, columns, rows, radius, values=None):
    """Σ over dots of the share of each pixel that the dot covers (an antialiased disk), times its
    value where there are values: the pixels that hold any, and their sums."""
    reach = int(np.ceil(radius + 0.5))
    column, row = x.astype(np.int64), y.astype(np.int64)
    ink, stamps = np.zeros(len(x)), []
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            distance = np.hypot(column + dx + 0.5 - x, row + dy + 0.5 - y)
            share = np.clip(radius + 0.5 - distance, 0, 1)
            stamps.append((dx, dy, share))
            ink += share
    scale = np.pi * radius ** 2 / np.maximum(ink, 1e-9)  # each dot holds the ink π r²
    if values is not None:
        scale = scale * values
    pixels, sums = [], []
    for dx, dy, share in stamps:
        at_column, at_row = column + dx, row + dy
        kept = (share > 0) & (at_column >= 0) & (at_column < columns) & (at_row >= 0) & (at_row < rows)
        pixels.append((at_row[kept] * columns + at_column[kept]).astype(np.int32))
        sums.append((share * scale)[kept])
    pixels, sums = np.concatenate(pixels), np.concatenate(sums)
    if len(pixels) < rows * columns // 8:  # a few: no pass over the whole picture
        inked, place = np.unique(pixels, return_inverse=True)
        return inked, np.bincount(place.ravel(), sums, minlength=len(inked))
    out = np.bincount(pixels, sums, minlength=rows * columns)
    inked = np.unique(pixels) if values is not None else np.flatnonzero(out)
    return inked, out[inked]


def _linear(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _gamma(v):
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 0) ** (1 / 2.4) - 0.055)


def _rings(ax, points, codes, colors, radius):
    order = np.random.RandomState(0).permutation(len(points))
    ring = max(1.4, 1.25 * radius)
    ax.scatter(points[order, 0], points[order, 1], s=(2 * ring) ** 2, facecolors="none",
               linewidths=max(0.3, 0.45 * min(radius, 1.2)), zorder=3, rasterized=True,
               edgecolors=[colors[i] for i in codes[order]])


def _densest_places(ax, points, codes, count):
    """For each category where d_c² / d is largest: its own density over that of all."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    width, height = _panel(ax)
    columns, rows = max(1, int(np.ceil(width / _CELL))), max(1, int(np.ceil(height / _CELL)))
    column = np.clip(((points[:, 0] - left) / (right - left) * columns).astype(int), 0, columns - 1)
    row = np.clip(((points[:, 1] - bottom) / (top - bottom) * rows).astype(int), 0, rows - 1)
    cell = row * columns + column

    def smoothed(cells):
        grid = np.bincount(cells, minlength=rows * columns).reshape(rows, columns).astype(float)
        for _ in range(2):
            for axis in (0, 1):
                padded = np.pad(grid, [(2, 2) if a == axis else (0, 0) for a in (0, 1)])
                n = grid.shape[axis]
                grid = sum(w * np.take(padded, range(i, i + n), axis)
                           for i, w in enumerate((1, 4, 6, 4, 1))) / 16
        return grid

    everything, places = smoothed(cell), {}
    for c in range(count):
        own = codes == c
        if own.any():
            density = smoothed(cell[own])
            best = int(np.argmax(np.where(density > 0, density ** 2 / np.maximum(everything, 1e-12),
                                          -1)))
            places[c] = (left + (best % columns + 0.5) / columns * (right - left),
                         bottom + (best // columns + 0.5) / rows * (top - bottom), int(own.sum()))
    return places


def _place_names(ax, points, codes, texts, colors, inks):
    """Each name at its category's densest place, or as near as the other names allow."""
    from matplotlib import patheffects

    places = _densest_places(ax, points, codes, len(texts))
    size = 13 if len(texts) <= 20 else 9
    renderer, to_pixels = ax.figure.canvas.get_renderer(), ax.transData
    panel, taken, left_out = ax.get_window_extent(), [], 0
    for c in sorted(places, key=lambda c: -places[c][2]):
        if left_out >= _MOST_TURNED_AWAY or len(taken) >= _MOST_NAMES:
            left_out = len(places) - len(taken)
            break
        x, y, count = places[c]
        text = ax.text(x, y, _shortened(texts[c]), ha="center", va="center", fontsize=size,
                       fontweight="bold", color=inks.stronger(colors[c], 0.45), zorder=5,
                       parse_math=False, clip_on=True,
                       path_effects=[patheffects.withStroke(linewidth=2.6, foreground=inks.face,
                                                            alpha=0.85)])
        text.set_in_layout(False)
        box = text.get_window_extent(renderer)
        at = to_pixels.transform((x, y))
        half = np.array([box.width, box.height]) / 2 + 1.5 * ax.figure.dpi / 72
        for ring in range(0, 25):
            spots = 1 if ring == 0 else 8 + 4 * ring
            turns = 2 * np.pi * (np.arange(spots) / spots - 0.25)
            reach = ring * half[1]
            found = None
            for turn in turns:
                spot = np.clip(at + reach * np.array([np.cos(turn), np.sin(turn)]),
                               [panel.x0 + half[0], panel.y0 + half[1]],
                               [panel.x1 - half[0], panel.y1 - half[1]])
                if not any((np.abs(spot - other) < half + width).all() for other, width in taken):
                    found = spot
                    break
            if found is not None:
                break
        if found is None:
            text.remove()
            left_out += 1
            continue
        taken.append((found, half))
        where = to_pixels.inverted().transform(found)
        text.set_position(where)
        if ring > 3:
            ax.plot([x, where[0]], [y, where[1]], color=inks.quiet, linewidth=0.6, zorder=4)
    if left_out:
        footnote = ax.get_xlabel()
        ax.set_xlabel(f"{footnote}{' · ' if footnote else ''}{left_out} names found no room",
                      loc="left", color=inks.quiet, fontsize=9)


def _shortened(text, most=40):
    """The text, without its middle where it is long: what tells names apart often comes last."""
    half = (most - 1) // 2
    return text if len(text) <= most else text[:most - 1 - half] + "…" + text[-half:]


def _legend(ax, entries, inks):
    from matplotlib.lines import Line2D

    if not entries:
        return

    marks = [Line2D([], [], marker="o", linestyle="none", markersize=5, color=color, label=text,
                    markerfacecolor="none" if hollow else color) for text, color, hollow in entries]
    ax.legend(handles=marks, loc="upper right", frameon=False, fontsize=9, labelcolor=inks.quiet,
              handletextpad=0.2, borderaxespad=0.2)


def _texts(ax, title, footnote, inks):
    if title:
        ax.set_title(_wrapped(ax, title, 13, 0.62), loc="left", color=inks.text, fontsize=13,
                     fontweight="bold")
    if footnote:
        ax.set_xlabel(_wrapped(ax, footnote, 9, 0.53), loc="left", color=inks.quiet, fontsize=9)


def _wrapped(ax, text, size, aspect):
    """Broken into lines that the panel can hold: a letter is about `aspect` of its size wide."""
    import textwrap

    width = max(12, int(_panel(ax)[0] / (aspect * size)))
    return "\n".join(part for line in str(text).split("\n")
                     for part in textwrap.wrap(line, width) or [""])


def plot_history(history: Mapping[str, Sequence[float]], *, ax: "Optional[Axes]" = None,
                 title: Optional[str] = None) -> "Axes":
    """Training and validation loss by epoch, from Autoencoder.history_ or Run.history; each curve is
    named, with its last value, at its end."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    inks, ends = _Inks(ax), []
    for name, text, color in (("loss", "training", _TRAINING), ("val_loss", "test", _TEST)):
        if history.get(name):
            losses = history[name]
            ax.plot(range(1, len(losses) + 1), losses, color=color, linewidth=1.8,
                    marker="o" if len(losses) == 1 else None, markersize=4)
            ends.append([losses[-1], f"{text} {losses[-1]:.4g}", color, len(losses)])
    if not ends:
        raise ValueError("history holds no losses")
    # Names that would meet are moved apart, by a line's height.
    low, high = ax.get_ylim()
    line = (high - low) / max(_panel(ax)[1], 1) * 12
    ends.sort(key=lambda end: end[0])
    for below, above in zip(ends, ends[1:]):
        above[0] = max(above[0], below[0] + line)
    for y, text, color, n in ends:
        ax.annotate(text, (n, y), xytext=(6, 0), textcoords="offset points", va="center",
                    color=inks.stronger(color, 0.2), fontsize=10)
    ax.margins(x=0.02)
    _chart(ax, "epoch", "loss", title, inks)
    return ax


def plot_variance(ratios: ArrayLike, *, ax: "Optional[Axes]" = None,
                  title: Optional[str] = None) -> "Axes":
    """The explained variance of each principal component as bars, and their running sum."""
    import matplotlib.pyplot as plt

    ratios = np.asarray(ratios, float)
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    place, inks = np.arange(1, len(ratios) + 1), _Inks(ax)
    ax.bar(place, 100 * ratios, color=_TRAINING, width=0.75)
    ax.plot(place, 100 * np.cumsum(ratios), color=_TEST, linewidth=1.6, marker="o", markersize=3)
    ax.annotate(f"all together {100 * ratios.sum():.0f} %", (place[-1], 100 * ratios.sum()),
                xytext=(0, 6), textcoords="offset points", ha="right",
                color=inks.stronger(_TEST, 0.2))
    ax.set_ylim(0, max(ax.get_ylim()[1], 100 * ratios.sum() * 1.12))
    _chart(ax, "principal component", "variance explained, %", title, inks)
    return ax


def plot_images(*rows: ArrayLike, height: int, width: int, names: Sequence[str] = (),
                columns: Optional[int] = None, ax: "Optional[Axes]" = None,
                title: Optional[str] = None) -> "Axes":
    """Images above their counterparts: each argument is a stack of images (n × height · width), drawn
    as one line of the sheet. Whole numbers are bytes (0 … 255), fractions lie in 0 … 1."""
    import matplotlib.pyplot as plt

    stacks = [np.asarray(r).reshape(-1, height, width) for r in rows]
    columns = columns or min(len(s) for s in stacks)
    sheet = np.full((len(stacks) * (height + 2) - 2, columns * (width + 2) - 2), np.nan)
    for i, stack in enumerate(stacks):
        whole = stack.dtype.kind in "ui"
        if not whole and stack.size and np.nanmax(stack) > 1.5:
            raise ValueError(f"plot_images: argument {i + 1} goes up to {np.nanmax(stack):.4g}; fractions "
                             f"lie between 0 and 1, whole numbers between 0 and 255")
        scale = 255 if whole else 1
        for j in range(columns):
            sheet[i * (height + 2):i * (height + 2) + height,
                  j * (width + 2):j * (width + 2) + width] = stack[j] / scale
    if ax is None:
        _, ax = plt.subplots(figsize=(10, 10 * sheet.shape[0] / sheet.shape[1] + 0.4),
                             layout="constrained")
    ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    ax.set_xticks([])
    ax.set_yticks([i * (height + 2) + height / 2 for i in range(len(names))], names)
    inks = _Inks(ax)
    ax.tick_params(length=0, labelcolor=inks.quiet)
    for side in ax.spines.values():
        side.set_visible(False)
    _texts(ax, title, None, inks)
    return ax


def _chart(ax, x, y, title, inks):
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel(x, color=inks.quiet)
    ax.set_ylabel(y, color=inks.quiet)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=inks.grid)
    ax.set_axisbelow(True)
    ax.tick_params(colors=inks.quiet)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(inks.axis)
    _texts(ax, title, None, inks)
