//! Harmless made-up text, cheap to produce: phrases from a pool, never word by word.

use std::sync::OnceLock;

use crate::chance::Chance;

/// A word in every input text of an example.
pub const PROMPT_CANARY: &str = "ZEBRAPROMPT";
/// A word in every output text of an example.
pub const ANSWER_CANARY: &str = "ZEBRAANSWER";

/// Characters of English text to a token, roughly.
pub(crate) const CHARS_PER_TOKEN: f64 = 4.2;

const PHRASES: usize = 6_000;

const WORDS: &str = "the a of to and in on for with from by at over under after before between each every other same new old small large \
    quiet early late open closed green blue amber stone paper river garden harbour mountain valley meadow orchard forest island bridge \
    station market library kitchen window table ladder bottle basket lantern compass kettle pencil notebook ribbon engine wheel anchor \
    bicycle wagon ferry tram signal platform parcel letter ticket invoice receipt order shipment delivery return refund account balance \
    payment schedule calendar meeting agenda minutes report summary chapter section paragraph sentence title index table figure note \
    margin draft version copy original page folder drawer shelf cabinet room floor building street corner square district region coast \
    north south east west morning noon evening night week month season winter spring summer autumn rain snow wind cloud sunlight shade \
    temperature pressure humidity depth height width length weight volume speed distance duration rate share total average median limit \
    customer supplier partner carrier driver clerk engineer gardener baker teacher student visitor neighbour crew team group office \
    branch depot workshop warehouse store counter queue request answer question reply message call visit check review test trial sample \
    batch series list record entry field value label code number name address phone contact detail item part piece unit set box pallet \
    container truck route stop stage step phase task job shift duty role plan goal result effect cause reason condition rule policy \
    standard measure method tool device sensor meter gauge valve pump filter pipe tank cable switch lamp battery panel screen button \
    arrives leaves opens closes starts stops moves turns holds keeps sends receives reads writes counts adds removes changes checks \
    compares confirms delays extends repairs replaces records reports returns reviews sorts stores updates watches is was has had will \
    would could should may might can must not only also often seldom soon later again already still almost nearly about around";

fn pool() -> &'static [String] {
    static POOL: OnceLock<Vec<String>> = OnceLock::new();
    POOL.get_or_init(|| {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut chance = Chance::new(0x7E57);
        (0..PHRASES)
            .map(|_| {
                let count = chance.between(3, 10);
                let mut phrase = String::new();
                for _ in 0..count {
                    phrase.push_str(words[chance.below(words.len() as u64) as usize]);
                    phrase.push(' ');
                }
                // Identifiers and amounts: what keeps real prose from compressing like a word list.
                if chance.happens(0.35) {
                    phrase.push_str(&format!("{} ", chance.below(1_000_000)));
                }
                if chance.happens(0.12) {
                    let digits = chance.between(6, 20) as usize;
                    phrase.push_str(&chance.hex(digits));
                    phrase.push(' ');
                }
                phrase
            })
            .collect()
    })
}

/// A text that starts with `canary` and holds about `chars` characters.
pub(crate) fn text(canary: &str, chars: usize, chance: &mut Chance) -> String {
    let mut out = String::with_capacity(chars + 80);
    out.push_str(canary);
    out.push(' ');
    fill(&mut out, chars, chance);
    out
}

/// Appends phrases until `out` holds `chars` characters. The text is ASCII, so any cut is a character boundary.
pub(crate) fn fill(out: &mut String, chars: usize, chance: &mut Chance) {
    let pool = pool();
    let least = out.len();
    while out.len() < chars {
        out.push_str(&pool[chance.below(PHRASES as u64) as usize]);
    }
    out.truncate(chars.max(least));
    out.truncate(out.trim_end().len());
}
