//! The small words by which a language in Latin letters is known at a glance: articles, pronouns, prepositions.
//!
//! The general detector compares a text with three hundred trigrams of each of forty such languages, which costs more than
//! everything else that is done to a message. Most messages tell by two or three of these words.

use std::sync::LazyLock;

use super::language::Language;

/// Function words by language, folded as tokens are. A word may stand with several languages: it then counts for
/// each. Single letters are left out, because code is full of them.
const WORDS: [(&str, &str); 29] = [
    (
        "afr",
        "die en van is nie het ek in dat op vir om te wat met sy was ons maar hulle jy kan hierdie aan as",
    ),
    (
        "cat",
        "el la que de no un una els les per amb es en del al mes pero aquest com hi ho si son aixo molt tot",
    ),
    (
        "ces",
        "je to se na ze ale jak co tak by si uz jen pro jsem jsou nebo pri kdyz od neni jako byl",
    ),
    (
        "dan",
        "det er og jeg at en ikke til af den der med pa har for som de et vi du kan men hvad om var skal noget nar",
    ),
    (
        "deu",
        "der die das und ist nicht ich zu es ein eine den mit auf fur von wir aber auch sich dem im hat sind wie wenn noch nur kann oder war dass bei einen habe mir du sie als werden",
    ),
    (
        "eng",
        "the and to of is it that you in for this have with not be on are but was if what can do they we my so just or your there would how at an from its which when will has me he she about like think some any should could then than",
    ),
    ("epo", "la kaj estas ne mi ke en al vi de por sed li tio kun povas ili oni kiel pri estis"),
    ("est", "on ja ei see et ma kui ka oli aga mis ta siis ning seda veel nii voi olen ole mida"),
    ("eus", "eta da ez bat du dira ere baina egin izan dut hau hori nahi dago"),
    (
        "fin",
        "on ja ei se etta en oli mutta niin kun tai jos voi myos ole kuin mita sita tama nyt olen han vain ovat",
    ),
    (
        "fra",
        "le la les des et est que pas je un une pour dans qui sur avec ce il vous nous du au en sont mais plus cette ne tout ca elle par si ou",
    ),
    ("gle", "an agus na is ar go ni le ta se bhi do sin bhfuil mar"),
    ("hrv", "je da se na to za nije su od sto kao ali sam ili ne bi ovo koji"),
    ("hun", "az nem hogy es is egy van meg de ez csak mar ha el mint ki volt lesz nincs vagy itt"),
    (
        "ind",
        "yang dan di ini itu dengan untuk tidak dari ada saya pada ke akan bisa juga kami kita sudah atau",
    ),
    (
        "ita",
        "il la che di un una non per con sono si ma come lo le gli del della questo anche mi ho nel da piu io ci hai perche",
    ),
    ("lit", "ir yra kad ne tai su bet is kaip del jis ar mes apie nuo bus savo kuris"),
    (
        "nld",
        "de het een en van is dat niet ik op te zijn voor met die er maar aan ook wat je naar om als bij nog dit wel heb we",
    ),
    (
        "nob",
        "det er og jeg en ikke til av den som med pa har for de et vi du kan men hva om var skal noe nar",
    ),
    (
        "pol",
        "nie to sie na jest ze do jak co czy ale po tak za od mam mnie jego przez dla juz tylko byc",
    ),
    (
        "por",
        "que de um uma nao com para os as do da em no na se por mais mas isso eu voce ele ao foi tem esta muito dos das",
    ),
    ("ron", "nu si sa de la in cu este un pe ca mai ce din pentru am sunt dar care fi sau"),
    ("slk", "je na sa to ze nie ako ale by si uz co pre som su pri ktore tak"),
    ("slv", "je in da se na za ni so pa to kot tudi ali sem ne bi ki"),
    (
        "spa",
        "el la los las que es en un una por con para no se del lo al como pero mas su si esta muy hay yo me le son este todo",
    ),
    (
        "swe",
        "det ar och jag att en inte till av den som med pa har for de ett vi du kan men vad om var ska nagot nar",
    ),
    ("tgl", "ang ng sa na mga ay at hindi ko ako ito si naman kung"),
    (
        "tur",
        "bir ve bu da de icin ne cok ama gibi var mi daha ben ile degil olarak kadar yok her sey",
    ),
    ("vie", "khong la va cua co cho toi nguoi mot nhung trong voi"),
];

/// Function words below which a text is not judged by them.
const HITS_MIN: u32 = 2;
/// One word in so many must be a function word.
const HITS_IN_WORDS_MIN: u32 = 8;

/// Bytes of the longest function word: each fits into one number.
const WORD_BYTES_MAX: usize = 8;
/// Places of the table; a power of two, several times the number of words.
const PLACES: usize = 2_048;
/// Mixes the bits of a packed word (the golden ratio in 64 bits).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// For each word, packed into a number, a bit for each language that it belongs to, by its place in [`WORDS`]. A word lies
/// at the place that its bits give, or at the next free one.
static BITS: LazyLock<Vec<(u64, u32)>> = LazyLock::new(|| {
    let mut places = vec![(0_u64, 0_u32); PLACES];
    for (number, (_, words)) in WORDS.iter().enumerate() {
        for packed in words.split(' ').filter_map(packed) {
            let mut at = place_of(packed);
            while places[at].0 != 0 && places[at].0 != packed {
                at = (at + 1) % PLACES;
            }
            places[at].0 = packed;
            places[at].1 |= 1 << number;
        }
    }
    places
});

/// Returns a term of at most eight bytes as one number, which is 0 for no term.
fn packed(term: &str) -> Option<u64> {
    if term.is_empty() || term.len() > WORD_BYTES_MAX {
        return None;
    }
    Some(term.bytes().fold(0, |packed, byte| packed << 8 | u64::from(byte)))
}

fn place_of(packed: u64) -> usize {
    usize::try_from(packed.wrapping_mul(MIX) >> 53).unwrap_or(0) % PLACES
}

/// Returns the bits of the languages that a term is a function word of.
fn bits_of(term: &str) -> u32 {
    let Some(packed) = packed(term) else { return 0 };
    let mut at = place_of(packed);
    loop {
        match BITS[at] {
            (0, _) => return 0,
            (known, bits) if known == packed => return bits,
            _ => at = (at + 1) % PLACES,
        }
    }
}

/// Counts the function words of a text, term by term.
#[derive(Debug, Clone, Default)]
pub(super) struct Votes {
    hits: [u32; WORDS.len()],
    words: u32,
}

impl Votes {
    /// Takes in a term.
    pub(super) fn count(&mut self, term: &str) {
        self.words = self.words.saturating_add(1);
        let mut bits = bits_of(term);
        while bits != 0 {
            let number = usize::try_from(bits.trailing_zeros()).unwrap_or(0);
            self.hits[number] += 1;
            bits &= bits - 1;
        }
    }

    /// Returns the language whose function words a text holds, if they are enough and clearly more than those of the next:
    /// half as many again, or two more.
    pub(super) fn language(&self) -> Option<Language> {
        let (mut best, mut next) = ((0, 0), 0);
        for (number, &hit) in self.hits.iter().enumerate() {
            if hit > best.0 {
                next = best.0;
                best = (hit, number);
            } else {
                next = next.max(hit);
            }
        }
        let enough = best.0 >= HITS_MIN && best.0 * HITS_IN_WORDS_MIN >= self.words;
        let clear = best.0 * 2 >= next * 3 || best.0 >= next + 2;
        if enough && clear { LANGUAGES[best.1] } else { None }
    }
}

/// The languages of [`WORDS`], in its order.
static LANGUAGES: LazyLock<[Option<Language>; WORDS.len()]> =
    LazyLock::new(|| WORDS.map(|(code, _)| Language::named(code)));

#[cfg(test)]
mod tests {
    use super::super::for_each_token;
    use super::*;

    fn by_function_words(text: &str) -> Option<Language> {
        let mut votes = Votes::default();
        for_each_token(text, |token| votes.count(token.term));
        votes.language()
    }

    #[test]
    fn every_word_is_a_token_of_a_known_language() {
        for (code, words) in WORDS {
            assert!(
                Language::named(code).is_some_and(|language| language.code() == code),
                "{code}"
            );
            for word in words.split(' ') {
                let tokens = super::super::tokens(word);
                assert_eq!(tokens.len(), 1, "{code} {word}");
                assert_eq!(tokens[0].term, word, "{code}");
                let number = WORDS.iter().position(|(other, _)| *other == code).unwrap();
                assert_ne!(bits_of(word) & (1 << number), 0, "{code} {word}");
            }
        }
    }

    #[test]
    fn few_or_divided_words_decide_nothing() {
        assert_eq!(by_function_words("la la land"), None);
        assert_eq!(by_function_words("release notes attached"), None);
        assert_eq!(by_function_words(""), None);
    }

    #[test]
    fn two_clear_words_decide() {
        let check = |text, code| {
            assert_eq!(by_function_words(text).map(Language::code), Some(code), "{text}");
        };
        check("I think the build is broken", "eng");
        check("ich habe das nicht gesehen", "deu");
        check("je ne sais pas ce que tu veux", "fra");
        check("det er ikke noget som jeg kan se, hvad med dig", "dan");
    }
}
