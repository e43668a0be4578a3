//! OCR answers: pages as varied as real ones, the same for the same request, ready before the first of them.

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value, json};

/// Different documents of each kind.
const VARIANTS: usize = 64;
/// How much of a request decides its document: the options stand at the end, the address at the beginning.
const HASHED: usize = 4096;

/// Every document, by what the request asked for.
pub struct Library {
    /// Indexed by [`kind`], then by variant.
    documents: Vec<Vec<Bytes>>,
}

/// What a request can ask for that shows in the answer.
const ANNOTATED: usize = 1;
const WITH_IMAGES: usize = 2;
const WITH_BLOCKS: usize = 4;

impl Library {
    /// Makes all of them.
    pub fn new() -> Self {
        let documents =
            (0..8).map(|kind| (0..VARIANTS).map(|variant| Bytes::from(document(kind, variant).to_string())).collect());
        Self { documents: documents.collect() }
    }

    /// The document for this request body: the same bytes get the same one.
    pub fn document(&self, body: &[u8]) -> Bytes {
        let variant = hash(body) as usize % VARIANTS;
        self.documents.get(kind(body)).and_then(|variants| variants.get(variant)).cloned().unwrap_or_default()
    }
}

fn kind(body: &[u8]) -> usize {
    let tail = &body[body.len().saturating_sub(HASHED)..];
    let asks = |needle: &[u8]| memmem::find(tail, needle).is_some();
    let mut kind = 0;
    if asks(b"annotation_format") {
        kind |= ANNOTATED;
    }
    if asks(b"include_image_base64\": true") || asks(b"include_image_base64\":true") {
        kind |= WITH_IMAGES;
    }
    if asks(b"include_blocks\": true") || asks(b"include_blocks\":true") {
        kind |= WITH_BLOCKS;
    }
    kind
}

/// FNV-1a over the beginning, the end and the length.
pub fn hash(body: &[u8]) -> u64 {
    let beginning = &body[..body.len().min(HASHED)];
    let end = &body[body.len().saturating_sub(HASHED).max(beginning.len())..];
    let length = (body.len() as u64).to_le_bytes();
    beginning
        .iter()
        .chain(end)
        .chain(&length)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A small generator: quality does not matter here, repeatability does.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.roll(from.len())).copied().unwrap_or("")
    }
}

const PARAGRAPHS: &[&str] = &[
    "# Delivery note 4711\n\nThree crates of lamp oil, one of them dented.",
    "## Zusammenfassung\n\nDie Prüfung ergab keine Mängel; Größe und Gewicht stimmen überein.",
    "| item | count | price |\n| --- | ---: | ---: |\n| bolts M8 | 120 | 14.40 |\n| nuts M8 | 120 | 9.60 |",
    "The field equation reads $E = mc^2$ and, for the rest, $$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$",
    "![img-0.jpeg](img-0.jpeg)\n\nFigure 1: the harbour at low tide.",
    "領収書\n\n合計金額：¥12,800（税込）",
    "Signed \u{201c}R. Ōe\u{201d} \u{2014} two copies kept.\n\n\u{1f4ce} attachments: none",
    "- [x] paid\n- [ ] shipped\n- [ ] filed\n\n> \"as agreed\" \\ 12 May\t(see overleaf)",
    "",
];
const MODELS: &[&str] = &["mistral-ocr-2505-completion", "mistral-ocr-2503-completion", "mistral-ocr-latest"];

fn document(kind: usize, variant: usize) -> Value {
    let mut dice =
        Dice(0x9e37_79b9_7f4a_7c15 ^ ((kind * VARIANTS + variant) as u64 + 1).wrapping_mul(0xff51_afd7_ed55_8ccd));
    let count = 1 + dice.roll(4);
    let pages: Vec<Value> = (0..count).map(|index| page(kind, index, &mut dice)).collect();
    let mut answer = Map::new();
    answer.insert("pages".into(), Value::Array(pages));
    answer.insert("model".into(), dice.pick(MODELS).into());
    if kind & ANNOTATED != 0 {
        let annotation =
            json!({ "title": dice.pick(PARAGRAPHS), "pages": count, "language": dice.pick(&["en", "de", "ja"]) });
        answer.insert("document_annotation".into(), annotation.to_string().into());
    } else if dice.roll(2) == 0 {
        answer.insert("document_annotation".into(), Value::Null);
    }
    let size = if dice.roll(3) == 0 { Value::Null } else { (1000 + dice.roll(90_000)).into() };
    let mut usage = json!({ "pages_processed": count, "doc_size_bytes": size });
    if kind & ANNOTATED != 0
        && let Some(usage) = usage.as_object_mut()
    {
        usage.insert("pages_processed_annotation".into(), count.into());
    }
    answer.insert("usage_info".into(), usage);
    Value::Object(answer)
}

fn page(kind: usize, index: usize, dice: &mut Dice) -> Value {
    let text: Vec<&str> = (0..=dice.roll(3)).map(|_| dice.pick(PARAGRAPHS)).collect();
    let images: Vec<Value> = (0..dice.roll(3)).map(|number| image(kind, number, dice)).collect();
    let dimensions = if dice.roll(8) == 0 {
        Value::Null
    } else {
        json!({ "dpi": 200, "height": 2200 - dice.roll(3), "width": 1700 })
    };
    let mut page = json!({ "index": index, "markdown": text.join("\n\n"), "images": images, "dimensions": dimensions });
    if let Some(page) = page.as_object_mut() {
        if dice.roll(3) == 0 {
            page.insert("header".into(), Value::Null);
            page.insert("footer".into(), format!("page {} of many", index + 1).into());
        }
        if dice.roll(3) == 0 {
            page.insert(
                "tables".into(),
                json!([{ "id": "tbl-0.html", "content": "<table><tr><td>1</td></tr></table>", "format": "html" }]),
            );
            page.insert("hyperlinks".into(), json!(["https://example.org/terms?a=1&b=2"]));
        }
        if kind & WITH_BLOCKS != 0 {
            page.insert("blocks".into(), json!([{ "type": "text", "bbox": [0, 1, 2, 3.5], "confidence": 0.875 }]));
        }
        if dice.roll(4) == 0 {
            page.insert(
                "confidence_scores".into(),
                json!({ "average": 0.9871, "minimum": 1e-7, "words": [1.0, 0.5, 0] }),
            );
        }
    }
    page
}

fn image(kind: usize, number: usize, dice: &mut Dice) -> Value {
    let (left, top) = (dice.roll(800), dice.roll(1000));
    let mut image = json!({
        "id": format!("img-{number}.jpeg"), "top_left_x": left, "top_left_y": top,
        "bottom_right_x": left + 300, "bottom_right_y": top + 200, "image_base64": Value::Null,
    });
    if let Some(image) = image.as_object_mut() {
        if kind & WITH_IMAGES != 0 {
            image.insert("image_base64".into(), "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==".into());
        }
        if kind & ANNOTATED != 0 {
            image.insert(
                "image_annotation".into(),
                json!({ "kind": "photo", "caption": dice.pick(PARAGRAPHS) }).to_string().into(),
            );
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_gets_the_same_document_and_different_ones_differ() {
        let library = Library::new();
        let first = library.document(b"{\"a\":1}");
        assert_eq!(first, library.document(b"{\"a\":1}"));
        let different = (0..200)
            .map(|n| library.document(format!("{{\"a\":{n}}}").as_bytes()))
            .collect::<std::collections::HashSet<_>>();
        assert!(different.len() > 40, "only {} different documents", different.len());
    }

    #[test]
    fn options_show_in_the_answer() {
        let library = Library::new();
        for n in 0..50 {
            let body = format!("{{\"n\":{n},\"document_annotation_format\":{{}}}}");
            let answer: Value = serde_json::from_slice(&library.document(body.as_bytes())).unwrap_or_default();
            assert!(answer["document_annotation"].is_string(), "{answer}");
        }
    }
}
