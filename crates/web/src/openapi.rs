//! The API's description, OpenAPI 3.1: each action says what it takes and gives, and what all of them have in common (problems,
//! limits, conditional and repeated requests, pages) is added here.

use std::sync::OnceLock;

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, PathItem, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::api::v1::{
    account, billing, exports, imports, instances, invitations, jobs, operations, people, plans, settings, sign_ups, tokens,
};
use crate::conditional;
use crate::problem::{self, ProblemBody};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Howdah",
        version = "1",
        description = "Launch, look after and leave with your own Mastodon servers.\n\nWhat takes long is an operation: ask for it, or \
            watch its events. A list comes in pages, the newest first. Whatever goes wrong is a problem (RFC 9457) with a machine \
            `reason` and a `detail` for people. A POST with an `Idempotency-Key` has one effect however often it is sent; a change with \
            `If-Match` is made only to what you have seen.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "Where this description was read.")),
    paths(
        instances::list::list, instances::create::create, instances::show::show, instances::remove::remove,
        instances::operations::operations, instances::approve::approve, instances::adopt::adopt, instances::overwrite::overwrite,
        instances::move_out::move_out, instances::move_out_done::move_out_done, instances::move_out_media::move_out_media,
        instances::close::close, instances::close_now::close_now, instances::undo::undo, instances::owner_link::owner_link,
        instances::owner_link_new::owner_link_new, instances::look::look, instances::check::check,
        exports::begin::begin_export, exports::list::list, exports::show::show, exports::cancel::cancel, exports::links::links,
        imports::list::list, imports::begin::begin, imports::show::show, imports::files::files, imports::look::look,
        imports::launch::launch, imports::cut_over::cut_over, imports::discard::discard, imports::pull::pull, imports::stop_pull::stop_pull,
        imports::run::offer, imports::run::report,
        exports::key::key, exports::schedule::show, exports::schedule::set,
        operations::show::show, operations::retry::retry,
        operations::events::events, plans::list::list,
        billing::show::show, billing::pay::checkout, billing::pay::portal, billing::order::order, billing::plan::preview, billing::plan::change,
        billing::cancel::cancel, billing::cancel::undo, billing::cap::set, billing::cap::lift, billing::grant::grant, billing::grant::end,
        billing::events::list, billing::events::replay, billing::money::show, billing::money::reconciliations,
        account::show::show, account::activity::activity, tokens::list::list, tokens::create::create, tokens::revoke::revoke,
        people::list::list, people::change_role::change_role, people::remove::remove,
        invitations::list::list, invitations::create::create, invitations::withdraw::withdraw,
        sign_ups::list::list, sign_ups::approve::approve, sign_ups::refuse::refuse,
        jobs::list::list, jobs::retry::retry, settings::show::show, settings::change::change,
    ),
    components(schemas(ProblemBody)),
    security(("token" = [])),
    modifiers(&Common),
    tags(
        (name = "instances", description = "Servers."),
        (name = "exports", description = "Servers taken along, whole and sealed."),
        (name = "imports", description = "Servers brought in, looked at as a rehearsal, and put in their old one's place."),
        (name = "operations", description = "Long work with a name, steps and an end."),
        (name = "plans", description = "The catalogue."),
        (name = "billing", description = "What servers cost, and how they are paid for."),
        (name = "account", description = "For whom a token speaks."),
        (name = "tokens", description = "API tokens: `read`, `write`, `people` and, for operators, `operate`."),
        (name = "people", description = "Who belongs to the account, and who was asked to: with the scope `people`, which is in no other."),
        (name = "sign-ups", description = "Who waits to be let in: for operators."),
        (name = "jobs", description = "What the workers have to do: for operators."),
        (name = "settings", description = "What applies to the whole platform: for operators."),
    )
)]
struct Api;

/// The description as it is served: the same bytes for the same code.
#[must_use]
pub fn json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        let mut text = Api::openapi().to_pretty_json().expect("a description made of strings and numbers is JSON");
        text.push('\n');
        text
    })
}

struct Common;

/// What an operation is, as far as its common answers depend on it.
struct Traits {
    is_open: bool,
    has_body: bool,
    has_id: bool,
    /// Its path is of one thing, by whatever name.
    names_one: bool,
    /// Its id is a number.
    has_number: bool,
    /// What it is about may not be as it has to be.
    may_conflict: bool,
    is_page: bool,
    is_conditional: bool,
    is_repeatable: bool,
}

/// What they answer is of now, and nothing else follows from it: who asks again wants another answer, and tells what is so then.
const ASKED_ANEW: [&str; 6] = ["offerImportFiles", "lookIntoImport", "offerPullFiles", "reportPull", "openBillingPortal", "previewPlan"];

impl Modify for Common {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        for (status, name, description) in PROBLEMS {
            components.responses.insert((*name).to_owned(), RefOr::T(problem_response(status, description)));
        }
        for (path, item) in &mut api.paths.paths {
            let has_id = path.contains("{id}");
            let PathItem { get, post, put, delete, .. } = item;
            for (operation, is_change, is_post) in [(get, false, false), (post, true, true), (put, true, false), (delete, true, false)] {
                let Some(operation) = operation else { continue };
                let name = operation.operation_id.clone().unwrap_or_default();
                let traits = Traits {
                    is_open: name == "listPlans",
                    has_body: operation.request_body.is_some(),
                    has_id,
                    names_one: path.contains('{'),
                    has_number: path.contains("/jobs/{id}"),
                    may_conflict: is_change || matches!(name.as_str(), "getExportLinks" | "showBill" | "showMoney"),
                    is_page: name.starts_with("list") && name != "listPlans",
                    is_conditional: is_change && has_id && name.ends_with("Instance")
                        || matches!(name.as_str(), "undoClosing" | "changeSettings"),
                    is_repeatable: is_post && !ASKED_ANEW.contains(&name.as_str()),
                };
                complete(operation, &traits);
            }
        }
    }
}

fn complete(operation: &mut Operation, traits: &Traits) {
    let parameters = operation.parameters.get_or_insert_default();
    if traits.has_id {
        let id = if traits.has_number {
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(1))
        } else {
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).format(Some(uuid_format()))
        };
        parameters.push(parameter("id", ParameterIn::Path, true, "The id.", id.build()));
    }
    if traits.is_page {
        let cursor = text(1, 100).build();
        parameters.push(parameter("cursor", ParameterIn::Query, false, "`next_cursor` of the page before.", cursor));
        let limit = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(1))
            .maximum(Some(100))
            .default(Some(20.into()))
            .build();
        parameters.push(parameter("limit", ParameterIn::Query, false, "How many items the page has at most.", limit));
    }
    if traits.is_repeatable {
        let key = text(1, 255).pattern(Some("^[!-~]([ -~]*[!-~])?$")).build();
        let description = "The same key with the same request has one effect and one answer, for a day at least.";
        parameters.push(parameter("Idempotency-Key", ParameterIn::Header, false, description, key));
    }
    if traits.is_conditional {
        let tag = text(1, conditional::LONGEST).pattern(Some(r#"^(\*|"[!#-~]*")$"#)).build();
        let description = "The ETag that was last answered: 412 where it has changed since.";
        parameters.push(parameter("If-Match", ParameterIn::Header, false, description, tag));
    }
    if traits.is_repeatable {
        mark_as_repeatable(operation);
    }
    for (status, name, _) in PROBLEMS {
        if applies(status, traits) {
            operation.responses.responses.insert((*status).to_owned(), RefOr::Ref(Ref::from_response_name(*name)));
        }
    }
}

fn mark_as_repeatable(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let header = header("`true` where this answer was given before.", Type::String);
            response.headers.insert("Idempotent-Replayed".to_owned(), RefOr::T(header));
        }
    }
}

/// Statuses of problems, the names of their answers, and when they are given.
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("400", "Malformed", "The request can't be read."),
    ("401", "Unauthenticated", "The token is missing, unknown, expired or revoked."),
    ("403", "Forbidden", "The token's scopes or the person's role do not allow it, or new servers are not taken."),
    ("404", "NotFound", "There is no such thing, or not for this account."),
    ("405", "MethodNotAllowed", "This address does not take this method."),
    ("408", "BodyTooSlow", "The body did not come within 20 seconds."),
    ("409", "Conflict", "What is asked for does not fit what is there."),
    ("412", "PreconditionFailed", "It has changed since the version that If-Match names."),
    ("413", "BodyTooLarge", "The body is larger than 64 KiB."),
    ("415", "NotJson", "The body is not JSON."),
    ("422", "Invalid", "What was sent can't be taken; `errors` says which field and why."),
    ("429", "TooManyRequests", "Too many requests of this token or IP address."),
    ("500", "OurFault", "A mistake of ours."),
    ("503", "Unavailable", "Something that this needs is away: ask again."),
];

fn applies(status: &str, it: &Traits) -> bool {
    match status {
        "401" | "403" => !it.is_open,
        "404" => it.names_one,
        "409" => it.may_conflict,
        "412" => it.is_conditional,
        "408" | "413" | "415" => it.has_body,
        "422" => it.has_body || it.is_repeatable,
        "503" => !it.is_open,
        _ => true,
    }
}

fn problem_response(status: &str, description: &str) -> Response {
    let response = ResponseBuilder::new()
        .description(description)
        .content(problem::CONTENT, Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(Ref::from_schema_name("Problem")))));
    match status {
        "401" => response.header("WWW-Authenticate", header("Bearer", Type::String)),
        "405" => response.header("Allow", header("The methods that it takes.", Type::String)),
        "429" | "503" => response.header("Retry-After", header("In how many seconds to ask again.", Type::Integer)),
        _ => response,
    }
    .build()
}

fn header(description: &str, kind: Type) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::Type(kind)).build()))
        .description(Some(description))
        .build()
}

fn text(min: usize, max: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).min_length(Some(min)).max_length(Some(max))
}

fn uuid_format() -> utoipa::openapi::schema::SchemaFormat {
    utoipa::openapi::schema::SchemaFormat::KnownFormat(utoipa::openapi::schema::KnownFormat::Uuid)
}

fn parameter(
    name: &str,
    place: ParameterIn,
    is_required: bool,
    description: &str,
    schema: utoipa::openapi::schema::Object,
) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if is_required { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(schema))
        .build();
    RefOr::T(parameter)
}
