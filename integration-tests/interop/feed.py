"""Reads our Atom feed as feed readers do. usage: feed.py FILE BASE"""
import sys

import feedparser

with open(sys.argv[1], "rb") as file:
    feed = feedparser.parse(file.read(), response_headers={"content-type": "application/atom+xml; charset=utf-8"})
assert not feed.bozo, feed.bozo_exception
assert feed.version == "atom10", feed.version
assert feed.feed.title and feed.feed.updated_parsed and feed.feed.id
assert feed.entries
for entry in feed.entries:
    assert entry.id and entry.title and entry.updated_parsed and entry.link.startswith(sys.argv[2]), entry
    assert entry.get("author"), entry
    html = entry.get("content", [{"value": entry.get("summary", "")}])[0]["value"]
    assert "<script" not in html and "javascript:" not in html, html
assert len({entry.id for entry in feed.entries}) == len(feed.entries)
