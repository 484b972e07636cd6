//! Stripe's request encoding: `application/x-www-form-urlencoded` with brackets, `items[0][price]=…`, `metadata[k]=v`, `expand[]=…`.
//!
//! A form keeps what was sent as a tree of strings. Every endpoint names the parameters that it imitates ([`Form::only`]); anything else
//! is refused as Stripe refuses it, so that a parameter which does nothing here is never taken for one that works.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// No request of ours comes near; a body beyond it is not worth parsing.
const MOST_PARAMETERS: usize = 1000;

#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The path of each parameter and its value, in the order sent.
    pairs: Vec<(Vec<String>, String)>,
    tree: Value,
}

impl Form {
    pub fn parse(encoded: &str) -> Result<Self, ApiError> {
        let parts: Vec<&str> = encoded.split('&').filter(|it| !it.is_empty()).collect();
        if parts.len() > MOST_PARAMETERS {
            return Err(ApiError::invalid(format!("The request has {} parameters; {MOST_PARAMETERS} are the most.", parts.len())));
        }
        let mut pairs = Vec::with_capacity(parts.len());
        let mut tree = Value::Object(Map::new());
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (path, value) = (path_of(&decode(key)?)?, decode(value)?);
            insert(&mut tree, &path, &value)
                .ok_or_else(|| ApiError::invalid("Invalid request: a parameter is sent twice.").named(&name_of(&path)))?;
            pairs.push((path, value));
        }
        Ok(Self { pairs, tree: lists(tree) })
    }

    /// Refuses what is not among `patterns`: `items[][price]`, where `[]` is any index, `[*]` any key. Emptying (`discounts=`) is allowed.
    pub fn only(&self, patterns: &[&str]) -> Result<&Self, ApiError> {
        for (path, value) in &self.pairs {
            let known = path[0] == "expand" || patterns.iter().any(|it| matches(it, path, value.is_empty()));
            if !known {
                return Err(ApiError::unknown_parameter(&name_of(path)));
            }
        }
        Ok(self)
    }

    /// As [`Form::only`], for a list: also what turns its pages.
    pub fn only_list(&self, patterns: &[&str]) -> Result<&Self, ApiError> {
        let mut all = vec!["limit", "starting_after", "ending_before", "created[gt]", "created[gte]", "created[lt]", "created[lte]"];
        all.extend_from_slice(patterns);
        self.only(&all)
    }

    pub fn value(&self, pointer: &str) -> Option<&Value> {
        self.tree.pointer(&format!("/{}", pointer.replace('.', "/")))
    }

    /// A parameter's text; one sent empty is as if not sent.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value(pointer).and_then(Value::as_str).filter(|it| !it.is_empty())
    }

    /// Sent, and empty: Stripe's way of unsetting.
    pub fn emptied(&self, pointer: &str) -> bool {
        self.value(pointer).and_then(Value::as_str) == Some("")
    }

    pub fn required(&self, pointer: &str) -> Result<&str, ApiError> {
        self.text(pointer).ok_or_else(|| ApiError::missing(pointer))
    }

    /// No number or time of Stripe's has more than twelve digits; one that has would only overflow somewhere.
    pub fn integer(&self, pointer: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(pointer) else { return Ok(None) };
        let number = text.parse().ok().filter(|it: &i64| it.unsigned_abs() < 1_000_000_000_000);
        let wrong = || ApiError::invalid(format!("Invalid integer: {text}")).code("parameter_invalid_integer").named(pointer);
        number.map(Some).ok_or_else(wrong)
    }

    /// An integer within what Stripe takes.
    pub fn integer_in(&self, pointer: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        match self.integer(pointer)? {
            Some(it) if !range.contains(&it) => {
                let message = format!("Invalid {pointer}: must be between {} and {}.", range.start(), range.end());
                Err(ApiError::invalid(message).code("parameter_invalid_integer").named(pointer))
            }
            other => Ok(other),
        }
    }

    /// An amount in minor units: Stripe takes eight digits.
    pub fn amount(&self, pointer: &str) -> Result<Option<i64>, ApiError> {
        self.integer_in(pointer, -99_999_999..=99_999_999)
    }

    pub fn quantity(&self) -> Result<i64, ApiError> {
        Ok(self.integer_in("quantity", 0..=1_000_000)?.unwrap_or(1))
    }

    pub fn flag(&self, pointer: &str) -> Result<Option<bool>, ApiError> {
        match self.text(pointer) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(format!("Invalid boolean: {other}")).named(pointer)),
        }
    }

    /// One of `allowed`, or nothing.
    pub fn choice(&self, pointer: &str, allowed: &[&str]) -> Result<Option<&str>, ApiError> {
        match self.text(pointer) {
            Some(it) if !allowed.contains(&it) => {
                Err(ApiError::invalid(format!("Invalid {pointer}: must be one of {}", allowed.join(", "))).named(pointer))
            }
            other => Ok(other),
        }
    }

    /// The members of a list, each a form of its own.
    pub fn members(&self, pointer: &str) -> Vec<Self> {
        self.list(pointer).iter().map(|it| Self { pairs: Vec::new(), tree: it.clone() }).collect()
    }

    pub fn inner(&self, pointer: &str) -> Self {
        Self { pairs: Vec::new(), tree: self.value(pointer).cloned().unwrap_or_default() }
    }

    pub fn has(&self, pointer: &str) -> bool {
        self.value(pointer).is_some()
    }

    pub fn texts(&self, pointer: &str) -> Vec<String> {
        self.list(pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.value(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Laid over what an object has: an empty value takes a key away, an empty `metadata` all of them.
    pub fn metadata(&self, pointer: &str, before: &Value) -> Value {
        let mut all = before.as_object().cloned().unwrap_or_default();
        if self.emptied(pointer) {
            all.clear();
        }
        for (key, value) in self.value(pointer).and_then(Value::as_object).into_iter().flatten() {
            if value.as_str() == Some("") {
                all.remove(key);
            } else {
                all.insert(key.clone(), value.clone());
            }
        }
        Value::Object(all)
    }

    /// What says whether two requests are the same, for idempotency.
    pub fn fingerprint(&self) -> String {
        let mut pairs: Vec<String> = self.pairs.iter().map(|(path, value)| format!("{}={value}", name_of(path))).collect();
        pairs.sort();
        pairs.join("&")
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| ApiError::invalid("Invalid request: a parameter is not UTF-8."))?;
    Ok(decoded.into_owned())
}

fn path_of(key: &str) -> Result<Vec<String>, ApiError> {
    let wrong = || ApiError::invalid(format!("Invalid parameter name: {key}"));
    let Some((first, rest)) = key.split_once('[') else { return Ok(vec![key.to_owned()]) };
    let rest = rest.strip_suffix(']').ok_or_else(wrong)?;
    let path: Vec<String> = std::iter::once(first).chain(rest.split("][")).map(str::to_owned).collect();
    if first.is_empty() || path.len() > 8 || path.iter().any(|it| it.contains(['[', ']'])) {
        return Err(wrong());
    }
    Ok(path)
}

/// `None` where a name stands for a value and for a group of values at once.
fn insert(tree: &mut Value, path: &[String], value: &str) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let members = tree.as_object_mut()?;
    // `expand[]` has no index: it goes behind the others.
    let key = if first.is_empty() { members.len().to_string() } else { first.clone() };
    if rest.is_empty() {
        members.insert(key, Value::String(value.to_owned()));
        return Some(());
    }
    insert(members.entry(key).or_insert_with(|| Value::Object(Map::new())), rest, value)
}

/// Groups whose keys are all indices become lists, in the order of the indices. Never the top, and never `metadata`.
fn lists(tree: Value) -> Value {
    let Value::Object(members) = tree else { return tree };
    Value::Object(members.into_iter().map(|(key, value)| if key == "metadata" { (key, value) } else { (key, listed(value)) }).collect())
}

fn listed(value: Value) -> Value {
    let members = match lists(value) {
        Value::Object(members) => members,
        text => return text,
    };
    let mut indexed: Vec<(usize, Value)> = Vec::new();
    for (key, member) in &members {
        match key.parse() {
            Ok(index) => indexed.push((index, member.clone())),
            Err(_) => return Value::Object(members),
        }
    }
    indexed.sort_by_key(|(index, _)| *index);
    Value::Array(indexed.into_iter().map(|(_, member)| member).collect())
}

/// `["items", "0", "price"]` as it is written: `items[0][price]`.
pub fn name_of(path: &[String]) -> String {
    path.iter().enumerate().fold(String::new(), |name, (at, part)| if at == 0 { part.clone() } else { format!("{name}[{part}]") })
}

fn matches(pattern: &str, path: &[String], empty: bool) -> bool {
    let parts: Vec<&str> = pattern.split('[').map(|it| it.trim_end_matches(']')).collect();
    let whole = path.len() == parts.len() || (empty && path.len() < parts.len());
    whole
        && parts.iter().zip(path).all(|(part, it)| match *part {
            "*" => true,
            "" => it.is_empty() || it.parse::<u32>().is_ok(),
            part => part == it,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_become_a_tree() {
        let form = Form::parse(
            "customer=cus_1&items[0][price]=p1&items[1][price]=p2&items[10][price]=p3&metadata[a%20b]=x+y&expand[]=a&expand[]=b",
        )
        .expect("a form");
        let prices: Vec<String> = form.members("items").iter().filter_map(|it| it.text("price").map(str::to_owned)).collect();
        assert_eq!(prices, ["p1", "p2", "p3"]);
        assert_eq!(form.texts("expand"), ["a", "b"]);
        assert_eq!(form.metadata("metadata", &Value::Null), serde_json::json!({"a b": "x y"}));
    }

    #[test]
    fn only_what_is_named_is_taken() {
        let form = Form::parse("items[0][price]=p&metadata[1]=x&discounts=").expect("a form");
        assert!(form.only(&["items[][price]", "metadata[*]", "discounts[][coupon]"]).is_ok());
        let refused = form.only(&["items[][quantity]", "metadata[*]"]).expect_err("`price` is not named");
        assert_eq!(refused.param.as_deref(), Some("items[0][price]"));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for encoded in ["a[b=1", "a[b]c=1", "[a]=1", "a=1&a[b]=2", "a=%ff", "a[b][c][d][e][f][g][h][i]=1"] {
            assert!(Form::parse(encoded).is_err(), "{encoded}");
        }
    }

    #[test]
    fn an_empty_value_takes_a_key_away() {
        let before = serde_json::json!({"a": "1", "b": "2"});
        let changed = Form::parse("metadata[a]=&metadata[c]=3").expect("a form").metadata("metadata", &before);
        assert_eq!(changed, serde_json::json!({"b": "2", "c": "3"}));
        assert_eq!(Form::parse("metadata=").expect("a form").metadata("metadata", &before), serde_json::json!({}));
    }
}
