//! Korean words without a dictionary: particles and endings taken off, then overlapping grams of two syllables.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Endings and particles, longest first; what remains must have at least two syllables.
const TAILS: &str = "\
    시켜주세요 하고싶어요 해주세요 하려고요 하는데요 되었어요 했는데요 안되나요 하시나요 할까요 하나요 되나요 인가요 한가요 었나요 \
    았나요 합니다 됩니다 습니다 입니다 하려면 하려고 하면서 했는데 하는데 되는데 되었다 되어야 해야 에서는 에서도 으로는 으로도 \
    까지는 부터는 시키기 시키는 시켜서 하거나 하지만 하도록 이라는 라는 이라고 라고 이랑 한테 에게 께서 에서 으로 까지 부터 \
    보다 처럼 마다 밖에 조차 이나 이든 든지 하기 하는 하고 하면 하며 해서 해요 했다 했어 한다 할때 할지 되는 되게 되고 \
    되면 된다 돼요 돼서 되기 됐다 되어 려면 려고 나요 까요 네요 어요 아요 는지 은지 들의 들을 들이 들은 와의 과의 로의 을 \
    를 은 는 이 가 에 의 로 도 만 과 와 랑 나 요 들 할 한 된 될 해 돼 기 서 께 야";

/// The few particles that may be taken off a word of two syllables.
const SHORT: &[&str] = &["을", "를", "은", "는", "에", "도", "만", "와"];

/// Words that only make a question or hold a sentence together.
const EMPTY: &str = "\
    어떻게 어떡해 어떤 어디 어디서 어디로 어디에 언제 무엇 무슨 뭐 뭔가요 뭐가 뭐예요 왜 누가 얼마나 방법 방법은 법 하는법 \
    방식 하기 하는 하려면 하면 하고 하나요 되나요 할까요 해야 해요 할 한 하는데 하게 해서 되게 되는 되려면 있나요 있는 \
    있는지 있어요 있을까요 인가요 건가요 거죠 거예요 가능한가요 가능하게 가능 가능한 싶어요 싶은데 싶습니다 싶을 알려줘 \
    알려주세요 주세요 해줘 수 때 것 게 걸 거 좀 제 내 나 저 그 이 이런 저런 그런 및 또는 그리고 대한 대해 위한 위해 \
    통해 경우 관련 에서 으로 에 을 를 은 는 이나 가 의 와 과 로 도 만 까지 부터 보다 처럼 요 네요 대요 래요 자꾸 계속 \
    그냥 혹시 따로 같은 같이 필요 필요한 하나 나요 가요 만들기 만드는 쓰기 쓰는 쓰려면";

static TAILS_LIST: LazyLock<Vec<&str>> = LazyLock::new(|| TAILS.split_whitespace().collect());
static EMPTY_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| EMPTY.split_whitespace().collect());

/// Whether the word says nothing about the subject.
pub fn empty(word: &str) -> bool {
    EMPTY_SET.contains(word)
}

/// The word without particles and common endings.
pub fn stripped(word: &str) -> &str {
    let mut rest = word;
    for _ in 0..2 {
        let tail = TAILS_LIST.iter().find(|tail| rest.strip_suffix(**tail).is_some_and(|left| syllables(left) >= 2));
        let tail = tail.or_else(|| SHORT.iter().find(|tail| rest.strip_suffix(**tail).is_some_and(|left| syllables(left) == 1)));
        match tail.and_then(|tail| rest.strip_suffix(*tail)) {
            Some(left) => rest = left,
            None => break,
        }
    }
    rest
}

fn syllables(text: &str) -> usize {
    text.chars().count()
}

/// Overlapping pairs of syllables; a single syllable is its own gram.
pub fn grams(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    match chars.len() {
        0 => Vec::new(),
        1 => vec![word.to_owned()],
        _ => chars.windows(2).map(|pair| pair.iter().collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_and_endings_come_off() {
        for (word, bare) in [
            ("토큰을", "토큰"),
            ("로그인하려면", "로그인"),
            ("서버에서는", "서버"),
            ("글을", "글"),
            ("갱신", "갱신"),
            ("데이터베이스의", "데이터베이스"),
            ("주소로", "주소"),
        ] {
            assert_eq!(stripped(word), bare, "{word}");
        }
    }

    #[test]
    fn grams_overlap_by_one_syllable() {
        assert_eq!(grams("로그인"), ["로그", "그인"]);
        assert_eq!(grams("글"), ["글"]);
        assert!(grams("").is_empty());
    }
}
