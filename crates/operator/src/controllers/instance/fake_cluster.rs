//! An API server in memory and the controllers behind it, as far as a pass meets them: objects by path with their versions and
//! preconditions, server-side apply (which here only adds and changes), writes that fail when they are told to, and parts of the
//! cluster that are broken for good.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::{BoxError, service_fn};

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and this is the answer.
    Refused(u16),
    /// It is done, and the connection breaks before the answer.
    AnswerLost,
}

/// How a part of the cluster is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Every request is refused.
    Refuses(u16),
    /// No request is ever answered.
    Hangs,
}

#[derive(Clone)]
pub struct FakeCluster {
    state: Arc<Mutex<State>>,
    /// Told of each request for what is broken.
    asked: Arc<Notify>,
}

struct State {
    objects: BTreeMap<String, Value>,
    /// The newest resourceVersion.
    version: u64,
    now: Timestamp,
    /// `METHOD /path` of each write that was asked for, Events aside.
    writes: Vec<String>,
    /// Of each read.
    reads: Vec<String>,
    events: Vec<Value>,
    /// By a part of the path.
    broken: Option<(String, Broken)>,
    fault: Option<(usize, Fault)>,
    /// After how many writes this Deployment's pods were ready.
    ready: BTreeMap<String, usize>,
}

impl FakeCluster {
    pub fn new(now: Timestamp) -> Self {
        let state = State {
            objects: BTreeMap::new(),
            version: 100,
            now,
            writes: Vec::new(),
            reads: Vec::new(),
            events: Vec::new(),
            broken: None,
            fault: None,
            ready: BTreeMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), asked: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn client(&self) -> Client {
        let cluster = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let cluster = cluster.clone();
            async move {
                let (head, body) = request.into_parts();
                let bytes = body.collect_bytes().await?;
                let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                let broken = cluster.broken(head.uri.path());
                if broken.is_some() {
                    cluster.asked.notify_one();
                }
                match broken {
                    Some(Broken::Hangs) => return std::future::pending().await,
                    Some(Broken::Refuses(code)) => return refuse(code),
                    None => {}
                }
                cluster.lock().answer(&head.method, head.uri.path(), &body)
            }
        });
        Client::new(service, "default")
    }

    fn broken(&self, path: &str) -> Option<Broken> {
        self.lock().broken.as_ref().filter(|(part, _)| path.contains(part)).map(|(_, how)| *how)
    }

    /// Whatever has this in its path, from now on.
    pub fn break_down(&self, part: &str, how: Broken) {
        self.lock().broken = Some((part.to_owned(), how));
    }

    /// Returns once something broken was asked for.
    pub async fn broken_was_asked(&self) {
        self.asked.notified().await;
    }

    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    pub fn wait(&self, time: SignedDuration) {
        self.lock().now += time;
    }

    /// As somebody else's write.
    pub fn put(&self, path: &str, object: Value) {
        self.lock().store(path, object);
    }

    pub fn object(&self, path: &str) -> Value {
        self.lock().objects.get(path).cloned().unwrap_or_else(|| panic!("there is no {path}"))
    }

    pub fn objects(&self) -> BTreeMap<String, Value> {
        self.lock().objects.clone()
    }

    pub fn changed_since(&self, version: u64) -> Vec<Value> {
        let is_new =
            |it: &&Value| it["metadata"]["resourceVersion"].as_str().and_then(|it| it.parse().ok()).is_some_and(|it: u64| it > version);
        self.lock().objects.values().filter(is_new).cloned().collect()
    }

    pub fn has(&self, path: &str) -> bool {
        self.lock().objects.contains_key(path)
    }

    pub fn version(&self) -> u64 {
        self.lock().version
    }

    pub fn writes(&self) -> Vec<String> {
        self.lock().writes.clone()
    }

    pub fn reads(&self) -> Vec<String> {
        self.lock().reads.clone()
    }

    /// Type and reason of each Event, in the order in which they came.
    pub fn events(&self) -> Vec<Value> {
        self.lock().events.clone()
    }

    /// As somebody else's delete.
    pub fn remove(&self, path: &str) {
        self.lock().delete(path, &Value::Null).unwrap();
    }

    /// How many writes came before this Deployment's pods were ready.
    pub fn became_ready(&self, deployment: &str) -> Option<usize> {
        self.lock().ready.get(deployment).copied()
    }

    /// The n-th write from now on, counted from 0.
    pub fn fail(&self, number: usize, fault: Fault) {
        let mut state = self.lock();
        state.fault = Some((state.writes.len() + number, fault));
    }

    /// The controllers' next single change: a Job ends well, a workload's pods come or get ready. False where nothing is left.
    pub fn step(&self) -> bool {
        let mut state = self.lock();
        let now = state.now;
        let next = state.objects.iter().find_map(|(path, object)| Some((path.clone(), next_status(object, now)?)));
        let Some((path, status)) = next else { return false };
        state.progress(&path, status);
        true
    }

    /// All that the controllers have to do now, one change each.
    pub fn step_all(&self) {
        let mut state = self.lock();
        let now = state.now;
        let next: Vec<_> = state.objects.iter().filter_map(|(path, object)| Some((path.clone(), next_status(object, now)?))).collect();
        for (path, status) in next {
            state.progress(&path, status);
        }
    }
}

fn next_status(object: &Value, now: Timestamp) -> Option<Value> {
    let replicas = &object["spec"]["replicas"];
    let generation = &object["metadata"]["generation"];
    let pods = |ready: &Value| {
        json!({
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready,
            "currentRevision": "1", "updateRevision": "1",
        })
    };
    let (begun, done) = match object["kind"].as_str()? {
        "Deployment" | "StatefulSet" => (pods(&json!(0)), pods(replicas)),
        "Job" if object["status"].is_null() => {
            let complete = json!({"type": "Complete", "status": "True", "lastTransitionTime": now, "lastProbeTime": null});
            return Some(json!({"conditions": [complete]}));
        }
        _ => return None,
    };
    if object["status"] == done {
        return None;
    }
    Some(if object["status"] == begun { done } else { begun })
}

impl State {
    fn progress(&mut self, path: &str, status: Value) {
        let mut object = self.objects[path].clone();
        object["status"] = status;
        if object["kind"] == "Deployment" && object["status"]["readyReplicas"] == object["spec"]["replicas"] {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let writes = self.writes.len();
            self.ready.entry(name).or_insert(writes);
        }
        self.store(path, object);
    }

    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> Result<Response<Body>, BoxError> {
        if path.contains("/events") {
            self.events.push(body.clone());
            return respond(201, &json!({"metadata": {}, "regarding": {}, "eventTime": null}));
        }
        if method == Method::GET {
            self.reads.push(format!("{method} {path}"));
            return match self.get(path) {
                Some(found) => respond(200, &found),
                None => refuse(404),
            };
        }
        let number = self.writes.len();
        self.writes.push(format!("{method} {path}"));
        let fault = self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        if let Some(Fault::Refused(code)) = fault {
            return refuse(code);
        }
        let answer = match *method {
            Method::POST => self.create(path, body),
            Method::DELETE => self.delete(path, body),
            _ => self.patch(path, body),
        };
        if fault == Some(Fault::AnswerLost) {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
        }
        match answer {
            Ok(object) => respond(200, &object),
            Err(code) => refuse(code),
        }
    }

    fn get(&self, path: &str) -> Option<Value> {
        if !path.ends_with("/secrets") {
            return self.objects.get(path).cloned();
        }
        let items: Vec<&Value> = self.objects.iter().filter(|(it, _)| it.starts_with(&format!("{path}/"))).map(|(_, it)| it).collect();
        Some(json!({"metadata": {"resourceVersion": self.version.to_string()}, "items": items}))
    }

    fn create(&mut self, path: &str, body: &Value) -> Result<Value, u16> {
        let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
        if self.objects.contains_key(&path) { Err(409) } else { Ok(self.store(&path, body.clone())) }
    }

    fn delete(&mut self, path: &str, body: &Value) -> Result<Value, u16> {
        let found = self.objects.get(path).ok_or(404_u16)?;
        meets(found, &body["preconditions"])?;
        let below = format!("{path}/");
        self.objects.retain(|it, _| it != path && !it.starts_with(&below));
        self.version += 1;
        Ok(json!({"kind": "Status", "status": "Success"}))
    }

    fn patch(&mut self, path: &str, body: &Value) -> Result<Value, u16> {
        let (path, is_status) = path.strip_suffix("/status").map_or((path, false), |it| (it, true));
        let found = self.objects.get(path).cloned();
        // Where a version is named, something has to be there.
        meets(found.as_ref().unwrap_or(&Value::Null), &body["metadata"])?;
        let mut object = found.unwrap_or(Value::Null);
        if is_status {
            object["status"] = body["status"].clone();
        } else {
            merge(&mut object, body);
        }
        Ok(self.store(path, object))
    }

    /// What says nothing new has no new version.
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        let old = self.objects.get(path).cloned().unwrap_or(Value::Null);
        if !old.is_null() {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            if object == old {
                return object;
            }
        }
        self.version += 1;
        let generation = old["metadata"]["generation"].as_u64().unwrap_or(0) + u64::from(object["spec"] != old["spec"]);
        let metadata = &mut object["metadata"];
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{}", self.version));
        }
        if metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = json!(self.now);
        }
        metadata["resourceVersion"] = json!(self.version.to_string());
        metadata["generation"] = json!(generation);
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

fn meets(found: &Value, wanted: &Value) -> Result<(), u16> {
    let is_met = |key: &str| wanted[key].is_null() || wanted[key] == found[key] || wanted[key] == found["metadata"][key];
    if is_met("uid") && is_met("resourceVersion") { Ok(()) } else { Err(409) }
}

fn merge(into: &mut Value, from: &Value) {
    let Some(from) = from.as_object() else {
        *into = from.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in from {
        if value.is_object() {
            merge(&mut into[key.as_str()], value);
        } else {
            into[key.as_str()] = value.clone();
        }
    }
}

fn respond(code: u16, body: &Value) -> Result<Response<Body>, BoxError> {
    Ok(Response::builder().status(code).body(Body::from(body.to_string().into_bytes()))?)
}

fn refuse(code: u16) -> Result<Response<Body>, BoxError> {
    let reason = if code == 404 { "NotFound" } else { "" };
    respond(code, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused", "reason": reason, "code": code}))
}
