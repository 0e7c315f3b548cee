//! Slack's own markup, and what a reader of Slack sees of it.

use std::borrow::Cow;

use super::layout::Layout;

/// Returns the words that a reader sees: names for ids, labels for links, the three escaped characters as they were.
///
/// A link keeps its address beside its label, so that both are found. What is no markup stays as it is.
pub(super) fn plain<'t>(text: &'t str, layout: &Layout) -> Cow<'t, str> {
    if !text.contains(['<', '&']) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        unescape_into(&mut out, &rest[..start]);
        let after = &rest[start + 1..];
        let end = after.find(['<', '>']).filter(|end| *end > 0);
        if let Some(end) = end.filter(|end| after[*end..].starts_with('>')) {
            reference_into(&mut out, &after[..end], layout);
            rest = &after[end + 1..];
        } else {
            out.push('<');
            rest = after;
        }
    }
    unescape_into(&mut out, rest);
    out.into()
}

/// Returns words as markup that stands for them. An ampersand stays: it may begin an escape already.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['<', '>']) {
        text.replace('<', "&lt;").replace('>', "&gt;").into()
    } else {
        text.into()
    }
}

/// Slack escapes these three and no others, each once.
fn unescape_into(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let escapes = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
        let (taken, character) = escapes
            .into_iter()
            .find(|(escape, _)| rest.starts_with(escape))
            .map_or((1, '&'), |(escape, character)| (escape.len(), character));
        out.push(character);
        rest = &rest[taken..];
    }
    out.push_str(rest);
}

/// Writes what stands between angle brackets: a person, a room, a group, a call to all, a date or a link.
fn reference_into(out: &mut String, inner: &str, layout: &Layout) {
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.is_empty())),
        None => (inner, None),
    };
    if let Some(id) = target.strip_prefix('@') {
        let name = layout.user_name(id).or(label).unwrap_or(id);
        mark_into(out, '@', name);
    } else if let Some(id) = target.strip_prefix('#') {
        let name = label.or_else(|| layout.room_name(id)).unwrap_or(id);
        mark_into(out, '#', name);
    } else if let Some(command) = target.strip_prefix('!') {
        // `!here`, `!subteam^S1|@desk`, `!date^1392734382^{date}|18 February`.
        let mut parts = command.split('^');
        let verb = parts.next().unwrap_or_default();
        match (verb, label) {
            ("date", Some(label)) => unescape_into(out, label),
            ("subteam", None) => mark_into(out, '@', parts.next().unwrap_or(verb)),
            (_, Some(label)) => mark_into(out, '@', label),
            (_, None) => mark_into(out, '@', verb),
        }
    } else {
        link_into(out, target, label);
    }
}

fn mark_into(out: &mut String, mark: char, name: &str) {
    if !name.starts_with(mark) {
        out.push(mark);
    }
    unescape_into(out, name);
}

fn link_into(out: &mut String, address: &str, label: Option<&str>) {
    let bare = address.strip_prefix("mailto:").or_else(|| address.strip_prefix("tel:"));
    match label {
        None => unescape_into(out, bare.unwrap_or(address)),
        Some(label) if bare == Some(label) => unescape_into(out, label),
        // The label is a part of the address: the address says it all.
        Some(label) if address.contains(label) => unescape_into(out, address),
        Some(label) => {
            unescape_into(out, label);
            out.push_str(" (");
            unescape_into(out, bare.unwrap_or(address));
            out.push(')');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        let mut layout = Layout::default();
        layout.take_users(br#"[{"id":"U2","profile":{"display_name":"Bo Beta"}}]"#).unwrap();
        layout
            .take_rooms(br#"[{"id":"C1","name":"general"}]"#, crate::draft::RoomKind::Room)
            .unwrap();
        plain(text, &layout).into_owned()
    }

    #[test]
    fn the_three_escapes_are_taken_off_once() {
        assert_eq!(
            seen("R&amp;D &lt;b&gt; &amp;amp; &copy; & 1 &lt"),
            "R&D <b> &amp; &copy; & 1 &lt"
        );
    }

    #[test]
    fn people_and_rooms_stand_by_name() {
        assert_eq!(seen("hi <@U2>, <@U9> and <@U8|cy>"), "hi @Bo Beta, @U9 and @cy");
        assert_eq!(seen("in <#C1>, <#C1|> or <#C2|desk>"), "in #general, #general or #desk");
    }

    #[test]
    fn calls_groups_and_dates_stand_as_they_are_seen() {
        assert_eq!(seen("<!here> <!channel|channel>"), "@here @channel");
        assert_eq!(seen("<!subteam^S1|@desk> <!subteam^S2>"), "@desk @S2");
        assert_eq!(seen("<!date^1392734382^{date}|18 Feb>"), "18 Feb");
    }

    #[test]
    fn a_link_shows_its_label_and_its_address() {
        assert_eq!(seen("<https://x.example/?a=1&amp;b=2>"), "https://x.example/?a=1&b=2");
        assert_eq!(seen("<https://x.example/y|the plan>"), "the plan (https://x.example/y)");
        assert_eq!(seen("<https://x.example/y|x.example/y>"), "https://x.example/y");
        assert_eq!(seen("<mailto:a@x.example|a@x.example>"), "a@x.example");
    }

    #[test]
    fn what_is_no_markup_stays() {
        for text in ["a < b", "<", "a <b", ">", "x > y", "<<", "<>"] {
            assert_eq!(seen(text), text);
        }
        assert_eq!(seen("1 < <@U2> >"), "1 < @Bo Beta >");
    }
}
