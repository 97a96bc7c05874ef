"""khal's agenda in the form the other readers print. usage: agenda.py FROM TO < `khal list --json …`, in UTC"""
import json
import sys

lines = set()
for day in map(json.loads, sys.stdin):
    for event in day:
        start = event["start-long"]
        # An event of several days is listed on each of them, and one under way on the first.
        if sys.argv[1] <= start[:10] < sys.argv[2]:
            when = start if event["all-day"] == "True" else f"{start}Z"
            assert (event["cancelled"] == "CANCELLED") == (event["status"] == "CANCELLED"), event
            lines.add(f"{when}|{event['status'] or 'CONFIRMED'}|{event['title']}")
print("\n".join(sorted(lines)))
