"""The content of an export package: what a line of events means, and what the tables made from the events must say.

docs/export.md sections 3 and 5 as a program. `verify_export.py` compares what comes out of here with the proofs and with
the tables of the package, byte for byte; nothing here knows a key, a hash tree or a file.
"""
import bisect, hashlib, json, re, struct
from datetime import datetime, timedelta

EXACT, READING, READERS, FILES, EXCEPTIONS = TABLES = (
    "csv/exact/messages.csv", "csv/reading/messages.csv", "csv/readers.csv", "attachments.csv", "exceptions.csv")
COLUMNS = {
    EXACT: "record_id seq source event_type room_id room_name category thread_root sent_at_utc sent_at_local zone "
           "received_at_utc actor_id actor_name actor_email actor_kind body body_version prior_version_of edited_at "
           "deleted_at deleted_by attachment_ids attachment_names readers_at_time hold_ids policy_ids tags bates sha256 "
           "leaf_index title",
    READERS: "room_id room_name person_id person_name from_utc from_seq from_event until_utc until_seq until_event",
    FILES: "record_id seq attachment name media_type address state file sha256 bytes",
    EXCEPTIONS: "record_id seq attachment name fault reason"}
LOST = "the archive could not give the bytes of this file, or they were not those of its hash"
GONE = "the archive no longer holds this event; see its certificates of destruction"
KINDS = dict(message=1, action=2, story=3, alert=4, edit=5, retract=6, reaction=7, upload=8, download=9, join=10, leave=11,
             kick=12, history=13, search=14, refused=15, quarantined=16, other=17, topic=0x8001, rename=0x8002, room=0x8003,
             category=0x8004, member=0x8005, role=0x8006, invitation=0x8007, replace=0x8008, purge=0x8009, identity=0x800A,
             officer=0x800B, destroyed=0x800C)
TEXTS = dict(text=4, rich_text=5, title=6, thread=9, remark=12, locator=13)
TAGS = dict(TEXTS, author=1, foreign_id=2, place=3, origin=7, raw=8, email=10, edited_at=11, act=16, attachments=0x1000)
MEMBERS = {*TEXTS, *"id seq place_seq place_prev recorded_at at kind target actor place origin other_ids other_fields "
           "edited_at raw act attachments".split()}
EPOCH = datetime(1970, 1, 1)


class Refused(Exception):
    """Something is not as it must be; the text says what."""


def need(holds, what):
    if not holds:
        raise Refused(what)


def unhex(text, size=None):
    need(isinstance(text, str) and re.fullmatch("([0-9a-f]{2})*", text), "not lower-case hex")
    need(size is None or len(text) == 2 * size, "hex of the wrong length")
    return bytes.fromhex(text)


def exactly(value, names, optional=()):
    need(isinstance(value, dict) and set(names) <= set(value) <= {*names, *optional}, "a member is missing or foreign")
    return value


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load(line):
    """Reads one canonical JSON object: what does not come out again byte for byte is refused."""
    value = json.loads(line)
    need(isinstance(value, dict) and canonical(value) == line, "not canonical JSON")
    return value


class Ranges:
    """A list of sequence numbers such as 1-5,9."""

    def __init__(self, text):
        need(re.fullmatch(r"(\d+(-\d+)?(,\d+(-\d+)?)*)?", text), "a list of events is malformed")
        parts = [part.split("-") for part in text.split(",") if part]
        self.parts = [(int(part[0]), int(part[-1])) for part in parts]
        need(all(a <= b for a, b in self.parts) and all(a[1] < b[0] for a, b in zip(self.parts, self.parts[1:])), "out of order")

    def __contains__(self, seq):
        at = bisect.bisect_right(self.parts, (seq, float("inf")))
        return at > 0 and seq <= self.parts[at - 1][1]

    def __iter__(self):
        return (seq for first, last in self.parts for seq in range(first, last + 1))


# ---- the line of an event (docs/export.md section 3, proof.md sections 3 and 4) ------------------------------------------
def micros(value):
    """Reads RFC 3339 with six decimals, and plain microseconds for years that it cannot write."""
    found = value if isinstance(value, int) else (datetime.fromisoformat(value[:-1]) - EPOCH) // timedelta(microseconds=1)
    try:
        text = (EPOCH + timedelta(microseconds=found)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        text = found
    need(text == value, "a time is not in its canonical form")
    return found


def shown(time):
    return time if isinstance(time, str) else f"{time}us"


def other_ids(event):
    """Ids of the header, by role, that stand without their name."""
    return {entry["role"]: exactly(entry, ("id", "role"))["id"] for entry in event.get("other_ids", [])}


def header_of(event):
    """The bytes that the header of an event must have."""
    word, ids = event["kind"], {role: unhex(id, 16) for role, id in other_ids(event).items()}
    unknown = re.fullmatch("unknown-([0-9a-f]{4})", word)
    kind = int(unknown[1], 16) if unknown else KINDS[word]
    need(not unknown or kind not in KINDS.values(), "a known kind stands as unknown")
    ids |= {role: unhex(event[name]["id"], 16) for role, name in ((2, "place"), (3, "actor")) if name in event}
    ids |= {4: event["target"].to_bytes(16, "big")} if "target" in event else {}
    ids |= {5: unhex(event["origin"]["source"], 16)} if "origin" in event else {}
    return struct.pack(">BHQQQqqB", 1, kind, event["seq"], event.get("place_seq", 0), event.get("place_prev", 0),
                       micros(event["recorded_at"]), micros(event["at"]), len(ids)) + b"".join(
                           bytes([role]) + ids[role] for role in sorted(ids))


def fields_of(event):
    """The content of an event by tag, as it is hashed."""
    fields = {TEXTS[name]: event[name].encode() for name in TEXTS if name in event}
    if actor := event.get("actor"):
        exactly(actor, ("id", "name"), ("foreign_id", "email"))
        fields |= {tag: actor[name].encode() for tag, name in ((1, "name"), (2, "foreign_id"), (10, "email")) if name in actor}
    if "place" in event:
        fields[3] = exactly(event["place"], ("id", "name"))["name"].encode()
    if origin := event.get("origin"):
        need(len(exactly(origin, ("source", "revision"), ("key", "ordinal"))) == 3, "an origin has a key or an ordinal")
        form = b"\0" + origin["key"].encode() if "key" in origin else b"\1" + struct.pack(">I", origin["ordinal"])
        fields[7] = struct.pack(">I", origin["revision"]) + form
    fields |= {8: unhex(event["raw"])} if "raw" in event else {}
    fields |= {11: struct.pack(">q", micros(event["edited_at"]))} if "edited_at" in event else {}
    fields |= {16: canonical(event["act"])} if "act" in event else {}
    fields |= {0x1000 + at: canonical(file) for at, file in enumerate(event.get("attachments", []))}
    for entry in event.get("other_fields", []):
        tag, value = exactly(entry, ("tag", "value"))["tag"], unhex(entry["value"])
        alone = {1: 3, 3: 2, 7: 5}.get(tag) in other_ids(event)
        named = tag == 8 or (tag == 11 and len(value) == 8) or ((tag in TEXTS.values() or alone) and is_text(value))
        need(tag not in fields and not named, "a known field stands among others")
        fields[tag] = value
    return fields


def is_text(value):
    try:
        return value.decode() is not None
    except UnicodeDecodeError:
        return False


def read_event(line, archive):
    event = load(line)
    need(set(event) <= MEMBERS and event["id"] == f"{archive}/{event['seq']}" and event["seq"] > 0, "a member is foreign")
    return event


# ---- the tables (docs/export.md section 5) ------------------------------------------------------------------------------
class Gathered:
    """What one pass over all events learns before rows can be written: versions, stays, files, counts."""

    def __init__(self, source_names):
        self.source_names, self.by_kind, self.by_source, self.files = source_names, {}, {}, {}
        self.edits, self.retractions, self.rooms, self.steps, self.known = {}, {}, {}, [], {}

    def take_row(self, event):
        self.by_kind[event["kind"]] = self.by_kind.get(event["kind"], 0) + 1
        if "origin" in event:
            name = self.source_names.get(event["origin"]["source"], event["origin"]["source"])
            self.by_source[name] = self.by_source.get(name, 0) + 1
        for file in event.get("attachments", []):
            if "sha256" in file and file["sha256"] not in self.files:
                plain = re.fullmatch(r".*\.([A-Za-z0-9]{1,8})", file["name"], re.DOTALL)
                ending = plain[1].lower() if plain else "bin"
                self.files[file["sha256"]] = f"attachments/{len(self.files) + 1:06}.{ending}"
        self.take_related(event)

    def take_related(self, event):
        kind, seq, actor, place = event["kind"], event["seq"], event.get("actor"), event.get("place")
        if "target" in event and kind in ("edit", "replace"):
            self.edits[seq] = (event["target"], event["at"])
        elif "target" in event and kind == "retract":
            self.retractions[seq] = (event["target"], event["at"], (actor["name"] or actor["id"]) if actor else "unknown")
        if not place:
            return
        room, members = place["id"], event.get("act", {}).get("members")
        self.rooms.setdefault(room, place["name"])
        for word in filter(None.__ne__, map(actor.get, ("name", "foreign_id", "email")) if actor else ()):
            if self.known.setdefault((room, word), actor["id"]) != actor["id"]:
                self.known[room, word] = None  # The word could mean several people.
        if actor and kind in ("join", "leave", "kick"):
            self.steps.append((room, micros(event["at"]), seq, kind, event["at"], [actor["name"]], actor["id"]))
        elif kind in ("member", "room") and isinstance(members, list):
            self.steps.append((room, micros(event["at"]), seq, kind, "", [name for name in members if isinstance(name, str)], ""))

    def settle(self, is_here):
        """Numbers the versions and joins entries and leavings to stays, once all events were taken."""
        self.versions, self.replaced, self.retracted = {}, {}, {}
        for seq, (target, at) in sorted(self.edits.items()):
            root, number = self.versions.get(target, (target, None if target in self.edits or not is_here(target) else 1))
            self.versions[seq] = (root, number and number + 1)
            self.replaced.setdefault(target, (seq, at))
        for _, (target, at, by) in sorted(self.retractions.items()):
            self.retracted.setdefault(self.versions.get(target, (target,))[0], (at, by))
        self.stays, self.counts, self.listed, inside = [], {}, set(), {}
        for room, at, seq, kind, time, names, person in sorted(self.steps):
            if not person:
                self.listed.add(room)
            for name in names:
                known = person or self.known.get((room, name))
                key = (room, (1, known) if known else (0, name))
                if (stay := inside.get(key)) is None:
                    stay = dict(key=key, name=name, start=None, end=None)
                    self.stays.append(stay)
                    if kind not in ("leave", "kick"):
                        inside[key] = stay
                    if not person:
                        stay["start"] = (kind, (), "")
            if not person:
                continue
            counts, was_counted = self.counts.setdefault(room, []), bool(stay["start"] and stay["start"][1])
            now = counts[-1][2] if counts else 0
            if kind == "join" and not was_counted:
                stay["start"] = (kind, (at, seq), time)
                counts.append((at, seq, now + 1))
            elif kind != "join":
                stay["end"] = (kind, (at, seq), time)
                inside.pop(key, None)
            if kind == "kick" or (kind == "leave" and was_counted):
                counts.append((at, seq, max(0, now - 1)))
        moment = lambda edge: edge[1] if edge else ()
        self.stays.sort(key=lambda stay: (stay["key"], moment(stay["start"]), moment(stay["end"])))

    def version(self, event):
        if event["seq"] in self.versions:
            return self.versions[event["seq"]][1] or "unknown"
        return "unknown" if event["kind"] in ("edit", "replace") else 1

    def readers(self, event):
        if "place" not in event:
            return ""
        counts = self.counts.get(event["place"]["id"])
        if counts is None:
            return "unknown"
        at = bisect.bisect_right(counts, (micros(event["at"]), event["seq"], float("inf")))
        return f"at least {counts[at - 1][2]}" if at and counts[at - 1][2] else "unknown"


def row(cells):
    return (",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells) + "\r\n").encode()


def exact_cells(event, line, manifest, gathered, hits):
    seq, place, actor, ids = event["seq"], event.get("place", {}), event.get("actor", {}), other_ids(event)
    record = lambda number: f"{manifest['archive_id']}/{number}"
    source = event["origin"]["source"] if "origin" in event else ids.get(5, "")
    room, person = place.get("id", ids.get(2, "")), actor.get("id", ids.get(3, ""))
    replaced = gathered.replaced.get(seq)
    root = gathered.versions.get(seq, (seq,))[0]
    deleted_at, deleted_by = gathered.retracted.get(root, ("", ""))
    files = event.get("attachments", [])
    cells = [record(seq), seq, manifest["source_names"].get(source, source), event["kind"], room, place.get("name", ""),
             manifest["room_categories"].get(room, ""), event.get("thread", ""), shown(event["at"]), "", "",
             shown(event["recorded_at"]), person, actor.get("name", ""), actor.get("email", ""), "unknown" if person else "",
             event.get("text", ""), gathered.version(event), record(replaced[0]) if replaced else "",
             shown(event.get("edited_at", replaced[1] if replaced else "")), shown(deleted_at), deleted_by,
             ";".join(file.get("sha256", "missing") for file in files),
             canonical([file["name"] for file in files]).decode() if files else "", gathered.readers(event), "", "", "", "",
             hashlib.sha256(line).hexdigest(), seq - 1, event.get("title", "")]
    return [str(cell) for cell in cells + ([int(seq in hits)] if hits is not None else [])]


HIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
RISKY = re.compile("[ \xa0\xad\u1680\u2000-\u200d\u202f\u205f-\u2064\u3000\ufeff]*[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20\u2212]")


def units(text):
    return len(text) + sum(letter > "\uffff" for letter in text)


def cut(text, record):
    """Cuts a text to what a spreadsheet's cell holds, and says where the whole of it is."""
    pointer = f" [cut; the whole text is in exact/messages.csv, record {record}]"
    kept, room = [], 32766 - units(pointer)
    for letter in text:
        room -= units(letter)
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept) + pointer


def reading_cells(exact):
    cells, guarded, truncated, controls = [], 0, 0, 0
    for cell in exact:
        text = HIDDEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", cell)
        controls |= text != cell
        if units(text) >= 32767:
            text, truncated = cut(text, exact[0]), 1
        risky = RISKY.match(text) is not None
        guarded |= risky
        cells.append("'" + text if risky else text)
    return cells + [int(guarded), truncated, int(controls)]


def file_rows(event, manifest, gathered, present):
    """Yields the rows of the files of an event, and of those that are not there."""
    record, seq = f"{manifest['archive_id']}/{event['seq']}", event["seq"]
    for number, file in enumerate(event.get("attachments", []), 1):
        path = gathered.files.get(file.get("sha256"), "")
        path = path if path in present else ""
        state = ("held" if path else "lost") if "sha256" in file else "missing"
        size = file.get("bytes") if "sha256" in file else file.get("claimed_bytes", "")
        start = [record, seq, number, file["name"]]
        yield FILES, seq, row(start + [file.get("media_type", ""), file.get("address", ""), state, path, file.get("sha256", ""), size])
        if state != "held":
            yield EXCEPTIONS, seq, row(start + [f"attachment-{state}", file.get("missing", LOST)])


def stay_rows(gathered):
    for room in sorted(set(gathered.rooms) - set(gathered.counts) - gathered.listed):
        yield READERS, None, row([room, gathered.rooms[room]] + ["unknown"] * 8)
    cells = lambda edge, absent: [shown(edge[2] or absent), edge[1][1] if edge[1] else absent, edge[0]] if edge else [absent] * 3
    for stay in gathered.stays:
        room, (is_known, person) = stay["key"]
        ends = cells(stay["start"], "unknown") + cells(stay["end"], "none recorded")
        yield READERS, None, row([room, gathered.rooms[room], person if is_known else "unknown", stay["name"]] + ends)


def tables(manifest, gathered, events, unavailable, hits):
    """Yields every row that the package should have: table, event, bytes. `events` gives each event with its line."""
    columns = COLUMNS[EXACT].split() + (["is_hit"] if hits is not None else [])
    yield EXACT, None, row(columns)
    yield READING, None, "\ufeff".encode() + row(columns + ["guarded", "truncated", "controls_shown"])
    yield from ((table, None, row(COLUMNS[table].split())) for table in (READERS, FILES, EXCEPTIONS))
    for seq in unavailable:
        yield EXCEPTIONS, seq, row([f"{manifest['archive_id']}/{seq}", seq, "", "", "event-unavailable", GONE])
    present = {file["path"] for file in manifest["files"]}
    for event, line in events:
        cells = exact_cells(event, line, manifest, gathered, hits)
        yield EXACT, event["seq"], row(cells)
        yield READING, event["seq"], row(reading_cells(cells))
        yield from file_rows(event, manifest, gathered, present)
    yield from stay_rows(gathered)
