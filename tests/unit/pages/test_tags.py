"""The template tags of the pages."""

import datetime
import json
import re

import pytest
from django.template import Context, Template
from django.utils import timezone

from birdwatcher.pages.templatetags.pages import ago, figure, in_words, sparkline

NOW = datetime.datetime(2026, 5, 1, 12, 30, 15, 400_000, tzinfo=datetime.UTC)


def render(text: str, **context: object) -> str:
    """Return what the tags in `text` make."""
    return Template("{% load pages %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (0.9, "now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 day ago"),
        (200_000, "2 days ago"),
        (400 * 86_400 * 3, "1,200 days ago"),
        (-0.5, "now"),
        (-5, "in 5 s"),
        (-7200, "in 2 h"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago(NOW - datetime.timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "2026-05-01 12:30:15 UTC"),
        ("Europe/London", "2026-05-01 13:30:15 BST (Europe/London)"),
        ("Asia/Kathmandu", "2026-05-01 18:15:15 +0545 (Asia/Kathmandu)"),
    ],
)
def test_an_exact_time_names_its_zone(zone: str, words: str) -> None:
    with timezone.override(zone):
        assert in_words(NOW) == words
        assert words in render("{% exact at %}", at=NOW)
        assert f'title="{words}"' in render("{% moment at %}", at=NOW)
        assert f'datetime="{NOW.isoformat()}"' in render("{% moment at %}", at=NOW)


def test_where_there_is_nothing_stands_a_dash() -> None:
    assert render("{% moment at %}{% exact at %}{{ at|figure }}", at=None) == "———"
    assert figure(1_234_567) == "1,234,567"


def test_a_chart_has_its_numbers_as_a_table_too() -> None:
    data = {
        "type": "bar",
        "labels": ["08:00", '"><script>'],
        "series": [{"label": "today", "data": [3, 1200]}, {"label": "<b>", "data": [0, 5]}],
    }
    html = render('{% chart data "Birds an hour" %}', data=data)
    (attribute,) = re.findall(r'data-chart="([^"]*)"', html)
    unescaped = attribute.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")
    assert json.loads(unescaped) == data
    assert "<script>" not in html
    cells = re.findall(r"<t[hd] ?[^>]*>([^<]*)</t[hd]>", html)
    assert cells[1:6] == ["today", "&lt;b&gt;", "08:00", "3", "0"]
    assert "1,200" in cells


def test_a_chart_of_nothing_says_so() -> None:
    data = {"type": "bar", "labels": ["08:00"], "series": [{"label": "birds", "data": [0]}]}
    html = render('{% chart data "Birds an hour" %}', data=data)
    assert "Nothing in this time." in html
    assert "<canvas" not in html


def test_a_sparkline_has_a_bar_for_each_value_that_is_not_zero() -> None:
    svg = sparkline([0, 5, 10], 'events <a> "minute"')
    assert svg.count("M") == 2
    assert "M4 20v-20h" in svg
    assert 'aria-label="events &lt;a&gt; &quot;minute&quot;"' in svg
    assert sparkline([], "nothing").count("M") == 0
