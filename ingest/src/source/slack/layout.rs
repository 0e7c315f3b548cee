//! What lies around the messages: rooms, users, the workspace, local copies of files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::super::fault::{Start, of_json};
use super::super::{Identity, Sourced, decode};
use super::unreadable_file;
use crate::draft::{DraftPerson, DraftPlace, RoomKind};
use crate::error::Result;
use crate::input::{Container, bounded_document};
use crate::replay::Names;

const ROOM_LISTS: [(&str, RoomKind); 4] = [
    ("channels.json", RoomKind::Room),
    ("groups.json", RoomKind::Room),
    ("mpims.json", RoomKind::Group),
    ("dms.json", RoomKind::Direct),
];
const USER_LISTS: [&str; 3] = ["users.json", "org_users.json", "user_data.json"];
const TEAM_FILES: [&str; 2] = ["team_info.json", "team.json"];

/// Returns the folder within the input that holds the export's lists, shortest first; nothing if there is none.
pub(super) fn prefix(members: &[String]) -> Option<String> {
    let of_list = |name: &String| {
        let (folder, file) = name.rsplit_once('/').map_or(("", name.as_str()), |both| both);
        ROOM_LISTS.iter().any(|(list, _)| *list == file).then(|| folder.to_owned())
    };
    let folder = members.iter().filter_map(of_list).min_by_key(String::len)?;
    Some(if folder.is_empty() { folder } else { format!("{folder}/") })
}

/// Returns whether a list of users is among the members.
pub(super) fn has_users(members: &[String], prefix: &str) -> bool {
    let own =
        |name: &String| name.strip_prefix(prefix).is_some_and(|list| USER_LISTS.contains(&list));
    members.iter().any(own)
}

/// The rooms, users and files of an export.
#[derive(Debug, Default)]
pub(super) struct Layout {
    prefix: String,
    /// The workspace's id, where a list gives it.
    pub(super) workspace: Option<String>,
    rooms: HashMap<String, DraftPlace>,
    users: HashMap<String, DraftPerson>,
    /// Those users in the order of the list, with all their names.
    pub(super) identities: Vec<Identity>,
    /// Members that may be copies of files, by the id of the file that is part of their path.
    copies: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a room: an object in braces")]
struct Channel {
    id: String,
    name: Option<String>,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    team_id: Option<String>,
    name: Option<String>,
    real_name: Option<String>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
pub(super) struct Profile {
    pub(super) real_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "found something else, expected a list of users")]
enum Users {
    List(Vec<serde_json::Value>),
    Wrapped { members: Vec<serde_json::Value> },
}

#[derive(Deserialize)]
#[serde(expecting = "an object in braces")]
struct TeamInfo {
    team: Option<Team>,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    id: String,
}

impl User {
    /// Returns the person under the name that Slack shows, and the others that it has: people are cited by any of them.
    fn identity(&self) -> Identity {
        let profile = self.profile.as_ref();
        let names = [
            profile.and_then(|profile| profile.display_name.as_ref()),
            self.real_name.as_ref(),
            profile.and_then(|profile| profile.real_name.as_ref()),
            self.name.as_ref(),
        ];
        let name = first_said(names).unwrap_or_else(|| self.id.clone());
        let mut also: Vec<String> = Vec::new();
        for other in names.into_iter().flatten() {
            if !other.is_empty() && *other != name && !also.contains(other) {
                also.push(other.clone());
            }
        }
        let email = first_said([profile.and_then(|profile| profile.email.as_ref())]);
        let person = DraftPerson { name, foreign_id: Some(self.id.clone()), email };
        Identity { person, also }
    }
}

/// Reads a list of the export.
fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let (text, _) = decode(bytes);
    serde_json::from_str(&text).map_err(|fault| of_json(&fault, &text, Start::FILE))
}

/// Returns the first of these names that says something.
pub(super) fn first_said<'a>(
    names: impl IntoIterator<Item = Option<&'a String>>,
) -> Option<String> {
    names.into_iter().flatten().find(|name| !name.is_empty()).cloned()
}

impl Layout {
    /// Reads the lists; one that cannot be read is an unreadable piece, and the export goes on without it.
    pub(super) fn read(container: &mut Container, prefix: &str) -> Result<(Self, Vec<Sourced>)> {
        let mut layout = Self { prefix: prefix.to_owned(), ..Self::default() };
        let mut odd = Vec::new();
        for file in TEAM_FILES {
            layout.list(container, file, &mut odd, Self::take_team)?;
        }
        for file in USER_LISTS {
            layout.list(container, file, &mut odd, Self::take_users)?;
        }
        for (file, kind) in ROOM_LISTS {
            layout
                .list(container, file, &mut odd, |layout, bytes| layout.take_rooms(bytes, kind))?;
        }
        layout.find_copies(&container.members());
        Ok((layout, odd))
    }

    fn list(
        &mut self,
        container: &mut Container,
        file: &str,
        odd: &mut Vec<Sourced>,
        take: impl FnOnce(&mut Self, &[u8]) -> Result<(), String>,
    ) -> Result<()> {
        let name = format!("{}{file}", self.prefix);
        let Some(mut input) = container.open_text(&name)? else { return Ok(()) };
        let (bytes, fault) = bounded_document(input.as_mut(), &name)?;
        if let Err(reason) = fault.map_or_else(|| take(self, &bytes), Err) {
            odd.push(Sourced::Unreadable(unreadable_file(&name, bytes, reason)));
        }
        Ok(())
    }

    fn take_team(&mut self, bytes: &[u8]) -> Result<(), String> {
        let info: TeamInfo = read(bytes)?;
        self.workspace = info.team.map(|team| team.id).or(info.id);
        Ok(())
    }

    pub(super) fn take_users(&mut self, bytes: &[u8]) -> Result<(), String> {
        let list = match read(bytes)? {
            Users::List(list) | Users::Wrapped { members: list } => list,
        };
        let count = list.len();
        for user in list {
            // A user that cannot be read is one that is missing from the list: the id stays as the name.
            let Ok(user) = serde_json::from_value::<User>(user) else { continue };
            let identity = user.identity();
            self.users.insert(user.id, identity.person.clone());
            self.identities.push(identity);
            self.workspace = self.workspace.take().or(user.team_id);
        }
        if self.users.is_empty() && count > 0 {
            return Err("found no user with an id, expected a list of users".to_owned());
        }
        Ok(())
    }

    pub(super) fn take_rooms(&mut self, bytes: &[u8], kind: RoomKind) -> Result<(), String> {
        let rooms: Vec<Channel> = read(bytes)?;
        for room in rooms {
            let members: BTreeSet<_> = room.members.iter().map(|id| self.person(id).name).collect();
            let place = DraftPlace {
                name: first_said([room.name.as_ref()]).unwrap_or_else(|| room.id.clone()),
                foreign_id: Some(room.id.clone()),
                kind,
                category: None,
                members: Some(members.into_iter().collect::<Arc<[String]>>()),
            };
            if let Some(name) = room.name {
                self.rooms.entry(name).or_insert_with(|| place.clone());
            }
            self.rooms.insert(room.id, place);
        }
        Ok(())
    }

    /// Returns a person by id; one that is missing from the list bears the id as name.
    pub(super) fn person(&self, id: &str) -> DraftPerson {
        self.users.get(id).cloned().unwrap_or_else(|| DraftPerson {
            name: id.to_owned(),
            foreign_id: Some(id.to_owned()),
            email: None,
        })
    }

    /// Returns the name of a person that the list has.
    pub(super) fn user_name(&self, id: &str) -> Option<&str> {
        self.users.get(id).map(|person| person.name.as_str())
    }

    /// Returns the name of a room that a list has, by its id.
    pub(super) fn room_name(&self, id: &str) -> Option<&str> {
        self.rooms.get(id).map(|place| place.name.as_str())
    }

    fn inner<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.prefix.as_str())
    }

    /// Returns whether a member is one day of a room.
    pub(super) fn is_day(&self, name: &str) -> bool {
        let Some((folder, file)) = self.inner(name).and_then(|name| name.split_once('/')) else {
            return false;
        };
        let stem = file.strip_suffix(".json").unwrap_or_default();
        let dated = stem.len() == 10
            && stem.bytes().all(|letter| letter.is_ascii_digit() || letter == b'-');
        dated || (self.rooms.contains_key(folder) && !stem.is_empty() && !file.contains('/'))
    }

    /// Returns whether a member is neither a list, nor a day, nor a copy of a file.
    pub(super) fn is_passed_over(&self, name: &str) -> bool {
        let known = self.inner(name).is_some_and(|inner| {
            ROOM_LISTS.iter().any(|(list, _)| *list == inner)
                || USER_LISTS.contains(&inner)
                || TEAM_FILES.contains(&inner)
        });
        !known && !self.is_day(name) && !self.copies.values().any(|copy| copy == name)
    }

    /// Takes rooms and people as the archive knows them.
    pub(super) fn of_names(names: &Names) -> Self {
        let mut layout = Self::default();
        for room in &names.rooms {
            layout.rooms.insert(room.name.clone(), room.clone());
        }
        for room in &names.rooms {
            if let Some(id) = &room.foreign_id {
                layout.rooms.insert(id.clone(), room.clone());
            }
        }
        for person in &names.persons {
            if let Some(id) = &person.foreign_id {
                layout.users.insert(id.clone(), person.clone());
            }
        }
        layout
    }

    /// Returns the room that a day's file belongs to.
    pub(super) fn room_of(&self, file: &str) -> DraftPlace {
        let folder = self.inner(file).and_then(|name| name.split('/').next()).unwrap_or_default();
        self.room_named(folder)
    }

    /// Returns the room of a folder; one that no list names is a room of that name.
    pub(super) fn room_named(&self, folder: &str) -> DraftPlace {
        self.rooms.get(folder).cloned().unwrap_or_else(|| DraftPlace {
            name: folder.to_owned(),
            foreign_id: None,
            kind: RoomKind::Room,
            category: None,
            members: None,
        })
    }

    /// Finds copies of files: members whose folder or name begins with a file's id, as download tools lay them.
    fn find_copies(&mut self, members: &[String]) {
        let others: Vec<_> = members.iter().filter(|name| !self.is_day(name)).collect();
        for name in others {
            for part in name.split('/') {
                let id: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    .collect();
                let rest = part.get(id.len()..).unwrap_or_default();
                let apart = rest.is_empty() || rest.starts_with(['-', '_', '.']);
                if id.len() >= 8 && id.starts_with('F') && apart {
                    self.copies.entry(id).or_insert_with(|| name.clone());
                }
            }
        }
    }

    /// Returns the member that holds a copy of a file.
    pub(super) fn copy_of(&self, file_id: &str) -> Option<&String> {
        self.copies.get(file_id)
    }
}
