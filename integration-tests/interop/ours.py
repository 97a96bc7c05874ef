"""Our own list (`moot --json event list`) in the form the outside readers print. usage: ours.py FILE"""
import json
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

lines = set()
with open(sys.argv[1], encoding="utf-8") as file:
    for row in map(json.loads, file):
        start = row["start"]
        if "date" in start:
            when = start["date"]
        else:
            local = datetime.fromisoformat(start["local"]).replace(tzinfo=ZoneInfo(start["zone"]))
            when = datetime.fromtimestamp(row["from"], timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
            # The instant we state is the one the zone rules give, but for times that do not exist.
            stated = local.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
            exists = local.astimezone(timezone.utc).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)
            assert when == stated or not exists, (row, stated)
        lines.add(f"{when}|{'CANCELLED' if row['cancelled'] else row['status'].upper()}|{row['name']}")
print("\n".join(sorted(lines)))
