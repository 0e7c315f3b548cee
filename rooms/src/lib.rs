//! The room-serving engine: categories, rooms, members and live conversation.
//!
//! It is not built yet, and this crate holds nothing that pretends to be it. Its place on the floor plan is kept so that
//! the arrows are guarded from the first day: the engine will know [`chat`] and nothing else. It will not know that an
//! archive exists; what it records, it records through a port of its own, into which `server` plugs `ingest`.
//!
//! What it will re-create is Lync Server 2013 Persistent Chat; what is recorded of it already is every kind of event that
//! the compliance service of that system knew, and more: see [`chat::EventKind`].
