//! How the bytes of a file stand for its characters.

/// How the bytes of a file stand for its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, as Shopify writes it, with or without a byte order mark.
    #[default]
    Utf8,
    /// Windows-1252, as some spreadsheets save it; the printable part of Latin-1 is the same. Any
    /// file can be read so, but one in UTF-8 comes out garbled.
    Windows1252,
}

/// Bytes 0x80 to 0x9f, the only ones that differ from the code point of the same number, by the
/// WHATWG Encoding Standard's index windows-1252.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The character that a byte of Windows-1252 stands for.
pub(super) fn windows_1252(byte: u8) -> char {
    let place = byte.checked_sub(0x80).map(usize::from);
    place.and_then(|place| HIGH.get(place)).copied().unwrap_or(char::from(byte))
}

/// Appends Windows-1252 text to UTF-8 text.
pub(super) fn push_windows_1252(text: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        text.extend_from_slice(windows_1252(byte).encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_one_character() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        push_windows_1252(&mut text, &bytes);
        let text = String::from_utf8(text).unwrap();
        let chars: std::collections::HashSet<char> = text.chars().collect();
        assert_eq!(chars.len(), 256);
        let mut text = Vec::new();
        push_windows_1252(&mut text, b"caf\xe9 \x80 5 \x93\xd8\x94 \x9f");
        assert_eq!(str::from_utf8(&text).unwrap(), "café € 5 “Ø” Ÿ");
    }
}
