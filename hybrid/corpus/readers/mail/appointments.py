"""Calendars (iCalendar): the appointments of an invitation, a line for each property that people read."""

from __future__ import annotations

import re

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z-]+)((?:;[^:;=]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)")
_ZONE = re.compile(r";TZID=\"?([^\";]+)", re.IGNORECASE)
_NAME = re.compile(r";CN=(?:\"([^\"]*)\"|([^;]*))", re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d*(Z?))?")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_TOLD = {
    "SUMMARY": "Appointment", "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration",
    "LOCATION": "Location", "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "RRULE": "Repeats",
    "COMMENT": "Comment", "DESCRIPTION": "Description",
}  # fmt: skip
_OPEN = frozenset({"VEVENT", "VTODO", "VJOURNAL"})


def appointments(source: str) -> str:
    """The appointments and tasks of a calendar, as lines like "Start: 2025-03-04 10:00 (Europe/Berlin)"."""
    lines: list[str] = []
    inside: list[str] = []
    for line in _FOLD.sub("", source).splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        key, value = found[1].upper(), found[3].strip()
        if key == "BEGIN":
            inside.append(value.upper())
            lines += [""] if lines and value.upper() in _OPEN else []
        elif key == "END":
            inside = inside[:-1]
        elif key in _TOLD and value and inside and inside[-1] in _OPEN:
            lines.append(f"{_TOLD[key]}: {_value(key, found[2], value)}")
    return "\n".join(lines).strip()


def _value(key: str, properties: str, value: str) -> str:
    time = _TIME.fullmatch(value)
    if time is not None and key in ("DTSTART", "DTEND", "DUE"):
        zone = _ZONE.search(properties)
        clock = f" {time[4]}:{time[5]}" if time[4] else ""
        where = " (UTC)" if time[6] else f" ({zone[1]})" if zone is not None and clock else ""
        return f"{time[1]}-{time[2]}-{time[3]}{clock}{where}"
    if key in ("ORGANIZER", "ATTENDEE"):
        name, address = _NAME.search(properties), re.sub(r"(?i)^mailto:", "", value)
        return address if name is None else f"{name[1] or name[2]} <{address}>"
    return _ESCAPE.sub(lambda mark: "\n" if mark[1] in "nN" else mark[1], value)
