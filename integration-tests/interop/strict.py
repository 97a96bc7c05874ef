"""Reads our calendar files strictly. usage: strict.py CALENDAR CANCELLED"""
import sys

import icalendar

for path in sys.argv[1:]:
    with open(path, "rb") as file:
        raw = file.read()
    assert raw.endswith(b"\r\n") and b"\n" not in raw.replace(b"\r\n", b""), "lines end in CRLF"
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75, line
    calendar = icalendar.Calendar.from_ical(raw)
    assert not calendar.errors, calendar.errors
    assert "METHOD" not in calendar
    seen = set()
    zones = {str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")}
    for event in calendar.walk("VEVENT"):
        assert not event.errors, event.errors
        assert "ATTENDEE" not in event and not event.walk("VALARM")
        for needed in ("UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE"):
            assert needed in event, (needed, event)
        zone = event["DTSTART"].params.get("TZID")
        assert zone is None or zone in zones, zone
        name = (str(event["UID"]), str(event["RECURRENCE-ID"].to_ical()) if "RECURRENCE-ID" in event else None)
        assert name not in seen, name
        seen.add(name)
    assert seen, path
with open(sys.argv[2], "rb") as file:
    events = icalendar.Calendar.from_ical(file.read()).walk("VEVENT")
assert [str(event["STATUS"]) for event in events] == ["CANCELLED"], events
