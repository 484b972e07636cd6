//! All objects of the simulated account, by id, by kind and by customer, in the order in which they were made.

use std::collections::HashMap;

use serde_json::Value;

use crate::json::Fields;

#[derive(Clone, Default)]
pub struct Store {
    /// A deleted object leaves `Null`, so that positions stay.
    objects: Vec<Value>,
    by_id: HashMap<String, usize>,
    by_kind: HashMap<String, Vec<usize>>,
    by_customer: HashMap<String, Vec<usize>>,
}

impl Store {
    /// Puts an object in, or in the place of the one with its id.
    pub fn put(&mut self, object: Value) {
        let customer = object.text("customer").to_owned();
        match self.by_id.get(object.id()) {
            Some(&at) => {
                let before = self.objects[at].text("customer").to_owned();
                self.objects[at] = object;
                if before != customer && !customer.is_empty() {
                    self.by_customer.entry(customer).or_default().push(at);
                }
            }
            None => {
                let at = self.objects.len();
                self.by_id.insert(object.id().to_owned(), at);
                self.by_kind.entry(object.text("object").to_owned()).or_default().push(at);
                if !customer.is_empty() {
                    self.by_customer.entry(customer).or_default().push(at);
                }
                self.objects.push(object);
            }
        }
    }

    pub fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.find(id).filter(|it| it.text("object") == kind)
    }

    pub fn find(&self, id: &str) -> Option<&Value> {
        self.by_id.get(id).map(|&at| &self.objects[at])
    }

    pub fn remove(&mut self, id: &str) -> Option<Value> {
        self.by_id.remove(id).map(|at| self.objects[at].take())
    }

    /// The oldest first.
    pub fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.by_kind.get(kind).into_iter().flatten().map(|&at| &self.objects[at]).filter(|it| !it.is_null())
    }

    pub fn of_customer<'a>(&'a self, kind: &'a str, customer: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
        let places = self.by_customer.get(customer).into_iter().flatten();
        places.map(|&at| &self.objects[at]).filter(move |it| it.text("object") == kind)
    }

    /// The part of the account that one customer's invoices depend on: what is theirs, and what belongs to nobody.
    pub fn part_of(&self, customer: &str) -> Self {
        const NOBODYS: [&str; 4] = ["product", "price", "coupon", "promotion_code"];
        let theirs = self.by_customer.get(customer).into_iter().flatten().map(|&at| &self.objects[at]);
        let mut part = Self::default();
        for object in NOBODYS.iter().flat_map(|kind| self.all(kind)).chain(self.find(customer)).chain(theirs.filter(|it| !it.is_null())) {
            part.put(object.clone());
        }
        part
    }
}
