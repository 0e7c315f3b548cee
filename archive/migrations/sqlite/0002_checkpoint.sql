-- One row for each signed checkpoint that verifies: its size, its root, and when its last event was recorded.
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, root BLOB NOT NULL, at INTEGER);
