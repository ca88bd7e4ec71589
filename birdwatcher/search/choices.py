"""The words of the filters of birds, on the pages and in the admin."""

import datetime

PAST = {
    "hour": ("Past hour", datetime.timedelta(hours=1)),
    "day": ("Past 24 hours", datetime.timedelta(days=1)),
    "week": ("Past 7 days", datetime.timedelta(days=7)),
    "month": ("Past 30 days", datetime.timedelta(days=30)),
}
DOUBTFUL = "doubtful"
