//! The products of a CSAF document (section 3.2.2): branches, full names, relationships and groups.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// How deep branches may stand; a limit of ours.
const MAX_DEPTH: usize = 64;

/// Everything a document defines as a product or a group of products.
#[derive(Debug, Clone, Default)]
pub struct ProductTree {
    /// Each definition: the id and where it stands.
    pub(super) defined: Vec<(String, String)>,
    /// Each group: its id, where it stands, its members.
    pub(super) groups: Vec<(String, String, Vec<String>)>,
    /// Combined products: the id, what is combined, where.
    pub(super) relationships: Vec<(String, [String; 2], String)>,
    /// Names, package URLs and CPE names of each product.
    helpers: BTreeMap<String, Vec<String>>,
    /// Package URLs with their places.
    pub(super) purls: Vec<(String, String)>,
    /// CPE names with their places.
    pub(super) cpes: Vec<(String, String)>,
    /// Names of branches of the kind `product_version`, with their places.
    pub(super) versions: Vec<(String, String)>,
    /// Hash lists, each by the algorithms it names, with its place.
    pub(super) hashes: Vec<(Vec<String>, String)>,
}

impl ProductTree {
    /// Reads the tree of a document; what has not the form of one is left out.
    pub fn read(document: &Value) -> Self {
        let mut tree = Self::default();
        let Some(root) = document.get("product_tree") else { return tree };
        let mut stack = vec![(root, "/product_tree".to_owned(), 0)];
        while let Some((node, pointer, depth)) = stack.pop() {
            if let Some(product) = node.get("product") {
                tree.product(product, &format!("{pointer}/product"));
                if node.get("category").and_then(Value::as_str) == Some("product_version") {
                    tree.versions
                        .push((node.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(), format!("{pointer}/name")));
                }
            } else if node.get("category").and_then(Value::as_str) == Some("product_version") {
                tree.versions.push((node.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(), format!("{pointer}/name")));
            }
            if depth < MAX_DEPTH {
                for (i, branch) in list(node, "branches").iter().enumerate().rev() {
                    stack.push((branch, format!("{pointer}/branches/{i}"), depth + 1));
                }
            }
        }
        for (i, product) in list(root, "full_product_names").iter().enumerate() {
            tree.product(product, &format!("/product_tree/full_product_names/{i}"));
        }
        for (i, relationship) in list(root, "relationships").iter().enumerate() {
            let pointer = format!("/product_tree/relationships/{i}");
            if let Some(product) = relationship.get("full_product_name") {
                tree.product(product, &format!("{pointer}/full_product_name"));
                let part = |key: &str| relationship.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                let id = product.get("product_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                tree.relationships.push((id, [part("product_reference"), part("relates_to_product_reference")], pointer));
            }
        }
        for (i, group) in list(root, "product_groups").iter().enumerate() {
            let id = group.get("group_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let members = list(group, "product_ids").iter().filter_map(Value::as_str).map(str::to_owned).collect();
            tree.groups.push((id, format!("/product_tree/product_groups/{i}"), members));
        }
        tree
    }

    fn product(&mut self, product: &Value, pointer: &str) {
        let id = product.get("product_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let names = self.helpers.entry(id.clone()).or_default();
        names.extend(product.get("name").and_then(Value::as_str).map(str::to_owned));
        if let Some(helper) = product.get("product_identification_helper") {
            let at = format!("{pointer}/product_identification_helper");
            if let Some(purl) = helper.get("purl").and_then(Value::as_str) {
                names.push(purl.to_owned());
                self.purls.push((purl.to_owned(), format!("{at}/purl")));
            }
            if let Some(cpe) = helper.get("cpe").and_then(Value::as_str) {
                names.push(cpe.to_owned());
                self.cpes.push((cpe.to_owned(), format!("{at}/cpe")));
            }
            for (i, hash) in list(helper, "hashes").iter().enumerate() {
                let algorithms = list(hash, "file_hashes")
                    .iter()
                    .filter_map(|h| h.get("algorithm").and_then(Value::as_str))
                    .map(str::to_owned)
                    .collect();
                self.hashes.push((algorithms, format!("{at}/hashes/{i}")));
            }
        }
        self.defined.push((id, pointer.to_owned()));
    }

    /// The id of a product, with its names, package URLs and CPE names, and those of the part that a
    /// combined product is about.
    pub fn names(&self, id: &str) -> Vec<String> {
        let mut names = vec![id.to_owned()];
        names.extend(self.helpers.get(id).cloned().unwrap_or_default());
        if let Some((_, [part, _], _)) = self.relationships.iter().find(|(own, _, _)| own == id) {
            names.extend(self.helpers.get(part).cloned().unwrap_or_default());
        }
        names
    }

    /// The products of a list of groups.
    pub(super) fn members(&self, groups: &[String]) -> BTreeSet<String> {
        self.groups.iter().filter(|(id, _, _)| groups.contains(id)).flat_map(|(_, _, members)| members.clone()).collect()
    }

    /// Whether a vulnerability gives a reason why this product is not affected: a flag, or an impact
    /// statement among its threats (section 4.5).
    pub fn is_justified(&self, vulnerability: &Value, id: &str) -> bool {
        let covers = |entry: &Value| {
            let ids: Vec<&str> = list(entry, "product_ids").iter().filter_map(Value::as_str).collect();
            let groups: Vec<String> = list(entry, "group_ids").iter().filter_map(Value::as_str).map(str::to_owned).collect();
            ids.contains(&id) || self.members(&groups).contains(id)
        };
        let flag = list(vulnerability, "flags").iter().any(covers);
        let threat = list(vulnerability, "threats").iter().filter(|t| t.get("category").and_then(Value::as_str) == Some("impact"));
        flag || threat.into_iter().any(covers)
    }
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
