// Lists the dates of a calendar between two days, as ical.js understands it.
// usage: node dates.mjs FILE FROM TO MODULES; prints `start|status|summary` a line, sorted; times as UTC, all-day as a date.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [path, from, to, modules] = process.argv.slice(2);
const loaded = createRequire(`${modules}/`)("ical.js");
const ICAL = loaded.default ?? loaded;
const root = new ICAL.Component(ICAL.parse(readFileSync(path, "utf8")));
for (const zone of root.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);

const lines = new Set();
const add = (start, item) => {
  const day = (start.isDate ? start.toString() : start.toJSDate().toISOString()).slice(0, 10);
  if (day < from || day >= to) return;
  const text = start.isDate ? day : `${start.toJSDate().toISOString().slice(0, 16)}Z`;
  lines.add(`${text}|${item.component.getFirstPropertyValue("status") ?? "CONFIRMED"}|${item.summary}`);
};

const events = root.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
const masters = events.filter((event) => !event.isRecurrenceException());
const after = ICAL.Time.fromDateString(to);
after.addDuration(ICAL.Duration.fromString("P2D"));
for (const event of masters) {
  for (const other of events) {
    if (other.isRecurrenceException() && other.uid === event.uid) event.relateException(other);
  }
  if (!event.isRecurring()) {
    add(event.startDate, event);
    continue;
  }
  const dates = event.iterator();
  for (let n = 0, next = dates.next(); next && n < 20000; n += 1, next = dates.next()) {
    if (next.compare(after) > 0) break;
    const { startDate, item } = event.getOccurrenceDetails(next);
    add(startDate, item);
  }
}
console.log([...lines].sort((a, b) => (Buffer.compare(Buffer.from(a), Buffer.from(b)))).join("\n"));
