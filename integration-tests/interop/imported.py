"""A foreign calendar, and what came of it. usage: imported.py CALENDAR WINDOW
            imported.py CALENDAR OURS IMPORT

The first prints the two years that begin with the calendar's first start, as `FROM TO`. The second compares what
recurring-ical-events lists in them with OURS (`moot --json event list`, as ours.py prints it): the same dates, but for
events of which IMPORT (`moot --json event import`) says that not all dates are kept.
"""
import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import icalendar
from dates import dates

calendar = icalendar.Calendar.from_ical(Path(sys.argv[1]).read_bytes())
starts = [event["DTSTART"].dt for event in calendar.walk("VEVENT")]
first = min(start.date() if isinstance(start, datetime) else start for start in starts)
last = first + timedelta(days=730)
if sys.argv[2] == "WINDOW":
    print(first, last)
    sys.exit()

theirs = set(dates(sys.argv[1], str(first), str(last)).split("\n")) - {""}
ours = {row for row in Path(sys.argv[2]).read_text().split("\n") if str(first) <= row[:10] < str(last)}
lines = [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()]
stated = {line["name"] for line in lines if "name" in line and any("repetition" in said for said in line["said"])}
stated |= {line["name"] for line in lines if line.get("action") == "skipped"}


def unexplained(rows):
    return sorted(row for row in rows if row.split("|")[2] not in stated)


missing, extra = unexplained(theirs - ours), unexplained(ours - theirs)
assert theirs, "the calendar lists nothing"
assert not missing and not extra, f"missing here: {missing}\nonly here: {extra}"
print(f"{len(theirs)} dates, {len(theirs & ours)} of them here" + (f"; stated: {sorted(stated)}" if stated else ""))
