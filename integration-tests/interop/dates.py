"""Lists the dates of a calendar between two days, as recurring-ical-events understands it.

usage: dates.py FILE FROM TO; prints `start|status|summary` a line, sorted; times as UTC, all-day as a date.
"""
import sys
from datetime import date, datetime, timezone

import icalendar
import recurring_ical_events

path, start, end = sys.argv[1], date.fromisoformat(sys.argv[2]), date.fromisoformat(sys.argv[3])
with open(path, "rb") as file:
    calendar = icalendar.Calendar.from_ical(file.read())


def text(when):
    if isinstance(when, datetime):
        return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    return when.isoformat()


lines = set()
for event in recurring_ical_events.of(calendar).between(start, end):
    when = event["DTSTART"].dt
    day = when.astimezone(timezone.utc).date() if isinstance(when, datetime) else when
    # Only starts inside the window: how an overlap at its edge is listed differs from reader to reader.
    if start <= day < end:
        lines.add(f"{text(when)}|{event.get('STATUS', 'CONFIRMED')}|{event['SUMMARY']}")
print("\n".join(sorted(lines)))
