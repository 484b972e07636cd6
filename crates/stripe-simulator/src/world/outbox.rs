//! What is to be delivered to webhook endpoints, and how it went: retried with back-off for three days of the clock, and by setting
//! doubled, lost, delayed and shuffled.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Dice;
use crate::clock::{DAY, HOUR};

/// How badly deliveries go. Each is a share of them, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    pub doubled: f64,
    /// Never sent, and never tried again: only a look at the list of events shows them.
    pub lost: f64,
    /// Kept back for up to a day of the clock.
    pub delayed: f64,
    pub shuffled: bool,
    /// Nothing goes out until this is taken back.
    pub held: bool,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "status")]
pub enum Answer {
    Waiting,
    /// The status that the endpoint answered with; none where no answer came.
    Refused(Option<u16>),
    Accepted(u16),
    Lost,
}

/// One event for one endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub number: usize,
    pub event: String,
    pub endpoint: String,
    pub created: i64,
    pub due: i64,
    pub attempts: u32,
    pub answer: Answer,
}

impl Message {
    /// Whether the endpoint is still to say 2xx to it.
    pub fn is_open(&self) -> bool {
        !matches!(self.answer, Answer::Accepted(_) | Answer::Lost) && !self.is_given_up()
    }

    fn is_given_up(&self) -> bool {
        matches!(self.answer, Answer::Refused(_)) && self.due > self.created + 3 * DAY
    }
}

#[derive(Clone)]
pub struct Outbox {
    messages: Vec<Message>,
    /// Positions of what is open, so that a long history costs nothing.
    open: Vec<usize>,
    of_event: HashMap<String, Vec<usize>>,
    setting: Delivery,
    dice: Dice,
}

impl Outbox {
    pub fn new(seed: u64) -> Self {
        let (messages, open) = (Vec::new(), Vec::new());
        Self { messages, open, of_event: HashMap::new(), setting: Delivery::default(), dice: Dice::new(seed) }
    }

    pub fn set(&mut self, setting: Delivery) {
        self.dice = Dice::new(setting.seed);
        self.setting = setting;
    }

    pub fn setting(&self) -> &Delivery {
        &self.setting
    }

    pub fn post(&mut self, event: &str, endpoint: &str, now: i64) {
        if self.dice.falls(self.setting.lost) {
            self.push(event, endpoint, now, now, Answer::Lost);
            return;
        }
        let copies = if self.dice.falls(self.setting.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let wait = if self.dice.falls(self.setting.delayed) { 1 + self.dice.below(DAY as usize) as i64 } else { 0 };
            self.push(event, endpoint, now, now + wait, Answer::Waiting);
        }
    }

    /// The same event again, as the dashboard's "resend" does.
    pub fn resend(&mut self, event: &str, endpoint: &str, now: i64) {
        self.push(event, endpoint, now, now, Answer::Waiting);
    }

    fn push(&mut self, event: &str, endpoint: &str, created: i64, due: i64, answer: Answer) {
        let number = self.messages.len();
        self.messages.push(Message { number, event: event.to_owned(), endpoint: endpoint.to_owned(), created, due, attempts: 0, answer });
        self.of_event.entry(event.to_owned()).or_default().push(number);
        if answer == Answer::Waiting {
            self.open.push(number);
        }
    }

    /// What is to be sent now, in the order in which it goes out.
    pub fn take_due(&mut self, now: i64) -> Vec<Message> {
        if self.setting.held {
            return Vec::new();
        }
        let mut due: Vec<Message> = self.open.iter().map(|&at| self.messages[at].clone()).filter(|it| it.due <= now).collect();
        if self.setting.shuffled {
            for at in (1..due.len()).rev() {
                due.swap(at, self.dice.below(at + 1));
            }
        }
        due
    }

    /// Writes down how an attempt went. After the n-th refusal the next attempt is 2ⁿ⁻¹ hours later.
    pub fn note(&mut self, number: usize, status: Option<u16>, now: i64) {
        let Some(message) = self.messages.get_mut(number) else { return };
        message.attempts += 1;
        message.answer = match status {
            Some(status @ 200..=299) => Answer::Accepted(status),
            other => Answer::Refused(other),
        };
        message.due = now + (HOUR << message.attempts.saturating_sub(1).min(6));
        if !message.is_open() {
            self.open.retain(|it| *it != number);
        }
    }

    /// Its endpoint is gone.
    pub fn drop_message(&mut self, number: usize) {
        if let Some(message) = self.messages.get_mut(number) {
            message.answer = Answer::Lost;
        }
        self.open.retain(|it| *it != number);
    }

    /// When the next attempt is due.
    pub fn next_at(&self) -> Option<i64> {
        if self.setting.held {
            return None;
        }
        self.open.iter().map(|&at| self.messages[at].due).min()
    }

    pub fn of_event(&self, event: &str) -> impl Iterator<Item = &Message> {
        self.of_event.get(event).into_iter().flatten().map(|&at| &self.messages[at])
    }

    /// Whether every endpoint that was to hear of it has said 2xx.
    pub fn is_delivered(&self, event: &str) -> bool {
        self.of_event(event).all(|it| matches!(it.answer, Answer::Accepted(_)))
    }

    pub fn newest(&self, most: usize) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev().take(most)
    }
}
