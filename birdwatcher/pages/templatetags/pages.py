"""Template tags of the pages: times, charts, sparklines, figures."""

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html

register = template.Library()

UNITS = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 86_400))
DAY = 86_400
NOTHING = "—"  # where there is no value


def ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    """Return the distance of `moment` from `now`: "3 min ago", "in 5 s"; as `times.js` does."""
    seconds = (now - moment).total_seconds()
    distance = int(abs(seconds))
    if distance < 1:
        return "now"
    for unit, size, until in UNITS:
        if distance < until:
            text = f"{distance // size} {unit}"
            break
    else:
        days = distance // DAY
        text = f"{days:,} day{'' if days == 1 else 's'}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def in_words(moment: datetime.datetime) -> str:
    """Return date, time and zone: `2026-05-01 08:46:00 BST (Europe/London)`."""
    local = timezone.localtime(moment)
    name = timezone.get_current_timezone_name()
    # Some zones have only an offset as their name, and some names are abbreviations.
    short = local.tzname() or ""
    zone = name if short == name else f"{short} ({name})"
    return f"{formats.localize(local)} {zone}"


@register.simple_tag
def moment(value: datetime.datetime | None) -> str:
    """Show how long ago `value` was, updated by a script; the exact time on hover."""
    if not value:  # a template gives an empty text for a missing value
        return NOTHING
    return format_html(
        '<time class="moment" datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        in_words(value),
        ago(value, timezone.now()),
    )


@register.simple_tag
def exact(value: datetime.datetime | None) -> str:
    """Show a time exactly, with its zone."""
    if not value:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), in_words(value))


@register.simple_tag
def zone() -> str:
    """Return the name of the time zone in which the page shows times."""
    return timezone.get_current_timezone_name()


@register.filter
def figure(value: float | None) -> str:
    """Show a number with thousands separators, or a dash if it is missing."""
    return NOTHING if value in {None, ""} else f"{value:,}"


@register.inclusion_tag("pages/chart.html")
def chart(data: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Draw `data` as a chart called `label`, with a table of the same numbers below it.

    `data` is {"type": "bar" or "line", "labels": […], "series": [{"label": …, "data": […]}, …]},
    optionally with "stacked": True. A series has one number for each label.
    """
    columns = [series["data"] for series in data["series"]]
    return {
        "json": json.dumps(data),
        "label": label,
        "heads": [series["label"] for series in data["series"]],
        "rows": list(zip(data["labels"], *columns, strict=True)),
        "empty": not any(any(column) for column in columns),
    }


@register.simple_tag
def sparkline(values: Sequence[int], label: str) -> str:
    """Draw `values` as small bars, with `label` for screen readers."""
    highest = max(values, default=0) or 1
    heights = [max(1, 20 * value // highest) if value else 0 for value in values]
    bars = "".join(f"M{2 * x} 20v-{h}h1.5v{h}z" for x, h in enumerate(heights) if h)
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} 20" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><title>{}</title><path d="{}"/></svg>',
        2 * max(1, len(values)),
        label,
        label,
        bars,
    )
