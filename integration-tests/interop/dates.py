"""Lists the dates of a calendar between two days, as recurring-ical-events understands it.

usage: dates.py FILE FROM TO; prints `start|status|summary` a line, sorted; times as UTC, all-day as a date.
       dates.py FOLDER; the same and `|end` for each line `NAME FROM TO` of FOLDER/list, from NAME.ics to NAME.python.
"""
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import icalendar
import recurring_ical_events


def text(when):
    if isinstance(when, datetime):
        return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    return when.isoformat()


def dates(path, start, end, ends=False):
    start, end = date.fromisoformat(start), date.fromisoformat(end)
    calendar = icalendar.Calendar.from_ical(Path(path).read_bytes())
    lines = set()
    # In its own zone, a date may be a day apart.
    for event in recurring_ical_events.of(calendar).between(start - timedelta(days=2), end + timedelta(days=2)):
        when = event["DTSTART"].dt
        day = when.astimezone(timezone.utc).date() if isinstance(when, datetime) else when
        # Only starts inside the window: how an overlap at its edge is listed differs from reader to reader.
        if start <= day < end:
            line = f"{text(when)}|{event.get('STATUS', 'CONFIRMED')}|{event['SUMMARY']}"
            lines.add(f"{line}|{text(event['DTEND'].dt)}" if ends else line)
    return "".join(f"{line}\n" for line in sorted(lines))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(dates(*sys.argv[1:]), end="")
    else:
        folder = Path(sys.argv[1])
        for row in (folder / "list").read_text().splitlines():
            name, start, end = row.split()
            (folder / f"{name}.python").write_text(dates(folder / f"{name}.ics", start, end, ends=True))
