"""Template tags of the pages about nodes."""

import datetime
from collections.abc import Sequence

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html

from birdwatcher.daemon.node_states import tone
from birdwatcher.nodes.packets import as_hex, as_text
from birdwatcher.pages.nodes.timeline import Mark
from birdwatcher.pages.templatetags.pages import NOTHING, ago, in_words, sparkline

register = template.Library()
register.filter("state_tone", tone)

UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@register.simple_tag
def rate(minutes: Sequence[int]) -> str:
    """Draw the events of each of the last minutes, with their mean as a number."""
    mean = sum(minutes) / max(1, len(minutes))
    label = f"Last hour: {mean:.1f} events a minute on average, {max(minutes, default=0):,} at most"
    return format_html(
        '{} <span class="rate">{}</span>', sparkline(minutes, label), short_number(mean)
    )


@register.simple_tag
def coming(value: datetime.datetime | None) -> str:
    """Show when something will happen, or "any moment" if its time has passed.

    An unreachable node is tried every few seconds, and not every attempt is recorded.
    """
    if not value:
        return NOTHING
    now = timezone.now()
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        in_words(value),
        ago(value, now) if value > now else "any moment",
    )


@register.simple_tag
def when(value: datetime.datetime) -> str:
    """Show a time exactly, with its zone on hover: for long tables."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        in_words(value),
        formats.localize(timezone.localtime(value)),
    )


@register.simple_tag
def stretch_title(mark: Mark) -> str:
    """Return the tooltip of a mark in the band of states."""
    start, end = (formats.localize(timezone.localtime(at)) for at in (mark.start, mark.end))
    first, *others = mark.stretches
    what = f"{len(mark.stretches):,} changes" if others else first.word
    return f"{what}, {start} to {end} ({duration(mark.end - mark.start)})"


@register.filter
def packet_text(raw: bytes) -> str:
    """Show a packet as text, with control and invisible characters escaped."""
    return as_text(bytes(raw))


@register.filter
def packet_hex(raw: bytes) -> str:
    """Show a packet as a hex dump."""
    return as_hex(bytes(raw))


@register.filter
def duration(length: datetime.timedelta | None) -> str:
    """Show a duration in its two largest units: `3 days 4 h`, `12 s`."""
    if length is None:
        return NOTHING
    seconds = max(0, int(length.total_seconds()))
    for number, (unit, size) in enumerate(UNITS):
        if seconds >= size:
            parts = [_counted(seconds // size, unit)]
            below = UNITS[number + 1 :]
            if below and (rest := seconds % size // below[0][1]):
                parts.append(_counted(rest, below[0][0]))
            return " ".join(parts)
    return "less than 1 s"


@register.filter
def seconds(value: float) -> str:
    """Show a number of seconds as a duration."""
    return f"{value:.1f} s" if value < 10 else duration(datetime.timedelta(seconds=value))


@register.filter("short")
def short_number(value: float) -> str:
    """Return a number with one decimal below 10, else none: `0`, `0.3`, `12`, `1,234`."""
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''}"
