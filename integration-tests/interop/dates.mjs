// Lists the dates of a calendar between two days, as ical.js understands it.
// usage: node dates.mjs MODULES FILE FROM TO; prints `start|status|summary` a line, sorted; times as UTC, all-day as a date.
//        node dates.mjs MODULES FOLDER; the same and `|end` for each line `NAME FROM TO` of FOLDER/list, from NAME.ics to NAME.js.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, path, from, to] = process.argv.slice(2);
const loaded = createRequire(`${modules}/`)("ical.js");
const ICAL = loaded.default ?? loaded;

const moment = (time) => (time.isDate ? time.toString() : `${time.toJSDate().toISOString().slice(0, 16)}Z`);

function dates(path, from, to, ends = false) {
  const root = new ICAL.Component(ICAL.parse(readFileSync(path, "utf8")));
  ICAL.TimezoneService.reset();
  for (const zone of root.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);

  const lines = new Set();
  const add = (start, end, item) => {
    const when = moment(start);
    if (when.slice(0, 10) < from || when.slice(0, 10) >= to) return;
    const line = `${when}|${item.component.getFirstPropertyValue("status") ?? "CONFIRMED"}|${item.summary}`;
    lines.add(ends ? `${line}|${moment(end)}` : line);
  };

  // Left to itself it takes every changed date of the file for one of each series.
  const alone = { exceptions: [], strictExceptions: true };
  const events = root.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component, alone));
  // A date may have been moved into the window from as far away as this.
  const after = ICAL.Time.fromDateString(to);
  after.addDuration(ICAL.Duration.fromString("P20D"));
  for (const event of events.filter((event) => !event.isRecurrenceException())) {
    for (const other of events) {
      if (other.isRecurrenceException() && other.uid === event.uid) event.relateException(other);
    }
    if (!event.isRecurring()) {
      add(event.startDate, event.endDate, event);
      continue;
    }
    const times = event.iterator();
    for (let n = 0, next = times.next(); next && n < 20000; n += 1, next = times.next()) {
      if (next.compare(after) > 0) break;
      const { startDate, endDate, item } = event.getOccurrenceDetails(next);
      add(startDate, endDate, item);
    }
  }
  return [...lines].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((line) => `${line}\n`).join("");
}

if (from) {
  process.stdout.write(dates(path, from, to));
} else {
  for (const row of readFileSync(`${path}/list`, "utf8").trim().split("\n")) {
    const [name, from, to] = row.split(" ");
    writeFileSync(`${path}/${name}.js`, dates(`${path}/${name}.ics`, from, to, true));
  }
}
