//! XML as strangers send it: one parser makes one tree, and everything that is decided is read from such a tree.
//!
//! UTF-8 only; no DOCTYPE, so no entities but the five and characters by number; no processing instructions; bounded in
//! bytes, depth, elements, attributes and namespaces before anything is computed of it; ids unique over all their spellings
//! (`security.md` part 2, rules 1 and 2).

use std::collections::HashSet;

use uppsala::{Document, NodeId, NodeKind, Parser};

/// Most bytes of a message.
pub const MAX_BYTES: usize = 262_144;
/// Elements within each other.
const MAX_DEPTH: u32 = 64;
/// Elements in all, and comments and texts.
const MAX_ELEMENTS: usize = 5_000;
const MAX_NODES: usize = 20_000;
/// Attributes of one element, and namespaces that it declares.
const MAX_ATTRIBUTES: usize = 64;
/// Signs of equality between two tags: no more attributes than that can stand in one.
const MAX_EQUALS: usize = 1_000;
/// Longest address of a namespace.
const MAX_URI: usize = 1_024;
/// Namespaces that are declared in all: each is in force for what lies below.
const MAX_NAMESPACES: usize = 1_000;

/// Assertions.
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Requests and responses.
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Signatures.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Attributes that say something about an element's content.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// What `xml:` stands for.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Why a document is not taken; the text goes on after its name.
pub type Outcome<T> = std::result::Result<T, String>;

/// A document that was read.
#[derive(Debug)]
pub struct Tree<'a> {
    doc: Document<'a>,
    root: NodeId,
}

/// An element of a tree.
#[derive(Debug, Clone, Copy)]
pub struct Element<'t, 'a> {
    tree: &'t Tree<'a>,
    id: NodeId,
}

impl PartialEq for Element<'_, '_> {
    /// Whether it is the same element of the same tree.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.id == other.id
    }
}

impl<'a> Tree<'a> {
    /// Reads a document.
    pub fn read(text: &'a str) -> Outcome<Self> {
        if text.len() > MAX_BYTES {
            return Err(format!("has over {MAX_BYTES} bytes"));
        }
        // The parser may leave out what XML has not; nobody needs to know what it makes of it.
        if text.bytes().any(|b| b.is_ascii_control() && !b"\t\n\r".contains(&b)) {
            return Err("has characters that XML has not".to_owned());
        }
        check_size(text)?;
        let parser = Parser::new().with_max_depth(MAX_DEPTH).with_forbid_dtd(true).with_forbid_entities(true);
        let doc = parser.parse(text).map_err(|_| "is not well-formed XML, or has a DOCTYPE".to_owned())?;
        let root = doc.document_element().ok_or("has no element")?;
        let tree = Self { doc, root };
        tree.check()?;
        Ok(tree)
    }

    /// Its outermost element.
    pub fn root(&self) -> Element<'_, 'a> {
        Element { tree: self, id: self.root }
    }

    /// The parser's own document, for canonicalisation.
    pub fn document(&self) -> &Document<'a> {
        &self.doc
    }

    /// All elements of that name, wherever they stand.
    pub fn all(&self, namespace: &str, name: &str) -> Vec<Element<'_, 'a>> {
        let all = self.root().within();
        all.into_iter().filter(|e| e.is(namespace, name)).collect()
    }

    fn check(&self) -> Outcome<()> {
        if let Some(declaration) = &self.doc.xml_declaration {
            if declaration.version != "1.0" {
                return Err("is in another version of XML than 1.0".to_owned());
            }
            if declaration.encoding.as_deref().is_some_and(|e| !e.eq_ignore_ascii_case("utf-8")) {
                return Err("is in another encoding than UTF-8".to_owned());
            }
        }
        let (mut elements, mut nodes, mut namespaces) = (0_usize, 0_usize, 0_usize);
        let mut ids = HashSet::new();
        let mut left = vec![self.doc.root()];
        while let Some(node) = left.pop() {
            nodes += 1;
            match self.doc.node_kind(node) {
                Some(NodeKind::ProcessingInstruction(_)) => return Err("has a processing instruction".to_owned()),
                Some(NodeKind::Element(element)) => {
                    elements += 1;
                    namespaces += element.namespace_declarations.len();
                    check_names(element)?;
                    let attributes = element.attributes.len() + element.namespace_declarations.len();
                    if attributes > MAX_ATTRIBUTES || namespaces > MAX_NAMESPACES {
                        return Err("has too many attributes or namespaces".to_owned());
                    }
                    for attribute in &element.attributes {
                        let space = attribute.name.namespace_uri.as_deref();
                        let is_id = match (space, &*attribute.name.local_name) {
                            (None, "ID" | "Id" | "id") => true,
                            (Some(space), "id") => space == XML,
                            _ => false,
                        };
                        if is_id && !ids.insert(&*attribute.value) {
                            return Err("has an id twice".to_owned());
                        }
                    }
                }
                _ => {}
            }
            if elements > MAX_ELEMENTS || nodes > MAX_NODES {
                return Err("has too many parts".to_owned());
            }
            left.extend(self.doc.children_iter(node));
        }
        Ok(())
    }
}

/// Refuses what would take long to parse: the parser compares attributes and namespaces of an element with each other.
fn check_size(text: &str) -> Outcome<()> {
    let (mut parts, mut equals) = (0_usize, 0_usize);
    for at in memchr::memchr2_iter(b'<', b'=', text.as_bytes()) {
        if text.as_bytes().get(at) == Some(&b'<') {
            (parts, equals) = (parts + 1, 0);
        } else {
            equals += 1;
        }
        if parts > MAX_NODES || equals > MAX_EQUALS {
            return Err("has too many parts".to_owned());
        }
    }
    if memchr::memmem::find_iter(text.as_bytes(), "xmlns").take(2 * MAX_NAMESPACES + 1).count() > 2 * MAX_NAMESPACES {
        return Err("has too many namespaces".to_owned());
    }
    Ok(())
}

/// Refuses names that the standard of namespaces does not have (xml-names §3, §5), which some take all the same, and addresses
/// that are long: an exclusive canonical form repeats them.
fn check_names(element: &uppsala::Element<'_>) -> Outcome<()> {
    let is_plain = |name: &str| !name.is_empty() && !name.contains(':');
    let names = std::iter::once(&element.name).chain(element.attributes.iter().map(|a| &a.name));
    for name in names {
        if !is_plain(&name.local_name) || name.prefix.as_deref().is_some_and(|p| !is_plain(p) || p == "xmlns") {
            return Err("has a name that XML has not".to_owned());
        }
    }
    for (prefix, uri) in &element.namespace_declarations {
        if uri.len() > MAX_URI || (uri.is_empty() && !prefix.is_empty()) {
            return Err("has a namespace that XML has not, or a long one".to_owned());
        }
    }
    Ok(())
}

impl<'t, 'a> Element<'t, 'a> {
    /// Its place in the parser's document.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The tree that it is in.
    pub fn tree(self) -> &'t Tree<'a> {
        self.tree
    }

    /// Whether it has that name.
    pub fn is(self, namespace: &str, name: &str) -> bool {
        self.tree.doc.element(self.id).is_some_and(|e| e.matches_name_ns(namespace, name))
    }

    /// Its local name.
    pub fn name(self) -> &'t str {
        self.tree.doc.element(self.id).map_or("", |e| &*e.name.local_name)
    }

    /// An attribute without a namespace.
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        let all = &self.tree.doc.element(self.id)?.attributes;
        all.iter().find(|a| a.name.namespace_uri.is_none() && *a.name.local_name == *name).map(|a| &*a.value)
    }

    /// Whether it is said to have no value (XML Schema 1 §2.6.2).
    pub fn is_nil(self) -> bool {
        let element = self.tree.doc.element(self.id);
        matches!(element.and_then(|e| e.get_attribute_ns(XSI, "nil")), Some("true" | "1"))
    }

    /// Its child elements.
    pub fn children(self) -> impl Iterator<Item = Element<'t, 'a>> {
        let elements = self.tree.doc.children_iter(self.id).filter(|id| self.tree.doc.element(*id).is_some());
        elements.map(move |id| Element { tree: self.tree, id })
    }

    /// Those of that name.
    pub fn named(self, namespace: &'static str, name: &'static str) -> impl Iterator<Item = Element<'t, 'a>> {
        self.children().filter(move |e| e.is(namespace, name))
    }

    /// The one of that name, if there is one; two are a fault.
    pub fn one(self, namespace: &'static str, name: &'static str) -> Outcome<Option<Element<'t, 'a>>> {
        let mut named = self.named(namespace, name);
        match (named.next(), named.next()) {
            (found, None) => Ok(found),
            (_, Some(_)) => Err(format!("has {name} twice in {}", self.name())),
        }
    }

    /// The one of that name, which must be there.
    pub fn only(self, namespace: &'static str, name: &'static str) -> Outcome<Element<'t, 'a>> {
        self.one(namespace, name)?.ok_or_else(|| format!("has no {name} in {}", self.name()))
    }

    /// The element around it.
    pub fn parent(self) -> Option<Element<'t, 'a>> {
        let id = self.tree.doc.parent(self.id)?;
        self.tree.doc.element(id).map(|_| Element { tree: self.tree, id })
    }

    /// Itself and all elements in it, in no order.
    pub fn within(self) -> Vec<Element<'t, 'a>> {
        let (mut found, mut left) = (Vec::new(), vec![self]);
        while let Some(element) = left.pop() {
            found.push(element);
            left.extend(element.children());
        }
        found
    }

    /// All its text, which comments do not interrupt; a fault if elements are in it.
    pub fn text(self) -> Outcome<String> {
        let mut text = String::new();
        for child in self.tree.doc.children_iter(self.id) {
            match self.tree.doc.node_kind(child) {
                Some(NodeKind::Text(part) | NodeKind::CData(part)) => text.push_str(part),
                Some(NodeKind::Comment(_)) => {}
                _ => return Err(format!("has something in {} beside text", self.name())),
            }
        }
        Ok(text)
    }

    /// Its text, which not even a comment may interrupt.
    pub fn plain_text(self) -> Outcome<String> {
        if self.tree.doc.children_iter(self.id).any(|c| !matches!(self.tree.doc.node_kind(c), Some(NodeKind::Text(_))))
        {
            return Err(format!("has something in {} beside text", self.name()));
        }
        self.text()
    }

    /// A fault if there is text in it that is more than white space.
    pub fn check_no_text(self) -> Outcome<()> {
        let is_space = |part: &str| part.bytes().all(|b| b" \t\r\n".contains(&b));
        for child in self.tree.doc.children_iter(self.id) {
            match self.tree.doc.node_kind(child) {
                Some(NodeKind::Text(part)) if is_space(part) => {}
                Some(NodeKind::Element(_) | NodeKind::Comment(_)) => {}
                _ => return Err(format!("has text in {}", self.name())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_message_needs_is_not_taken() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        let many = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        assert!(Tree::read(&deep(60)).is_ok() && Tree::read(&many(4_000)).is_ok());
        let attributes: String = (0..80).map(|n| format!(" a{n}='1'")).collect();
        for text in [
            "<!DOCTYPE a><a/>".to_owned(),
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>".to_owned(),
            "<a>&x;</a>".to_owned(),
            "<?pi x?><a/>".to_owned(),
            "<a><?pi x?></a>".to_owned(),
            "<a/><b/>".to_owned(),
            "<a/>x".to_owned(),
            "<a></a".to_owned(),
            "<a><b></a></b>".to_owned(),
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>".to_owned(),
            "<?xml version='1.1'?><a/>".to_owned(),
            "<a>\u{0}</a>".to_owned(),
            "<a>\u{1}</a>".to_owned(),
            "<a>&#0;</a>".to_owned(),
            "<a b='1' b='2'/>".to_owned(),
            "<x:a/>".to_owned(),
            "<a xmlns:x=''/>".to_owned(),
            "<a xmlns:x='y'><x:b:c/></a>".to_owned(),
            "<:a/>".to_owned(),
            format!("<a xmlns:x='{}'/>", "u".repeat(2_000)),
            format!("<a{}/>", (0..30_000).map(|n| format!(" a{n}=''")).collect::<String>()),
            format!("<a{}/>", (0..12_000).map(|n| format!(" xmlns:a{n}='x'")).collect::<String>()),
            "<a ID='1'><b ID='1'/></a>".to_owned(),
            "<a ID='1'><b id='1'/></a>".to_owned(),
            "<a Id='1'><b xml:id='1'/></a>".to_owned(),
            deep(200),
            deep(50_000),
            many(10_000),
            format!("<a{attributes}/>"),
            format!("<a>{}</a>", "x".repeat(MAX_BYTES)),
            String::new(),
        ] {
            assert!(Tree::read(&text).is_err(), "{}", text.get(..60.min(text.len())).unwrap());
        }
    }

    #[test]
    fn text_is_all_text_whatever_comments_stand_in_it() {
        let tree = Tree::read("<a>ann<!-- x -->@acme<![CDATA[.example]]></a>").unwrap();
        assert_eq!(tree.root().text().unwrap(), "ann@acme.example");
        assert!(tree.root().plain_text().is_err());
        assert!(Tree::read("<a>b<c/></a>").unwrap().root().text().is_err());
    }
}
