//! What is searched: real messages of the shared samples where they are, and our own in many scripts, with edits,
//! retractions, files, joins, topics and an officer's acts among them.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use chat::testing::SeededRng;
use chat::{
    Act, Attachment, ChatEvent, Content, Custody, EventKind, FileId, Origin, OriginKey, Person,
    PersonId, Place, Recorded, RoomId, Seq, SourceId, Timestamp,
};

use super::bench::Places;

const OWN: [&str; 22] = [
    "会議は明日の午前十時です。資料を確認してください",
    "明日の会議、予算の資料は誰が作りますか？",
    "今天的会议取消了，请看新的预算",
    "회의 자료를 확인해 주세요, 내일 오전입니다",
    "ยินดีต้อนรับสู่ห้องประชุม วันนี้เราจะคุยเรื่องงบประมาณ",
    "שלום לכולם, הפגישה מחר בבוקר",
    "שָׁלוֹם עולם budget mixed עם עברית",
    "مرحبا بالجميع، الاجتماع غدا صباحا في القاعة الكبرى",
    "الاجتماعُ غداً (budget) في القاعة",
    "Great work everyone 🎉🎉 the budget 👍🏽 is approved 👩‍💻",
    "🚀 launch at 10:00, see https://example.com/plan.pdf?x=1 @Jörg",
    "Die Häuser in der Straße wurden gestern verkauft, meinte Frau Weiß",
    "Das Haus am See: Verkauf läuft, Unterlagen folgen per foo-bar@example.com",
    "Les réunions budgétaires continuelles fatiguent tout le monde",
    "La réunion budgétaire est reportée à demain",
    "We were meeting the Meeting-Room committee about the meetings budget",
    "no no no, that is not what I meant; NO means no",
    "Running runs: the runner ran a run, running again",
    "С новым годом! Новая смета утверждена, встречаемся завтра",
    "Смету новую утвердили, встреча завтра утром",
    "",
    "e\u{301}te\u{301} and été are the same word; ÉTÉ too",
];

/// Returns the folder of the shared samples, if it is there.
pub(super) fn shared(test: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder =
        std::env::var_os("MUNIMENT_SHARED").map_or(beside, PathBuf::from).join("data/chat");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {test}: no shared samples");
    None
}

/// Returns a log of real and own messages, with what happens around them.
pub(super) fn log(test: &str, rng: &SeededRng, real_per_file: usize) -> Vec<Recorded> {
    let mut events = Vec::new();
    if let Some(folder) = shared(test) {
        for (number, file) in [
            "raku-irc-2017-2019.jsonl.zst",
            "slack-disentangled.jsonl.zst",
            "ubuntu-disentangled.jsonl.zst",
            "ubuntu-ru-2013.jsonl.zst",
        ]
        .iter()
        .enumerate()
        {
            let number = u8::try_from(number).unwrap();
            events.extend(real(&folder.join(file), real_per_file, number + 1));
        }
    }
    let own = events.len() / 4 + 400;
    events.extend((0..own).map(|number| own_message(rng, number)));
    events.extend((0..own / 3).map(|_| step(rng)));
    shuffle(rng, &mut events);
    let mut places = Places::default();
    let mut log: Vec<Recorded> = ledger().into_iter().map(|act| places.place(act)).collect();
    for (number, event) in events.into_iter().enumerate() {
        if number == 120 {
            log.extend(later_names().into_iter().map(|act| places.place(act)));
        }
        let recorded = places.place(event);
        log.push(recorded);
        if rng.below(12) == 0
            && let Some(after) = aftermath(rng, &log)
        {
            log.push(places.place(after));
        }
    }
    log
}

fn real(path: &std::path::Path, count: usize, source: u8) -> Vec<ChatEvent> {
    let file = std::fs::File::open(path).unwrap();
    let lines = BufReader::new(zstd::stream::read::Decoder::new(file).unwrap()).lines();
    lines.take(count).map(|line| real_message(&line.unwrap(), source)).collect()
}

fn real_message(line: &str, source: u8) -> ChatEvent {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let kind = if text("kind") == "action" { EventKind::Action } else { EventKind::Message };
    let mut event = said(kind, source, &text("room"), &text("sender"), &text("text"));
    event.at = Timestamp::parse_rfc3339(&text("time")).unwrap();
    event.content.thread = value["thread"].as_str().map(str::to_owned);
    event
}

fn said(kind: EventKind, source: u8, room: &str, sender: &str, text: &str) -> ChatEvent {
    ChatEvent {
        origin: Some(Origin {
            source: SourceId::from_bytes([source; 16]),
            key: OriginKey::Derived { ordinal: 0 },
            revision: 0,
        }),
        at: Timestamp::EPOCH,
        kind,
        actor: Some(Person {
            id: PersonId::from_bytes(id_of(sender)),
            name: sender.to_owned(),
            foreign_id: None,
            email: None,
        }),
        place: Some(Place { room: RoomId::from_bytes(id_of(room)), name: room.to_owned() }),
        target: None,
        other_ids: Vec::new(),
        content: Content { text: Some(text.to_owned()), ..Content::default() },
    }
}

/// Returns an id that follows from a name (FNV-1a twice); ids of the archive never do.
pub(super) fn id_of(name: &str) -> [u8; 16] {
    let mut id = [0; 16];
    for (half, salt) in id.chunks_exact_mut(8).zip([0xcbf2_9ce4_8422_2325_u64, 0x1234_5678_9abc]) {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        half.copy_from_slice(&name.bytes().fold(salt, mix).to_be_bytes());
    }
    id
}

fn own_message(rng: &SeededRng, number: usize) -> ChatEvent {
    let pick = |bound: usize| draw(rng, bound);
    let room = ["Board", "Trading floor", "会議室", "#moarvm", "Ada and Jörg"][pick(5)];
    let sender = ["Jörg Weiß", "Ada", "山田", "משה"][pick(4)];
    let mut text = OWN[pick(OWN.len())].to_owned();
    if rng.below(3) == 0 {
        text = format!("{text} {}", OWN[pick(OWN.len())]);
    }
    let kinds = [EventKind::Message, EventKind::Story, EventKind::Join, EventKind::Alert];
    let kind = if rng.below(4) == 0 { kinds[pick(4)] } else { EventKind::Message };
    let mut event = said(kind, 9, room, sender, &text);
    // Many share their second, so that equal times have to be told apart.
    let second = i64::try_from(rng.below(40_000_000)).unwrap() / 100_000 * 100_000;
    event.at = Timestamp::from_micros((1_480_000_000 + second) * 1_000_000);
    if number.is_multiple_of(13) {
        event.kind = [EventKind::Upload, EventKind::Download][number % 2];
        event.content.text = Some("Budget.XLSX".to_owned());
    }
    if let Some(person) = event.actor.as_mut().filter(|_| number.is_multiple_of(5)) {
        person.email = Some("Jorg.Weiss@Example.com".to_owned());
        person.foreign_id = Some("U123".to_owned());
    }
    if kind == EventKind::Story {
        event.content.title = Some("Quarterly Budget: Häuser".to_owned());
    }
    if number.is_multiple_of(7) {
        event.content.attachments = vec![file("Plan.Final.PDF", true), file("notes", false)];
    }
    if number.is_multiple_of(11) {
        event.content.edited_at = Some(event.at);
    }
    event
}

/// Somebody enters or leaves.
fn step(rng: &SeededRng) -> ChatEvent {
    let mut event = own_message(rng, 1);
    event.kind =
        [EventKind::Join, EventKind::Leave, EventKind::Join, EventKind::Kick][draw(rng, 4)];
    event.content = Content::default();
    event
}

fn file(name: &str, held: bool) -> Attachment {
    let custody = if held {
        Custody::Held { file: FileId::from_bytes([7; 32]), bytes: 12 }
    } else {
        Custody::Missing { reason: "gone".to_owned(), claimed_bytes: None }
    };
    Attachment { name: name.to_owned(), media_type: None, address: None, custody }
}

/// What happens to an earlier message: it is edited, taken back, answered, or an officer looks for it.
fn aftermath(rng: &SeededRng, log: &[Recorded]) -> Option<ChatEvent> {
    let target = &log[draw(rng, log.len())];
    let mut event = target.event.clone();
    event.at = event.at.plus_micros(60_000_000);
    event.target = Some(target.seq);
    event.content.attachments.clear();
    event.kind = match rng.below(5) {
        0 => EventKind::Retract,
        1 => EventKind::Officer,
        2 => EventKind::Reaction,
        _ => EventKind::Edit,
    };
    if event.kind == EventKind::Officer {
        event.origin = None;
        event.place = None;
    }
    event.content.text = event.content.text.map(|text| format!("{text} corrected budget"));
    event.actor.as_ref()?;
    Some(event)
}

fn act(room: Option<&str>, act: Act) -> ChatEvent {
    let kind = if act.verb.starts_with("person") { EventKind::Identity } else { EventKind::Room };
    let mut event = said(kind, 9, room.unwrap_or("-"), "-", "");
    event.actor = None;
    event.place = event.place.filter(|_| room.is_some());
    event.content = Content { act: Some(act), ..Content::default() };
    event
}

/// Names that are known of rooms and persons only later on: their messages do not bear them.
fn later_names() -> Vec<ChatEvent> {
    let person =
        |verb, name| Act::new(verb).with("person", PersonId::from_bytes(id_of(name)).to_string());
    let own = SourceId::from_bytes([9; 16]).to_string();
    let jorg = person("person-declared", "Jörg Weiß").with("source", own.clone());
    let also = vec!["Jörg".to_owned(), "Ada's friend".to_owned()];
    let grace = person("person-declared", "Grace").with("source", own.clone());
    vec![
        act(None, jorg.with("name", "Jörg Weiß").with("foreign_id", "U7")),
        act(None, person("person-changed", "Jörg Weiß").with("also", also)),
        act(None, person("person-changed", "Ada").with("email", "Countess@Example.com")),
        act(None, grace.with("name", "Grace").with("foreign_id", "U8")),
        act(Some("Board"), Act::new("room-changed").with("foreign_id", "C1")),
        act(Some("Ada and Jörg"), Act::new("room-changed").with("source", own.clone())),
        listing("Board", Act::new("room-changed").with("source", own), ["U7", "Ghost"]),
        listing("会議室", Act::new("members-named"), ["Somebody", "Jörg"]),
    ]
}

/// A list of members from the middle of the time in which our own messages lie.
fn listing(room: &str, naming: Act, names: [&str; 2]) -> ChatEvent {
    let members: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut event = act(Some(room), naming.with("members", members));
    event.at = Timestamp::from_micros(1_500_000_000_000_000);
    event
}

fn ledger() -> Vec<ChatEvent> {
    let source = |number: u8, name: &str| {
        let id = SourceId::from_bytes([number; 16]).to_string();
        act(None, Act::new("source-declared").with("source", id).with("name", name))
    };
    let members = vec!["Grace".to_owned(), "Ada".to_owned()];
    let direct = Act::new("room-declared").with("kind", "direct").with("members", members);
    vec![
        source(1, "raku-irc"),
        source(9, "Own"),
        act(Some("Board"), Act::new("room-declared").with("category", "Legal")),
        act(Some("#moarvm"), Act::new("room-declared").with("category", "IRC")),
        act(Some("Trading floor"), Act::new("room-language").with("language", "deu")),
        act(Some("Ada and Jörg"), direct),
    ]
}

fn shuffle<T>(rng: &SeededRng, list: &mut [T]) {
    for last in (1..list.len()).rev() {
        let other = draw(rng, last + 1);
        list.swap(last, other);
    }
}

/// Returns a number below the bound.
pub(super) fn draw(rng: &SeededRng, bound: usize) -> usize {
    usize::try_from(rng.below(u64::try_from(bound).unwrap())).unwrap()
}

/// Returns a sequence number.
pub(super) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}
